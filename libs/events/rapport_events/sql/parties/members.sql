-- members: for each id asked for, the root of its party and every id of it with its parent; at most 32 steps either way.
-- A chain that goes on after 32 steps is a circle: by then all of it has been seen, and its least id is the root.
-- $1 tenants   $2 ids
WITH RECURSIVE asked AS (
     SELECT DISTINCT a.tenant_id, a.id
       FROM unnest($1::text[], $2::uuid[]) AS a (tenant_id, id)),
up AS (
     SELECT a.tenant_id, a.id AS asked, a.id, 0 AS depth
       FROM asked a
      UNION ALL
     SELECT u.tenant_id, u.asked, e.parent, u.depth + 1
       FROM up u
       JOIN party_edges e ON e.tenant_id = u.tenant_id AND e.child = u.id
      WHERE u.depth < 32),
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
     SELECT d.tenant_id, d.root, e.child, e.parent, d.depth + 1
       FROM down d
       JOIN party_edges e ON e.tenant_id = d.tenant_id AND e.parent = d.member AND e.child <> d.root
      WHERE d.depth < 32)
SELECT DISTINCT r.tenant_id, r.asked, r.root, d.member, d.parent
  FROM roots r
  JOIN down d ON d.tenant_id = r.tenant_id AND d.root = r.root
