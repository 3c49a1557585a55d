-- set_settings: replace the settings of tenants.
-- $1 tenants   $2 zones   $3 currencies   $4 recorded at
INSERT INTO settings_v1_rN (tenant_id, zone, currency, recorded_at)
SELECT *
  FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
    ON CONFLICT (tenant_id) DO UPDATE
   SET zone = excluded.zone, currency = excluded.currency, recorded_at = excluded.recorded_at
