-- add_stages: add stages that were reached.
-- $1 tenants   $2 customers   $3 event ids   $4 stages   $5 previous stages   $6 reasons (text of a uuid[])
-- $7 occurred at   $8 recorded at   $9 positions
INSERT INTO stages_v1_rN (tenant_id, customer, event_id, stage, previous, because, occurred_at, recorded_at, position)
SELECT n.tenant_id, n.customer, n.event_id, n.stage, n.previous, n.because::uuid[], n.occurred_at, n.recorded_at, n.position
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
              $8::timestamptz[], $9::bigint[])
    AS n (tenant_id, customer, event_id, stage, previous, because, occurred_at, recorded_at, position)
