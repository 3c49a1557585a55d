-- set_tenant: say whose rows this transaction may see.
-- $1 tenant
SELECT set_config('rapport.tenant', $1, true)
