-- register: write down read models that have no rebuild yet; one that came later than others of this database is filled first.
-- $1 models   $2 tables without `_rN`, with commas between (one text for each model)
INSERT INTO rebuilds (model, rebuild, state, tables)
SELECT n.model, 1,
       CASE WHEN EXISTS (SELECT FROM checkpoints c WHERE c.reader = n.model || '_r1')
              OR NOT EXISTS (SELECT FROM checkpoints c WHERE c.position > 0)
              OR n.tables = '' THEN 'live'
            ELSE 'filling' END,
       string_to_array(n.tables, ',')
  FROM unnest($1::text[], $2::text[]) AS n (model, tables)
 WHERE NOT EXISTS (SELECT FROM rebuilds r WHERE r.model = n.model)
    ON CONFLICT DO NOTHING
