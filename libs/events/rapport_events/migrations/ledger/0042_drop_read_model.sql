-- migrate:up
SET LOCAL lock_timeout = '5s';

-- drop_read_model(): for migrations: take a shape that no code reads any more away, whichever of its rebuilds there are.
CREATE FUNCTION drop_read_model(gone text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_catalog, pg_temp
AS $function$
DECLARE
    each rebuilds;
    name text;
BEGIN
    FOREACH name IN ARRAY (SELECT coalesce(max(tables), ARRAY[gone]) FROM rebuilds WHERE model = gone) LOOP
        EXECUTE format('DROP VIEW %I', name);
        EXECUTE format('DROP TABLE IF EXISTS %I', name || '_r1');
    END LOOP;
    FOR each IN SELECT * FROM rebuilds WHERE model = gone AND state <> 'dropped' LOOP
        DELETE FROM checkpoints WHERE reader = each.reader;
        DELETE FROM parked WHERE reader = each.reader;
        FOREACH name IN ARRAY each.tables LOOP
            EXECUTE format('DROP TABLE IF EXISTS %I', name || '_r' || each.rebuild);
        END LOOP;
    END LOOP;
    UPDATE rebuilds SET state = 'dropped', dropped_at = clock_timestamp() WHERE model = gone AND state <> 'dropped';
END
$function$;
REVOKE ALL ON FUNCTION drop_read_model FROM PUBLIC;
GRANT SELECT, UPDATE ON rebuilds TO rapport_{service}_owner;

-- migrate:down
DROP FUNCTION drop_read_model;
