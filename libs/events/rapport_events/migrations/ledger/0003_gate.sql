-- Shut the ledger, and say how it stands.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- ledger_shut(): take no appends from now on. All 32 locks are taken once, so when this commits none is under way;
-- whoever comes later reads the ledger's state after its own locks.
CREATE FUNCTION ledger_shut() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, public, pg_temp
AS $function$
BEGIN
    FOR number IN 0..31 LOOP
        PERFORM pg_advisory_xact_lock(7101, number);
    END LOOP;
    UPDATE ledger SET is_open = false;
END
$function$;
REVOKE ALL ON FUNCTION ledger_shut FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_shut TO rapport_{service}_keeper;

-- ledger_state(): era, openness and the last position of each partition. The app role sees no row of events without a
-- tenant, so the keeper looks for it.
CREATE FUNCTION ledger_state(OUT era integer, OUT is_open boolean, OUT heads bigint[])
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $function$
    SELECT l.era, l.is_open AND l.server_started_at IS NOT DISTINCT FROM pg_postmaster_start_time(),
           (SELECT array_agg(coalesce(h.position, 0) ORDER BY p.number)
              FROM generate_series(0, 31) AS p (number)
              LEFT JOIN LATERAL (SELECT e.position FROM events AS e WHERE e.partition = p.number
                                  ORDER BY e.position DESC LIMIT 1) AS h ON true)
      FROM ledger AS l
$function$;
ALTER FUNCTION ledger_state OWNER TO rapport_{service}_keeper;
REVOKE ALL ON FUNCTION ledger_state FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_state TO rapport_{service}_app, rapport_{service}_keeper;
