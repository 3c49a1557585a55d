-- Rebuilds: which tables of a read model are live, which are filled beside them, and how one takes over from another.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- One row for each rebuild of each read model (`timeline_v3`), those that were dropped included: numbers are never used
-- again. No tenant rows. filling: made from the first position on; beside: fed as the live one is; live: what code reads.
CREATE TABLE rebuilds (
    model            text        NOT NULL,
    rebuild          int         NOT NULL,
    reader           text        GENERATED ALWAYS AS (model || '_r' || rebuild::text) STORED,
    state            text        NOT NULL,
    tables           text[]      NOT NULL,
    is_whole         boolean     NOT NULL DEFAULT true,
    began_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    work_began_at    timestamptz,
    work_began_after bigint,
    filled_at        timestamptz,
    switched_at      timestamptz,
    dropped_at       timestamptz,
    verify_wanted_at timestamptz,
    verified_at      timestamptz,
    verified_against int,
    rows_compared    bigint,
    rows_differing   bigint,
    CONSTRAINT rebuilds_pkey PRIMARY KEY (model, rebuild),
    CONSTRAINT rebuilds_state CHECK (state IN ('filling', 'beside', 'live', 'dropped'))
);
CREATE UNIQUE INDEX rebuilds_one_live ON rebuilds (model) WHERE state = 'live';
CREATE UNIQUE INDEX rebuilds_reader ON rebuilds (reader);
GRANT SELECT ON rebuilds TO rapport_{service}_app;
GRANT SELECT, INSERT, UPDATE ON rebuilds TO rapport_{service}_keeper;

-- copy_shape(): make a table like another one: columns, keys, partitions (unlogged ones too), policies and grants.
-- Indexes other than B-trees wait for finish_rebuild(): filling them row by row costs several times as much.
CREATE FUNCTION copy_shape(template text, copy text) RETURNS void
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

-- copy_indexes(): make those indexes of a table that belong to no constraint on its copy too.
CREATE FUNCTION copy_indexes(template text, copy text, methods text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_catalog, pg_temp
AS $function$
DECLARE
    each record;
BEGIN
    FOR each IN
        SELECT replace(replace(pg_get_indexdef(c.oid), template, copy), ' ON ONLY ', ' ON ') AS definition
          FROM pg_index i
          JOIN pg_class c ON c.oid = i.indexrelid
          JOIN pg_am m ON m.oid = c.relam
         WHERE i.indrelid = template::regclass
           AND (m.amname = 'btree') = (methods = 'btree')
           AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid)
           AND to_regclass(quote_ident(replace(c.relname, template, copy))) IS NULL
    LOOP
        EXECUTE each.definition;
    END LOOP;
END
$function$;

-- begin_rebuild(): make the tables of the next rebuild of a read model; one that is being filled already is told again.
CREATE FUNCTION begin_rebuild(wanted text) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_catalog, pg_temp
AS $function$
DECLARE
    live   rebuilds;
    number int;
    name   text;
BEGIN
    SELECT * INTO live FROM rebuilds WHERE model = wanted AND state = 'live' FOR UPDATE;
    IF live.model IS NULL OR live.tables = '{}' THEN
        RETURN NULL;
    END IF;
    SELECT rebuild INTO number FROM rebuilds WHERE model = wanted AND state = 'filling';
    IF number IS NOT NULL THEN
        RETURN number;
    END IF;
    SELECT max(rebuild) + 1 INTO number FROM rebuilds WHERE model = wanted;
    FOREACH name IN ARRAY live.tables LOOP
        PERFORM copy_shape(name || '_r' || live.rebuild, name || '_r' || number);
    END LOOP;
    INSERT INTO rebuilds (model, rebuild, state, tables) VALUES (wanted, number, 'filling', live.tables);
    RETURN number;
END
$function$;

-- finish_rebuild(): make the indexes that begin_rebuild() left out, and let the planner know the tables before they are read.
CREATE FUNCTION finish_rebuild(wanted text, number int) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_catalog, pg_temp
AS $function$
DECLARE
    name text;
