-- What an operator wishes about parked records: readers see it, and do it under the lock of the checkpoint.
-- migrate:up
SET LOCAL lock_timeout = '5s';

ALTER TABLE parked
  ADD COLUMN tries       int NOT NULL DEFAULT 1,
  ADD COLUMN tried_at    timestamptz,
  ADD COLUMN wanted_at   timestamptz,
  ADD COLUMN released_as text,
  ADD CONSTRAINT parked_released_as CHECK (released_as IN ('folded', 'replaced', 'discarded'));
CREATE INDEX parked_wanted ON parked (wanted_at) WHERE wanted_at IS NOT NULL AND released_at IS NULL;
CREATE INDEX parked_event ON parked (event_id);

-- ask_release(): have a tenant's parked event tried again, in every read model that set it aside; returns how many did. A
-- decision (`replace` with a value, or `discard`) is kept, and holds for every version of a read model and every era.
CREATE FUNCTION ask_release(
    tenant text, wanted text, decision text, new_value bytea, why text, who text
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_catalog, pg_temp
AS $function$
DECLARE
    asked bigint;
BEGIN
    IF decision IS NOT NULL THEN
        INSERT INTO repairs AS r (source, event_id, tenant_id, decision, value, reason, actor)
        SELECT DISTINCT p.source, p.event_id, p.tenant_id, ask_release.decision, new_value, why, who
          FROM parked p
         WHERE p.event_id = wanted AND p.tenant_id IN (tenant, '') AND p.released_at IS NULL
            ON CONFLICT (source, event_id) DO UPDATE
           SET decision = excluded.decision, value = excluded.value, reason = excluded.reason, actor = excluded.actor,
               decided_at = clock_timestamp();
    END IF;
    UPDATE parked SET wanted_at = clock_timestamp()
     WHERE event_id = wanted AND tenant_id IN (tenant, '') AND released_at IS NULL;
    GET DIAGNOSTICS asked = ROW_COUNT;
    RETURN asked;
END
$function$;
ALTER FUNCTION ask_release OWNER TO rapport_{service}_keeper;
REVOKE ALL ON FUNCTION ask_release FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ask_release TO rapport_{service}_app;

-- migrate:down
DROP FUNCTION ask_release;
DROP INDEX parked_event, parked_wanted;
ALTER TABLE parked DROP COLUMN released_as, DROP COLUMN wanted_at, DROP COLUMN tried_at, DROP COLUMN tries;
