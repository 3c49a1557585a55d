-- rewrite: write the table of keys anew, without the bytes of those that were destroyed. Not inside a transaction.
VACUUM (FULL) keys
