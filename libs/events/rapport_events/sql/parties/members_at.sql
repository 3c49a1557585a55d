-- members_at: for each id asked for, root and ids of its party as they were known then; at most 32 steps either way.
-- $1 tenants   $2 ids   $3 known at
WITH RECURSIVE asked AS (
     SELECT DISTINCT a.tenant_id, a.id
       FROM unnest($1::text[], $2::uuid[]) AS a (tenant_id, id)),
up AS (
     SELECT a.tenant_id, a.id AS asked, a.id, 0 AS depth
       FROM asked a
      UNION ALL
     SELECT u.tenant_id, u.asked, e.parent, u.depth + 1
       FROM up u
      CROSS JOIN LATERAL (SELECT party_parent_at(u.tenant_id, u.id, $3) AS parent) e
      WHERE u.depth < 32
        AND e.parent IS NOT NULL),
roots AS (
     SELECT u.tenant_id, u.asked,
            CASE WHEN max(u.depth) < 32 THEN (array_agg(u.id ORDER BY u.depth DESC))[1]
                 ELSE (array_agg(u.id ORDER BY u.id) FILTER (WHERE u.depth >= 16))[1] END AS root
       FROM up u
      GROUP BY u.tenant_id, u.asked),
down AS (
     SELECT r.tenant_id, r.root, r.root AS member, NULL::uuid AS parent, 0 AS depth
       FROM (SELECT DISTINCT tenant_id, root FROM roots) r
      UNION
     SELECT d.tenant_id, d.root, e.child, d.member, d.depth + 1
       FROM down d
      CROSS JOIN LATERAL (
            SELECT p.child FROM parties_v1 p
             WHERE p.tenant_id = d.tenant_id AND p.parent = d.member AND p.known_from <= $3 AND p.known_to IS NULL
             UNION ALL
            SELECT p.child FROM parties_v1 p
             WHERE p.tenant_id = d.tenant_id AND p.parent = d.member AND p.known_from <= $3 AND p.known_to > $3) e
      WHERE d.depth < 32
        AND e.child <> d.root
        AND party_parent_at(d.tenant_id, e.child, $3) = d.member)
SELECT DISTINCT r.tenant_id, r.asked, r.root, d.member, d.parent
  FROM roots r
  JOIN down d ON d.tenant_id = r.tenant_id AND d.root = r.root
