-- next_customers: name the next customers of a tenant.
-- $1 tenant   $2 the one before   $3 how many at most
SELECT DISTINCT j.customer
  FROM journey_v1 j
 WHERE j.tenant_id = $1
   AND j.customer > $2
 ORDER BY j.customer
 LIMIT $3
