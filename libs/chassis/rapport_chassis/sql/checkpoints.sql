-- checkpoints: where these readers stand, and when each last moved.
-- $1 readers
SELECT reader, source, era, partition, position, moved_at
  FROM checkpoints
 WHERE reader = ANY ($1::text[])
