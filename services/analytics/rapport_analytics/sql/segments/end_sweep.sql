-- end_sweep: all customers were marked.
-- $1 tenant   $2 segment
DELETE FROM sweeps
 WHERE tenant_id = $1
   AND segment_id = $2
