-- note: write down a read model that has no rebuild yet, and the tables that it has now.
-- $1 model   $2 rebuild   $3 tables without `_rN`
INSERT INTO rebuilds (model, rebuild, state, tables)
SELECT $1, $2, 'live', $3::text[]
 WHERE NOT EXISTS (SELECT FROM rebuilds WHERE model = $1)
    ON CONFLICT DO NOTHING
