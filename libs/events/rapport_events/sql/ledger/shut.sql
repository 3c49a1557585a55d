-- shut: take no appends from now on; when this commits, none is under way.
SELECT ledger_shut()
