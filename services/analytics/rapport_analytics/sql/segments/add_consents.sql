-- add_consents: add words on consents.
-- $1 tenants   $2 customers   $3 event ids   $4 purposes   $5 channels (null: all)   $6 whether granted
-- $7 versions of the wording   $8 references to evidence   $9 valid until   $10 occurred at   $11 recorded at
-- $12 partitions   $13 positions
INSERT INTO consents_v1_rN
       (tenant_id, customer, event_id, purpose, channel, is_granted, wording_version, evidence_ref, valid_until,
        occurred_at, recorded_at, partition, position)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::boolean[], $7::text[], $8::text[],
              $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::smallint[], $13::bigint[])
