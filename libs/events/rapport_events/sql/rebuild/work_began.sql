-- work_began: note when a rebuild began to be filled, or went on after an interruption, and how many events were behind it.
-- $1 reader   $2 events
UPDATE rebuilds
   SET work_began_at = clock_timestamp(), work_began_after = $2
 WHERE reader = $1
