-- destroy: destroy the keys of customers for ever.
-- $1 tenant   $2 customers
SELECT destroy($1, $2)
