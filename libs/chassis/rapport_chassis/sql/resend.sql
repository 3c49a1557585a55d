-- resend: have the mirror send a partition again.
-- $1 `<partition>:<last position that the asker has>`
SELECT pg_notify('rapport_resend', $1)
