-- take: take marks away to work on them; those that another process works on are passed by.
-- $1 view   $2 how many at most
WITH chosen AS (
     SELECT m.tenant_id, m.view, m.customer, m.partition
       FROM marks m
      WHERE m.view = $1
      ORDER BY m.recorded_at
      LIMIT $2
        FOR UPDATE SKIP LOCKED)
DELETE FROM marks m
 USING chosen c
 WHERE m.tenant_id = c.tenant_id AND m.view = c.view AND m.customer = c.customer AND m.partition = c.partition
RETURNING m.tenant_id, m.customer
