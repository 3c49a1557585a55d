-- tombstones: what is left of the destroyed keys of these customers.
-- $1 tenant   $2 customers
SELECT customer_id, key_id, erased_at, age_seconds
  FROM tombstones($1, $2)
