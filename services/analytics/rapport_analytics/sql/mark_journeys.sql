-- mark_journeys: mark every customer of whom a deciding fact is known.
-- $1 name of the view
INSERT INTO marks (tenant_id, view, customer, recorded_at)
SELECT DISTINCT j.tenant_id, $1, j.customer, clock_timestamp()
  FROM journey_v1_rN AS j
