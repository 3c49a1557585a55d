-- again: let the append function be called once more in this transaction.
SELECT set_config('rapport.appended', '', true)
