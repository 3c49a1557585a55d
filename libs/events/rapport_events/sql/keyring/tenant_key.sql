-- tenant_key: the tenant's wrapped key; the candidate becomes it where there is none.
-- $1 tenant   $2 candidate (wrapped)
SELECT tenant_key($1, $2) AS wrapped_key
