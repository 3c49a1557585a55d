-- The keyring: wrapped keys of tenants and their customers, tombstones of the erased, and the functions that reach them.
-- migrate:up
SET LOCAL lock_timeout = '5s';

GRANT USAGE ON SCHEMA public TO rapport_{service}_app, rapport_{service}_eraser;

-- Wrapped by the master key, which no database ever sees.
CREATE TABLE tenants (
    tenant_id   text        NOT NULL,
    wrapped_key bytea       NOT NULL,
    made_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT tenants_tenant_named CHECK (tenant_id <> ''),
    CONSTRAINT tenants_wrapped_key_length CHECK (octet_length(wrapped_key) = 92)  -- nonce 12, two keys 64, tag 16
);

-- Wrapped by the tenant's key. A row whose key was destroyed is a tombstone, and stays: no key is made for that id again.
CREATE TABLE keys (
    tenant_id   text        NOT NULL,
    customer_id uuid        NOT NULL,
    key_id      text,
    wrapped_key bytea,
    erased_at   timestamptz,
    CONSTRAINT keys_pkey PRIMARY KEY (tenant_id, customer_id),
    CONSTRAINT keys_key_id_unique UNIQUE (tenant_id, key_id),
    CONSTRAINT keys_tenant_named CHECK (tenant_id <> ''),
    CONSTRAINT keys_alive_or_erased CHECK ((wrapped_key IS NULL) = (erased_at IS NOT NULL)),
    CONSTRAINT keys_alive_has_id CHECK (key_id IS NOT NULL OR erased_at IS NOT NULL),
    CONSTRAINT keys_key_id_length CHECK (length(key_id) = 22),
    CONSTRAINT keys_wrapped_key_length CHECK (octet_length(wrapped_key) = 60)  -- nonce 12, key 32, tag 16
);

-- The login roles are granted no table: the functions below are all that they can do.
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON tenants TO rapport_{service}_owner USING (true) WITH CHECK (true);
ALTER TABLE keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE keys FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON keys TO rapport_{service}_owner USING (true) WITH CHECK (true);

-- Of two processes that make a tenant's key at the same time, the second waits here for the first, and gets its key.
CREATE FUNCTION tenant_key(tenant text, candidate bytea) RETURNS bytea
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $function$
BEGIN
    INSERT INTO tenants (tenant_id, wrapped_key)
    VALUES (tenant, candidate)
        ON CONFLICT ON CONSTRAINT tenants_pkey DO NOTHING;
    RETURN (SELECT t.wrapped_key FROM tenants t WHERE t.tenant_id = tenant);
END $function$;

-- The same for customers. Two statements, because only the second one sees what a rival committed meanwhile;
-- customers in ascending order, so that rivals never wait for each other in a circle. LIMIT 1 and the setting leave the
-- planner one way, a look into the index for each customer: a plain join, planned while the table was still empty, read
-- all keys of the tenant for each call.
CREATE FUNCTION seal_keys(tenant text, customers uuid[], candidate_ids text[], candidates bytea[])
RETURNS TABLE (customer_id uuid, key_id text, wrapped_key bytea, erased_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off
AS $function$
#variable_conflict use_column
BEGIN
    INSERT INTO keys (tenant_id, customer_id, key_id, wrapped_key)
    SELECT tenant, c.customer_id, c.key_id, c.wrapped_key
      FROM unnest(customers, candidate_ids, candidates) AS c (customer_id, key_id, wrapped_key)
     ORDER BY c.customer_id
        ON CONFLICT ON CONSTRAINT keys_pkey DO NOTHING;
    RETURN QUERY
    SELECT k.customer_id, k.key_id, k.wrapped_key, k.erased_at
      FROM unnest(customers) AS c (customer_id)
     CROSS JOIN LATERAL (
           SELECT * FROM keys WHERE tenant_id = tenant AND customer_id = c.customer_id LIMIT 1) k;
END $function$;

CREATE FUNCTION open_keys(tenant text, key_ids text[]) RETURNS TABLE (key_id text, customer_id uuid, wrapped_key bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off
BEGIN ATOMIC
    SELECT k.key_id, k.customer_id, k.wrapped_key
      FROM unnest(key_ids) AS i (key_id)
     CROSS JOIN LATERAL (
           SELECT * FROM keys WHERE tenant_id = tenant AND key_id = i.key_id LIMIT 1) k;
END;

CREATE FUNCTION erased_at(tenant text, customers uuid[]) RETURNS TABLE (customer_id uuid, erased_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off
BEGIN ATOMIC
    SELECT k.customer_id, k.erased_at
      FROM unnest(customers) AS c (customer_id)
     CROSS JOIN LATERAL (
           SELECT * FROM keys WHERE tenant_id = tenant AND customer_id = c.customer_id LIMIT 1) k
     WHERE k.erased_at IS NOT NULL;
END;

-- A tombstone keeps the time of the first erasure: facts that happened later may already lie with the person's next id.
CREATE FUNCTION destroy(tenant text, customers uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $function$
BEGIN
    INSERT INTO keys (tenant_id, customer_id, erased_at)
    SELECT tenant, c.customer_id, clock_timestamp()
      FROM (SELECT DISTINCT u.customer_id FROM unnest(customers) AS u (customer_id)) c
     ORDER BY c.customer_id
        ON CONFLICT ON CONSTRAINT keys_pkey DO UPDATE
       SET wrapped_key = NULL, erased_at = excluded.erased_at
     WHERE keys.erased_at IS NULL;
END $function$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenant_key, seal_keys, open_keys, erased_at TO rapport_{service}_app, rapport_{service}_eraser;
GRANT EXECUTE ON FUNCTION destroy TO rapport_{service}_eraser;
-- To rewrite the table (VACUUM FULL), without reading it.
GRANT MAINTAIN ON keys TO rapport_{service}_eraser;

-- migrate:down
DROP FUNCTION tenant_key, seal_keys, open_keys, erased_at, destroy;
DROP TABLE keys, tenants;
