-- Which ids are another party's now, and whose: by the edges that count, and with one root for a circle (see the
-- ledger's migration of the same number). Ids that stand for themselves have no row.
-- migrate:up
SET LOCAL lock_timeout = '5s';

CREATE OR REPLACE VIEW party_roots WITH (security_invoker = true) AS
  WITH RECURSIVE up AS (
       SELECT e.tenant_id, e.child AS id, e.parent AS root, 1 AS depth
         FROM party_edges e
        UNION ALL
       SELECT u.tenant_id, u.id, e.parent, u.depth + 1
         FROM up u
         JOIN party_edges e ON e.tenant_id = u.tenant_id AND e.child = u.root
        WHERE u.depth < 32)
SELECT tenant_id, id,
       CASE WHEN max(depth) < 32 THEN (array_agg(root ORDER BY depth DESC))[1]
            ELSE (array_agg(root ORDER BY root) FILTER (WHERE depth >= 16))[1] END AS root
  FROM up
 GROUP BY tenant_id, id;

-- migrate:down
CREATE OR REPLACE VIEW party_roots WITH (security_invoker = true) AS
  WITH RECURSIVE up AS (
       SELECT p.tenant_id, p.child AS id, p.parent AS root, 1 AS depth
         FROM parties_v1 p
        WHERE p.known_to IS NULL
        UNION ALL
       SELECT u.tenant_id, u.id, p.parent, u.depth + 1
         FROM up u
         JOIN parties_v1 p ON p.tenant_id = u.tenant_id AND p.child = u.root AND p.known_to IS NULL
        WHERE u.depth < 32)
SELECT DISTINCT ON (tenant_id, id) tenant_id, id, root
  FROM up
 ORDER BY tenant_id, id, depth DESC, root;
