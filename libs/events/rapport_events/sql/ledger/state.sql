-- state: era, openness and the last position of each partition.
SELECT era, is_open, heads
  FROM ledger_state()
