-- wake: tell the mirror that there is something to carry.
SELECT pg_notify('rapport_ledger', '')
