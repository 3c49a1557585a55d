-- What is left of destroyed keys, for whoever may destroy them: a certificate names the key and says how long it is gone.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The age is by this server's clock, which also set the time: two clocks are never quite the same.
CREATE FUNCTION tombstones(tenant text, customers uuid[])
RETURNS TABLE (customer_id uuid, key_id text, erased_at timestamptz, age_seconds double precision)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off
BEGIN ATOMIC
    SELECT k.customer_id, k.key_id, k.erased_at, extract(epoch FROM clock_timestamp() - k.erased_at)
      FROM unnest(customers) AS c (customer_id)
     CROSS JOIN LATERAL (
           SELECT * FROM keys WHERE tenant_id = tenant AND customer_id = c.customer_id LIMIT 1) k
     WHERE k.erased_at IS NOT NULL;
END;
REVOKE ALL ON FUNCTION tombstones FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tombstones TO rapport_{service}_eraser;

-- migrate:down
DROP FUNCTION tombstones;
