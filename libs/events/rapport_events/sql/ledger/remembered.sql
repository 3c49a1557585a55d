-- remembered: what the ledger knows of itself and of the server on which it was opened.
SELECT era, is_open, system_identifier, timeline, server_started_at
  FROM ledger
