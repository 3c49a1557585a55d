-- positions_before: for each partition the last position that was recorded before a moment, and the era.
-- $1 moment
SELECT l.era, positions_before($1) AS positions
  FROM ledger AS l
