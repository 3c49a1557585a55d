-- ask_release: have an event that was set aside tried again, or decided about; in how many read models that was.
-- $1 tenant   $2 event id   $3 `replace`, `discard` or null   $4 new value   $5 reason   $6 who decides
SELECT ask_release($1, $2, $3, $4, $5, $6)
