-- move_sweep: write down how far a sweep has come.
-- $1 tenant   $2 segment   $3 the last customer
UPDATE sweeps
   SET customer = $3
 WHERE tenant_id = $1
   AND segment_id = $2
