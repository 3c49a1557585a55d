-- What every table of a read model gets.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- read_model(): give a table `timeline_v1_r1` to the keeper, guard its rows by tenant (its children's too, which nobody
-- is granted), and make the view `timeline_v1` over the first rebuild. Later rebuilds take over by replacing the view.
CREATE FUNCTION read_model(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_catalog, pg_temp
AS $function$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT name::regclass UNION SELECT relid FROM pg_partition_tree(name::regclass) LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
        EXECUTE format('ALTER TABLE %s OWNER TO rapport_{service}_keeper', part);
    END LOOP;
    EXECUTE format('CREATE POLICY keeper ON %I TO rapport_{service}_keeper USING (true) WITH CHECK (true)', name);
    EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO rapport_{service}_app'
                   ' USING (tenant_id = (SELECT current_setting(''rapport.tenant'', true)))', name);
    EXECUTE format('GRANT SELECT ON %I TO rapport_{service}_app', name);
    EXECUTE format('GRANT ALL ON %I TO rapport_{service}_keeper', name);
    IF name LIKE '%\_r1' THEN
        EXECUTE format('CREATE VIEW %I WITH (security_invoker = true) AS SELECT * FROM %I',
                       left(name, -length('_r1')), name);
        EXECUTE format('ALTER VIEW %I OWNER TO rapport_{service}_keeper', left(name, -length('_r1')));
        EXECUTE format('GRANT SELECT ON %I TO rapport_{service}_app', left(name, -length('_r1')));
    END IF;
END
$function$;
REVOKE ALL ON FUNCTION read_model FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read_model TO rapport_{service}_keeper;
