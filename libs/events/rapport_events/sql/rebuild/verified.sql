-- verified: note what the comparison of a rebuild with the live one has shown.
-- $1 reader   $2 rebuild that it was compared with   $3 rows   $4 rows that differ
UPDATE rebuilds
   SET verified_at = clock_timestamp(), verified_against = $2, rows_compared = $3, rows_differing = $4
 WHERE reader = $1
