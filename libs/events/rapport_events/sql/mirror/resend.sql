-- resend: ask the mirror, in whatever process it runs, to send a partition again.
-- $1 partition   $2 position after which to begin
SELECT pg_notify('rapport_resend', $1::smallint::text || ':' || $2::bigint::text)
