-- load: read the cases that a batch goes on with.
-- $1 tenants   $2 cases
SELECT c.tenant_id, c.case_id, c.customer_id, c.status, c.category, c.severity, c.department, c.agent_id,
       c.complained_at, c.responded_at, c.resolved_at, c.detail, c.event_id, c.complaint
  FROM unnest($1::text[], $2::uuid[]) AS k (tenant_id, case_id)
  JOIN case_v1_rN AS c USING (tenant_id, case_id)
