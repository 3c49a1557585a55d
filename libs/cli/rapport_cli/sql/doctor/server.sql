-- server: what it is, and what time it is there.
SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
       current_setting('server_version_num')::integer AS version_num,
       clock_timestamp() AS now
