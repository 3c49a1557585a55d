-- Eras: since when the ledger is in its era, why it is shut, and taking back rows that a restore lost.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- A dump that is loaded into a running server changes neither server nor start. The table's own number tells it: it is
-- computed anew where rows are loaded, while `compared_table` says which table was compared.
ALTER TABLE ledger RENAME COLUMN server_started_at TO compared_start;
ALTER TABLE ledger
    ADD COLUMN compared_table oid,
    ADD COLUMN era_began_at timestamptz,
    ADD COLUMN shut_reason text,    -- a code; null where it is open, or is to be compared in a moment
    ADD COLUMN shut_detail text,    -- a sentence with places and ids, nothing personal
    ADD COLUMN shut_at timestamptz;
UPDATE ledger SET compared_table = tableoid;
ALTER TABLE ledger
    ADD COLUMN server_started_at timestamptz
    GENERATED ALWAYS AS (CASE WHEN compared_table = tableoid THEN compared_start END) STORED;

-- An append whose streams lie in several partitions is taken back in several calls: its answer grows.
GRANT UPDATE ON commands TO rapport_{service}_keeper;

-- ledger_take_back(): write the next events of a partition as they once were, with what stands on them: claims, and the
-- answers to the keys of their commands. All events of a command in this partition must come in one call.
-- Returns how many claims are held by other events already, made since the restore; these stay.
CREATE FUNCTION ledger_take_back(
    number smallint, positions bigint[], tenants text[], streams text[], versions integer[], ids uuid[], types text[],
    schemas text[], subjects text[], data json[], meta json[], occurred timestamptz[], recorded timestamptz[]
) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $function$
DECLARE
    head bigint;
    held bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7101, number);
    PERFORM FROM ledger AS l WHERE NOT l.is_open;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'rows are taken back only while the ledger is shut' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT coalesce(max(e.position), 0) INTO head FROM events AS e WHERE e.partition = number;
    IF positions IS DISTINCT FROM (SELECT array_agg(n) FROM generate_series(head + 1, head + cardinality(positions)) AS n)
    THEN
        RAISE EXCEPTION 'rows are taken back in order, the next one is %', head + 1 USING ERRCODE = 'invalid_parameter_value';
    END IF;

    INSERT INTO events (partition, position, tenant_id, stream, version, event_id, type, schema, subject, data, meta,
                        occurred_at, recorded_at)
    SELECT number, e.*
      FROM unnest(positions, tenants, streams, versions, ids, types, schemas, subjects, data, meta, occurred, recorded)
        AS e;

    -- A claim names the first event of its command, and all events of the command carry it.
    WITH told AS (
         SELECT DISTINCT ON (e.tenant, c.claim) e.tenant, left(c.claim, -33) AS kind,
                decode(right(c.claim, 32), 'hex') AS digest, e.stream, e.id, e.meta::text AS meta
           FROM (SELECT u.*, m.meta
                   FROM unnest(positions, tenants, streams, ids) AS u (position, tenant, stream, id)
                   JOIN unnest(positions, meta) AS m (position, meta) USING (position)) AS e
          CROSS JOIN LATERAL json_array_elements_text(e.meta -> 'claims') AS c (claim)
          ORDER BY e.tenant, c.claim, e.position),
    made AS (
         INSERT INTO claims (tenant_id, kind, digest, stream, event_id)
         SELECT tenant, kind, digest, stream, id FROM told
             ON CONFLICT ON CONSTRAINT claims_pkey DO NOTHING)
    SELECT count(*) INTO held
      FROM told AS t
      JOIN claims AS k ON k.tenant_id = t.tenant AND k.kind = t.kind AND k.digest = t.digest
     WHERE NOT EXISTS (SELECT FROM events AS x WHERE x.event_id = k.event_id AND x.meta::text = t.meta);

    -- The answer to a key: for each stream the last position and version. One that lies elsewhere too was begun by an
    -- earlier call; keys are forgotten after 30 days, so an older row belongs to another command.
    INSERT INTO commands AS c (tenant_id, idempotency_key, fingerprint, partitions, positions, versions, recorded_at)
    SELECT s.tenant, decode(split_part(s.key, '.', 1), 'hex'), decode(split_part(s.key, '.', 2), 'hex'),
           array_agg(number ORDER BY s.position), array_agg(s.position ORDER BY s.position),
           array_agg(s.version ORDER BY s.position), min(s.recorded)
      FROM (SELECT u.tenant, m.meta ->> 'key' AS key, max(u.position) AS position, max(u.version) AS version,
                   min(u.recorded) AS recorded
              FROM unnest(positions, tenants, streams, versions, recorded)
                AS u (position, tenant, stream, version, recorded)
              JOIN unnest(positions, meta) AS m (position, meta) USING (position)
             WHERE m.meta ->> 'key' IS NOT NULL
             GROUP BY u.tenant, m.meta ->> 'key', u.stream) AS s
     GROUP BY s.tenant, s.key
        ON CONFLICT ON CONSTRAINT commands_pkey DO UPDATE
       SET (fingerprint, partitions, positions, versions, recorded_at) = (
           SELECT excluded.fingerprint,
                  CASE WHEN o.is_same THEN c.partitions || excluded.partitions ELSE excluded.partitions END,
                  CASE WHEN o.is_same THEN c.positions || excluded.positions ELSE excluded.positions END,
                  CASE WHEN o.is_same THEN c.versions || excluded.versions ELSE excluded.versions END,
                  excluded.recorded_at
             FROM (SELECT c.fingerprint = excluded.fingerprint
                      AND c.recorded_at > excluded.recorded_at - interval '29 days' AS is_same) AS o);
    RETURN held;
END
$function$;
REVOKE ALL ON FUNCTION ledger_take_back FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_take_back TO rapport_{service}_keeper;
