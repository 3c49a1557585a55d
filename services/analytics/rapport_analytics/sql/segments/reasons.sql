-- reasons: find the facts that decided memberships.
-- $1 ids of the parties   $2 event ids
SELECT DISTINCT ON (r.event_id) r.event_id, r.source, r.partition, r.kind, r.occurred_at
  FROM (SELECT s.event_id, 'interactions' AS source, s.partition, s.kind, s.occurred_at
          FROM sales_v1 s
         WHERE s.customer = ANY ($1::uuid[]) AND s.event_id = ANY ($2::uuid[])
         UNION ALL
        SELECT j.event_id, j.source, j.partition, j.kind, j.occurred_at
          FROM journey_v1 j
         WHERE j.customer = ANY ($1::uuid[]) AND j.event_id = ANY ($2::uuid[])
         UNION ALL
        SELECT c.event_id, 'contacts', c.partition, CASE WHEN c.is_granted THEN 'agreed' ELSE 'withdrew' END, c.occurred_at
          FROM consents_v1 c
         WHERE c.customer = ANY ($1::uuid[]) AND c.event_id = ANY ($2::uuid[])
         UNION ALL
        SELECT t.event_id, 'contacts', t.partition, 'described', t.occurred_at
          FROM traits_v1 t
         WHERE t.customer = ANY ($1::uuid[]) AND t.event_id = ANY ($2::uuid[])) AS r
 ORDER BY r.event_id, r.kind
