-- set: keep timers that were scheduled.
-- $1 tenants   $2 timers   $3 subjects   $4 kinds of what they are about   $5 its ids   $6 due at
-- $7 versions of their streams   $8 event ids   $9 correlation ids   $10 recorded at
INSERT INTO timers_v1_rN (tenant_id, timer_id, subject, about_kind, about_id, due_at, version, event_id, correlation_id,
                          recorded_at)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::timestamptz[], $7::int[], $8::uuid[],
              $9::text[], $10::timestamptz[])
    ON CONFLICT (tenant_id, timer_id) DO UPDATE
   SET due_at = excluded.due_at,
       version = excluded.version,
       event_id = excluded.event_id,
       correlation_id = excluded.correlation_id,
       recorded_at = excluded.recorded_at
