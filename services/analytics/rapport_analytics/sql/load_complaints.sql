-- load_complaints: cases as they were before a batch.
-- $1 tenants   $2 cases
SELECT c.tenant_id, c.case_id, c.customer, c.event_id, c.category, c.severity, c.channel, c.channel_detail,
       c.attributes, c.occurred_at, c.responses, c.response_attributes, c.first_responded_at, c.resolved_at, c.state
  FROM unnest($1::text[], $2::uuid[]) AS k (tenant_id, case_id)
  JOIN complaints_v1_rN c USING (tenant_id, case_id)
