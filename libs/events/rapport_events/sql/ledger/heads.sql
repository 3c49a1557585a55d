-- heads: the last position of each partition; for the keeper.
SELECT heads
  FROM ledger_state()
