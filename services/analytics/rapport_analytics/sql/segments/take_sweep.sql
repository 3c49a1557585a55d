-- take_sweep: take a sweep that no other process works on, unless enough customers are marked already.
-- $1 marks at most
SELECT s.tenant_id, s.segment_id, s.customer
  FROM sweeps s
 WHERE (SELECT count(*) FROM (SELECT FROM marks m WHERE m.view = 'segments' LIMIT $1) AS waiting) < $1
 ORDER BY s.tenant_id, s.segment_id
 LIMIT 1
   FOR UPDATE SKIP LOCKED
