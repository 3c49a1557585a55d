-- set: keep effects that were decided.
-- $1 tenants   $2 keys   $3 kinds   $4 subjects   $5 streams   $6 versions of the decisions   $7 event ids
-- $8 decisions (JSON)   $9 correlation ids   $10 recorded at
INSERT INTO effects_v1_rN (tenant_id, effect_key, kind, subject, stream, version, event_id, decision, correlation_id,
                           recorded_at)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $7::uuid[], $8::json[], $9::text[],
              $10::timestamptz[])
    ON CONFLICT (tenant_id, effect_key) DO NOTHING
