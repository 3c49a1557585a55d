-- set_whole: note whether nothing is missing in a rebuild.
-- $1 reader   $2 whether
UPDATE rebuilds
   SET is_whole = $2
 WHERE reader = $1
   AND is_whole <> $2
