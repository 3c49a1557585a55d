-- heads: era and last position of each partition, as the transaction's snapshot has them.
SELECT era, heads
  FROM ledger_state()