BEGIN
    PERFORM copy_indexes(t.stem || '_r' || live.rebuild, t.stem || '_r' || number, 'others')
       FROM rebuilds AS live, unnest(live.tables) AS t (stem)
      WHERE live.model = wanted AND live.state = 'live' AND live.rebuild <> number;
    FOR name IN SELECT unnest(r.tables) FROM rebuilds r WHERE r.model = wanted AND r.rebuild = number LOOP
        EXECUTE format('ANALYZE %I', name || '_r' || number);
    END LOOP;
END
$function$;

-- level_of(): compare two readers line by line, under the lock of both: `level`, or why the second cannot take over.
-- In a later era a line is never behind an earlier one; whoever begins an era sees to it that it is filled.
CREATE FUNCTION level_of(old_reader text, new_reader text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM FROM checkpoints WHERE reader IN (old_reader, new_reader) ORDER BY reader, source, era, partition FOR UPDATE;
    RETURN (SELECT CASE WHEN count(*) = 0 OR bool_or(n.position IS NULL OR n.era < o.era
                                                     OR n.era = o.era AND n.position < o.position) THEN 'behind'
                        WHEN bool_or(n.era = o.era AND n.position > o.position) THEN 'ahead'
                        ELSE 'level' END
              FROM (SELECT DISTINCT ON (source, partition) * FROM checkpoints
                     WHERE reader = old_reader ORDER BY source, partition, era DESC) o
              LEFT JOIN (SELECT DISTINCT ON (source, partition) * FROM checkpoints
                          WHERE reader = new_reader ORDER BY source, partition, era DESC) n USING (source, partition));
END
$function$;

-- switch_rebuild(): let code read another rebuild from the next statement on: `switched`, or why not. Both stand still
-- meanwhile. A transaction that has begun could still see the new one as it was before it caught up, so those of the
-- app are waited for; new ones see both level.
CREATE FUNCTION switch_rebuild(wanted text, number int) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_catalog, pg_temp
AS $function$
DECLARE
    live    rebuilds;
    chosen  rebuilds;
    level   text;
    running text[];
    until   constant timestamptz := clock_timestamp() + interval '1 second';
    name    text;
BEGIN
    PERFORM FROM rebuilds WHERE model = wanted ORDER BY rebuild FOR UPDATE;
    SELECT * INTO live FROM rebuilds WHERE model = wanted AND state = 'live';
    SELECT * INTO chosen FROM rebuilds WHERE model = wanted AND rebuild = number;
    IF chosen.model IS NULL OR chosen.state = 'dropped' THEN
        RETURN 'unknown';
    ELSIF chosen.state = 'live' THEN
        RETURN 'switched';
    ELSIF chosen.state = 'filling' OR live.model IS NULL THEN
        RETURN 'filling';
    ELSIF NOT chosen.is_whole THEN
        RETURN 'not_whole';
    END IF;
    level := level_of(live.reader, chosen.reader);
    IF level <> 'level' THEN
        RETURN level;
    END IF;
    running := ARRAY (SELECT l.virtualtransaction
                        FROM pg_stat_activity a
                        JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'virtualxid' AND l.granted
                       WHERE a.usename = 'rapport_{service}_app'
                         AND a.datname = current_database()
                         AND a.pid <> pg_backend_pid());
    WHILE EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'virtualxid' AND l.virtualtransaction = ANY (running)) LOOP
        IF clock_timestamp() > until THEN
            RETURN 'busy';
        END IF;
        PERFORM pg_sleep(0.002);
    END LOOP;
    PERFORM set_config('lock_timeout', '1s', true);
    FOREACH name IN ARRAY live.tables LOOP
        EXECUTE format('CREATE OR REPLACE VIEW %I WITH (security_invoker = true) AS SELECT * FROM %I',
                       name, name || '_r' || number);
    END LOOP;
    UPDATE rebuilds SET state = 'beside' WHERE model = wanted AND state = 'live';
    UPDATE rebuilds SET state = 'live', switched_at = clock_timestamp() WHERE model = wanted AND rebuild = number;
    RETURN 'switched';
