-- row: read how a case stands.
-- $1 tenant   $2 case
SELECT c.customer_id, c.status, c.category, c.severity, c.department, c.agent_id, c.complained_at,
       c.responded_at, c.resolved_at, c.detail, c.event_id, c.complaint
  FROM case_v1 AS c
 WHERE c.tenant_id = $1
   AND c.case_id = $2
