-- seal_keys: the wrapped keys of customers, or when they were erased; candidates become keys where there are none.
-- $1 tenant   $2 customers   $3 candidates' key ids   $4 candidates (wrapped)
SELECT customer_id, key_id, wrapped_key, erased_at
  FROM seal_keys($1, $2, $3, $4)
