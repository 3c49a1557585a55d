-- add_pulse: add to the counts of minutes.
-- $1 tenants   $2 services   $3 minutes   $4 events
INSERT INTO pulse_v1_rN AS p (tenant_id, source, minute, events)
SELECT *
  FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[])
    ON CONFLICT (tenant_id, source, minute) DO UPDATE
   SET events = p.events + excluded.events
