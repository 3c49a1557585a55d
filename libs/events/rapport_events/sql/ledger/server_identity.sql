-- server_identity: which server this is. The timeline is that of the log being written: the control file's is that of
-- the last checkpoint, which after a promotion can be the old one.
SELECT s.system_identifier, w.timeline_id::integer AS timeline, pg_postmaster_start_time() AS started_at
  FROM pg_control_system() AS s
 CROSS JOIN pg_split_walfile_name(pg_walfile_name(pg_current_wal_insert_lsn())) AS w