EXCEPTION WHEN lock_not_available THEN
    RETURN 'busy';
END
$function$;

-- drop_rebuild(): take a rebuild's tables away: `dropped`, or why not. Its checkpoints go first, which fences off whoever
-- still feeds it.
CREATE FUNCTION drop_rebuild(wanted text, number int) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_catalog, pg_temp
AS $function$
DECLARE
    chosen rebuilds;
    name   text;
BEGIN
    SELECT * INTO chosen FROM rebuilds WHERE model = wanted AND rebuild = number FOR UPDATE;
    IF chosen.model IS NULL OR chosen.state = 'dropped' THEN
        RETURN 'unknown';
    ELSIF chosen.state = 'live' OR NOT EXISTS (SELECT FROM rebuilds WHERE model = wanted AND state = 'live') THEN
        RETURN 'live';
    END IF;
    PERFORM FROM checkpoints WHERE reader = chosen.reader ORDER BY reader, source, era, partition FOR UPDATE;
    DELETE FROM checkpoints WHERE reader = chosen.reader;
    DELETE FROM parked WHERE reader = chosen.reader;
    PERFORM set_config('lock_timeout', '5s', true);
    FOREACH name IN ARRAY chosen.tables LOOP
        EXECUTE format('DROP TABLE %I', name || '_r' || number);
    END LOOP;
    UPDATE rebuilds SET state = 'dropped', dropped_at = clock_timestamp() WHERE model = wanted AND rebuild = number;
    RETURN 'dropped';
EXCEPTION WHEN lock_not_available THEN
    RETURN 'busy';
END
$function$;

-- ask_verify(): have the readers compare a rebuild with the live one, row by row.
CREATE FUNCTION ask_verify(wanted text, number int) RETURNS timestamptz
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = public, pg_catalog, pg_temp
AS $function$
UPDATE rebuilds SET verify_wanted_at = clock_timestamp()
 WHERE model = wanted AND rebuild = number AND state = 'beside'
RETURNING verify_wanted_at
$function$;

-- compare_tables(): count the rows of two tables of one shape, by their primary key, and those that are not the same.
CREATE FUNCTION compare_tables(old_name text, new_name text, OUT rows_compared bigint, OUT rows_differing bigint)
LANGUAGE plpgsql STABLE
SET search_path = public, pg_catalog, pg_temp
AS $function$
DECLARE
    key constant text := (SELECT string_agg(quote_ident(a.attname), ', ')
                            FROM pg_index i
                            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                           WHERE i.indrelid = old_name::regclass AND i.indisprimary);
BEGIN
    EXECUTE format('SELECT count(*), count(*) FILTER (WHERE o::text IS DISTINCT FROM n::text)'
                   ' FROM %I o FULL JOIN %I n USING (%s)', old_name, new_name, key)
       INTO rows_compared, rows_differing;
END
$function$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['copy_shape', 'copy_indexes', 'begin_rebuild', 'finish_rebuild', 'level_of',
                                'switch_rebuild', 'drop_rebuild', 'ask_verify', 'compare_tables'] LOOP
        EXECUTE format('ALTER FUNCTION %I OWNER TO rapport_{service}_keeper', name);
        EXECUTE format('REVOKE ALL ON FUNCTION %I FROM PUBLIC', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['begin_rebuild', 'switch_rebuild', 'drop_rebuild', 'ask_verify'] LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %I TO rapport_{service}_app', name);
    END LOOP;
END $$;

-- migrate:down
DROP FUNCTION compare_tables, ask_verify, drop_rebuild, switch_rebuild, level_of, finish_rebuild, begin_rebuild,
              copy_indexes, copy_shape;
DROP TABLE rebuilds;
