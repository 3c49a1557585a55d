-- mark_all: mark both ends of every edge for views whose derived events depend on who is one party.
-- $1 views
INSERT INTO marks (tenant_id, view, customer, recorded_at)
SELECT DISTINCT p.tenant_id, v.view, e.customer, clock_timestamp()
  FROM parties_v1_rN AS p
 CROSS JOIN LATERAL (VALUES (p.customer), (p.other)) AS e (customer)
 CROSS JOIN unnest($1::text[]) AS v (view)
