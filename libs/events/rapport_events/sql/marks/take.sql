-- take: take marks away to work on them, the oldest first; those that another process works on are passed by.
-- $1 view   $2 how many at most, besides those of the same ids
WITH oldest AS (
     SELECT m.tenant_id, m.customer
       FROM marks m
      WHERE m.view = $1
      ORDER BY m.recorded_at
      LIMIT $2
        FOR UPDATE SKIP LOCKED),
chosen AS (
     SELECT m.tenant_id, m.mark_id
       FROM marks m
      WHERE m.view = $1
        AND (m.tenant_id, m.customer) IN (SELECT o.tenant_id, o.customer FROM oldest o)
        FOR UPDATE SKIP LOCKED)
DELETE FROM marks m
 USING chosen c
 WHERE m.tenant_id = c.tenant_id AND m.mark_id = c.mark_id
RETURNING m.tenant_id, m.customer
