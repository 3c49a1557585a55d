-- Reads of one tenant in one round trip: they set their transaction's tenant, and row-level security does the rest.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- read_streams(): the events of streams in order, up to a version and a moment of record where these are given.
CREATE FUNCTION read_streams(tenant text, partitions smallint[], streams text[], to_version integer, until timestamptz)
RETURNS TABLE (
    era integer, partition smallint, "position" bigint, tenant_id text, stream text, version integer, event_id uuid,
    type text, schema text, subject text, data json, meta json, occurred_at timestamptz, recorded_at timestamptz
)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, public, pg_temp
-- A plan cached while a child is empty would scan it from end to end for ever after.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off
AS $function$
#variable_conflict use_column
BEGIN
    PERFORM set_config('rapport.tenant', tenant, true);
    RETURN QUERY
    SELECT l.era, e.partition, e.position, e.tenant_id, e.stream, e.version, e.event_id, e.type, e.schema, e.subject,
           e.data, e.meta, e.occurred_at, e.recorded_at
      FROM ledger AS l
      CROSS JOIN unnest(partitions, streams) WITH ORDINALITY AS s (number, name, row)
      CROSS JOIN LATERAL (SELECT * FROM events AS e
                           WHERE e.partition = s.number AND e.tenant_id = tenant AND e.stream = s.name
                             AND (to_version IS NULL OR e.version <= to_version)
                             AND (until IS NULL OR e.recorded_at <= until)
                           ORDER BY e.version) AS e
     ORDER BY s.row, e.version;
END
$function$;
REVOKE ALL ON FUNCTION read_streams FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read_streams TO rapport_{service}_app, rapport_{service}_keeper;

-- find_claims(): who holds each of these claims, in order; nulls where nobody does.
CREATE FUNCTION find_claims(tenant text, kinds text[], digests bytea[]) RETURNS TABLE (stream text, event_id uuid)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off
AS $function$
#variable_conflict use_column
BEGIN
    PERFORM set_config('rapport.tenant', tenant, true);
    RETURN QUERY
    SELECT c.stream, c.event_id
      FROM unnest(kinds, digests) WITH ORDINALITY AS w (kind, digest, row)
      LEFT JOIN claims AS c ON c.tenant_id = tenant AND c.kind = w.kind AND c.digest = w.digest
     ORDER BY w.row;
END
$function$;
REVOKE ALL ON FUNCTION find_claims FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_claims TO rapport_{service}_app, rapport_{service}_keeper;
