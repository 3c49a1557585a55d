-- Where the feed begins for a moment: positions by time of record.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- positions_before(): for each partition the last position that was recorded before a moment, 0 where there is none.
-- Positions have no gaps and times of record never run backwards, so each is found by halving. The app role sees only
-- its tenant's rows, so the keeper looks; what it tells are numbers.
CREATE FUNCTION positions_before(moment timestamptz) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off
AS $function$
DECLARE
    found bigint[] := '{}';
    low bigint;
    high bigint;
    middle bigint;
    recorded timestamptz;
BEGIN
    FOR number IN 0..31 LOOP
        SELECT e.position, e.recorded_at INTO high, recorded
          FROM events AS e WHERE e.partition = number ORDER BY e.position DESC LIMIT 1;
        low := 0;
        IF high IS NOT NULL AND recorded < moment THEN
            low := high;
        END IF;
        high := coalesce(high, 0);
        WHILE low < high LOOP
            middle := (low + high + 1) / 2;
            SELECT e.recorded_at INTO recorded FROM events AS e WHERE e.partition = number AND e.position = middle;
            IF recorded < moment THEN
                low := middle;
            ELSE
                high := middle - 1;
            END IF;
        END LOOP;
        found := found || low;
    END LOOP;
    RETURN found;
END
$function$;
ALTER FUNCTION positions_before OWNER TO rapport_{service}_keeper;
REVOKE ALL ON FUNCTION positions_before FROM PUBLIC;
GRANT EXECUTE ON FUNCTION positions_before TO rapport_{service}_app, rapport_{service}_keeper;
