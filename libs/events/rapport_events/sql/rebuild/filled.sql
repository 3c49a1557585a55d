-- filled: let a rebuild be fed beside the live one; where there is none, code reads it already.
-- $1 reader
UPDATE rebuilds r
   SET filled_at = clock_timestamp(),
       verify_wanted_at = CASE WHEN l.model IS NULL THEN NULL ELSE clock_timestamp() END,
       state = CASE WHEN l.model IS NULL THEN 'live' ELSE 'beside' END
  FROM rebuilds f
  LEFT JOIN rebuilds l ON l.model = f.model AND l.state = 'live'
 WHERE f.reader = $1
   AND r.reader = f.reader
   AND r.state = 'filling'
RETURNING r.state
