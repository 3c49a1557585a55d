-- rewrite: write one partition of the search anew, without the bytes of deleted rows. Not inside a transaction.
VACUUM (FULL) directory_search_v1_rN_pK
