-- upsert: store cases as they stand now.
-- $1 tenants   $2 cases   $3 customers   $4 statuses   $5 categories   $6 severities   $7 departments   $8 agents
-- $9 complained at   $10 responded at   $11 resolved at   $12 details   $13 events of the complaints   $14 complaints
INSERT INTO case_v1_rN
       (tenant_id, case_id, customer_id, status, category, severity, department, agent_id,
        complained_at, responded_at, resolved_at, detail, event_id, complaint)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
              $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::json[], $13::uuid[], $14::text[])
    ON CONFLICT (tenant_id, case_id) DO UPDATE
   SET status = excluded.status, category = excluded.category, severity = excluded.severity,
       department = excluded.department, agent_id = excluded.agent_id, responded_at = excluded.responded_at,
       resolved_at = excluded.resolved_at, detail = excluded.detail
