-- eras: the last era of each source that some reader has come to.
-- $1 sources
SELECT source, max(era) AS era
  FROM checkpoints
 WHERE source = ANY ($1::text[])
 GROUP BY source
