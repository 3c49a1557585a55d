-- compare_tables: count the rows of two tables of one shape, and those that are not the same.
-- $1 a table   $2 another one
SELECT rows_compared, rows_differing
  FROM compare_tables($1, $2)
