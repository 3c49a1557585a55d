-- open_keys: wrapped keys by their ids; without a key where it was destroyed, without a row where it is unknown.
-- $1 tenant   $2 key ids
SELECT key_id, customer_id, wrapped_key
  FROM open_keys($1, $2)
