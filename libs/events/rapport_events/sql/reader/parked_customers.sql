-- parked_customers: whose later facts must wait behind a parked one, in these partitions.
-- $1 reader   $2 sources   $3 partitions
SELECT DISTINCT tenant_id, subject
  FROM parked
 WHERE reader = $1
   AND source = ANY ($2::text[])
   AND partition = ANY ($3::smallint[])
   AND released_at IS NULL
