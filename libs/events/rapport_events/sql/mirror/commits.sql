-- commits: whether a commit is on disk when it is acknowledged, and whether it is on a standby too.
SELECT current_setting('synchronous_commit') <> 'off' AS are_on_disk,
       current_setting('synchronous_commit') NOT IN ('off', 'local')
   AND current_setting('synchronous_standby_names') <> '' AS are_on_standby
