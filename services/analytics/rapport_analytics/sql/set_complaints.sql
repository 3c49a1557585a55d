-- set_complaints: store cases as they are after a batch.
-- $1 tenants   $2 cases   $3 customers   $4 event ids   $5 categories   $6 severities   $7 channels
-- $8 channel details   $9 attributes (JSON)   $10 occurred at   $11 responses   $12 response attributes (JSON)
-- $13 first responded at   $14 resolved at   $15 states
INSERT INTO complaints_v1_rN AS c (tenant_id, case_id, customer, event_id, category, severity, channel, channel_detail,
                                   attributes, occurred_at, responses, response_attributes, first_responded_at,
                                   resolved_at, state)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
              $9::json[], $10::timestamptz[], $11::int[], $12::json[], $13::timestamptz[], $14::timestamptz[],
              $15::text[])
    ON CONFLICT (tenant_id, case_id) DO UPDATE
   SET category = excluded.category,
       severity = excluded.severity,
       responses = excluded.responses,
       response_attributes = excluded.response_attributes,
       first_responded_at = excluded.first_responded_at,
       resolved_at = excluded.resolved_at,
       state = excluded.state
