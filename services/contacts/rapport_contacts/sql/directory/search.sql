-- search: find customers by parts of their names, e-mail addresses or phone numbers, ordered by name.
-- $1 patterns of a name, the longest first   $2 pattern of an e-mail address   $3 pattern of digits
-- $4 only these, or null   $5 how many to skip   $6 how many at most
SELECT customer_id
  FROM search_directory_v1($1, $2, $3, $4, $5, $6)
