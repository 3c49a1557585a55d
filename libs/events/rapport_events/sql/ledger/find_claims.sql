-- find_claims: who holds each of these claims, in order; nulls where nobody does.
-- $1 tenant   $2 kinds   $3 digests
SELECT stream, event_id
  FROM find_claims($1, $2, $3)
