-- A rebuild that has set aside what the live one has folded is behind it, although their checkpoints are level.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- level_of(): compare two readers line by line, under the lock of both, under which records are parked and released, too:
-- `level`, or why the second cannot take over. In a later era a line is never behind an earlier one, whatever is parked
-- in it; whoever begins an era sees to it that it is filled.
CREATE OR REPLACE FUNCTION level_of(old_reader text, new_reader text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM FROM checkpoints WHERE reader IN (old_reader, new_reader) ORDER BY reader, source, era, partition FOR UPDATE;
    IF EXISTS (SELECT FROM parked n
                WHERE n.reader = new_reader AND n.released_at IS NULL
                  AND EXISTS (SELECT FROM checkpoints c
                               WHERE (c.reader, c.source, c.era, c.partition) = (old_reader, n.source, n.era, n.partition))
                  AND NOT EXISTS (SELECT FROM parked o
                                   WHERE (o.reader, o.source, o.era, o.partition, o.position)
                                       = (old_reader, n.source, n.era, n.partition, n.position)
                                     AND o.released_at IS NULL)) THEN
        RETURN 'behind';
    END IF;
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

-- migrate:down
CREATE OR REPLACE FUNCTION level_of(old_reader text, new_reader text) RETURNS text
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
