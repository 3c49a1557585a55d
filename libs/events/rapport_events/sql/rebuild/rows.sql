-- rows: the rebuilds of these read models that were not dropped, the oldest first.
-- $1 models
SELECT model, rebuild, reader, state, tables, is_whole, began_at, work_began_at, work_began_after, filled_at, switched_at,
       verify_wanted_at, verified_at, verified_against, rows_compared, rows_differing
  FROM rebuilds
 WHERE model = ANY ($1::text[])
   AND state <> 'dropped'
 ORDER BY model, rebuild
