-- set_tenant: whose rows the rest of this transaction sees.
-- $1 tenant
SELECT set_config('rapport.tenant', $1, true)
