-- migrations: what was applied to this database, in the state that the files had then.
SELECT name, checksum
  FROM migrations
