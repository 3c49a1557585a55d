-- A rebuild's tables keep no statistics of columns whose plain values must not get into the catalogue and its log.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- copy_shape(): as before, and the targets of statistics, which LIKE leaves out; a parent's hold for its partitions.
CREATE OR REPLACE FUNCTION copy_shape(template text, copy text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_catalog, pg_temp
AS $function$
DECLARE
    old    constant pg_class := (SELECT c FROM pg_class c WHERE c.oid = template::regclass);
    stored constant text := coalesce(' WITH (' || array_to_string(old.reloptions, ', ') || ')', '');
    each   record;
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL EXCLUDING INDEXES)%s%s', copy, template,
                   ' PARTITION BY ' || pg_get_partkeydef(old.oid), stored);
    FOR each IN
        SELECT replace(conname, template, copy) AS name, pg_get_constraintdef(oid) AS definition
          FROM pg_constraint WHERE conrelid = old.oid AND contype IN ('p', 'u', 'x')
    LOOP
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I %s', copy, each.name, each.definition);
    END LOOP;
    FOR each IN
        SELECT c.relname, c.relpersistence, c.reloptions, pg_get_expr(c.relpartbound, c.oid) AS bound
          FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = old.oid ORDER BY c.oid
    LOOP
        EXECUTE format('CREATE %s TABLE %I PARTITION OF %I %s%s',
                       CASE each.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE '' END,
                       replace(each.relname, template, copy), copy, each.bound,
                       coalesce(' WITH (' || array_to_string(each.reloptions, ', ') || ')', ''));
    END LOOP;
    FOR each IN SELECT attname, attstattarget FROM pg_attribute WHERE attrelid = old.oid AND attstattarget >= 0 LOOP
        EXECUTE format('ALTER TABLE %I ALTER %I SET STATISTICS %s', copy, each.attname, each.attstattarget);
    END LOOP;
    PERFORM copy_indexes(template, copy, 'btree');
    FOR each IN SELECT relid FROM pg_partition_tree(copy::regclass) UNION SELECT copy::regclass LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', each.relid);
    END LOOP;
    FOR each IN SELECT * FROM pg_policies WHERE schemaname = 'public' AND tablename = template LOOP
        EXECUTE format('CREATE POLICY %I ON %I AS %s FOR %s TO %s%s%s', each.policyname, copy, each.permissive, each.cmd,
                       (SELECT string_agg(quote_ident(role), ', ') FROM unnest(each.roles) AS role),
                       ' USING (' || each.qual || ')', ' WITH CHECK (' || each.with_check || ')');
    END LOOP;
    FOR each IN
        SELECT a.grantee::regrole AS grantee, a.privilege_type
          FROM aclexplode(old.relacl) a WHERE a.grantee NOT IN (0, old.relowner)
    LOOP
        EXECUTE format('GRANT %s ON %I TO %s', each.privilege_type, copy, each.grantee);
    END LOOP;
END
$function$;
ALTER FUNCTION copy_shape OWNER TO rapport_{service}_keeper;
