-- erased_at: which of these customers were erased, and when.
-- $1 tenant   $2 customers
SELECT customer_id, erased_at
  FROM erased_at($1, $2)
