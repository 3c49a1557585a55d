-- The directory: who our customers are, one row each, with personal values sealed; and what search needs, in clear.
-- migrate:up
SET LOCAL lock_timeout = '5s';

CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- personal: {"names": [event id, place in it, sealed text], …}; attributes: codes that stay after an erasure.
CREATE TABLE directory_v1_r1 (
    tenant_id   text        NOT NULL,
    customer_id uuid        NOT NULL,
    partition   smallint    NOT NULL,
    version     integer     NOT NULL,
    kind        text        NOT NULL,
    source      text        NOT NULL,
    known_at    timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    attributes  json        NOT NULL,
    personal    json        NOT NULL,
    CONSTRAINT directory_v1_r1_pkey PRIMARY KEY (tenant_id, customer_id)
);
CREATE INDEX directory_v1_r1_newest ON directory_v1_r1 (tenant_id, recorded_at DESC, customer_id DESC);
SELECT read_model('directory_v1_r1');

-- Plaintext for search alone: no WAL and no base backup hold it, and a crash empties it. A row without tenant marks a
-- child as 'filled'; while one is missing, search waits until it has been filled from the sealed rows again.
CREATE TABLE directory_search_v1_r1 (
    partition   smallint NOT NULL,
    tenant_id   text     NOT NULL,
    customer_id uuid     NOT NULL,
    version     integer  NOT NULL,
    name        text,
    email       text,
    phone       text,
    CONSTRAINT directory_search_v1_r1_pkey PRIMARY KEY (partition, tenant_id, customer_id)
) PARTITION BY LIST (partition);
CREATE INDEX directory_search_v1_r1_parts ON directory_search_v1_r1
 USING gin (tenant_id, name gin_trgm_ops, email gin_trgm_ops, phone gin_trgm_ops);

DO $$
BEGIN
    FOR number IN 0..31 LOOP
        EXECUTE format('CREATE UNLOGGED TABLE directory_search_v1_r1_p%s PARTITION OF directory_search_v1_r1'
                       ' FOR VALUES IN (%s)', number, number);
    END LOOP;
END
$$;
INSERT INTO directory_search_v1_r1 (partition, tenant_id, customer_id, version, name)
SELECT number, '', '00000000-0000-0000-0000-000000000000', 0, 'filled'
  FROM generate_series(0, 31) AS number;

SELECT read_model('directory_search_v1_r1');
REVOKE ALL ON directory_search_v1_r1, directory_search_v1 FROM rapport_{service}_app;

-- Operators of trigrams are not leak-proof, so row-level security would keep them from their index: this function acts
-- as the keeper and looks at the tenant itself. words: patterns that a name matches all of, the longest first.
CREATE FUNCTION search_directory_v1(
    words text[], mail text, digits text, among uuid[], skipped integer, count_max integer
) RETURNS TABLE (customer_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_custom_plan
AS $function$
DECLARE
    tenant constant text := current_setting('rapport.tenant', true);
BEGIN
    IF coalesce(tenant, '') = '' THEN
        RAISE EXCEPTION 'search needs a tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (SELECT count(*) FROM directory_search_v1 AS s WHERE s.tenant_id = '' AND s.name = 'filled') < 32 THEN
        RAISE EXCEPTION 'search is being filled' USING ERRCODE = 'RC001';
    END IF;
    RETURN QUERY
    SELECT s.customer_id
      FROM directory_search_v1 AS s
     WHERE s.tenant_id = tenant
       AND (s.name LIKE words[1] AND s.name LIKE ALL (words) OR s.email LIKE mail OR s.phone LIKE digits)
       AND (among IS NULL OR s.customer_id = ANY (among))
     ORDER BY s.name, s.customer_id
    OFFSET skipped
     LIMIT count_max;
END
$function$;
ALTER FUNCTION search_directory_v1 OWNER TO rapport_{service}_keeper;
REVOKE ALL ON FUNCTION search_directory_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_directory_v1 TO rapport_{service}_app;

-- migrate:down
DROP FUNCTION search_directory_v1;
DROP VIEW directory_search_v1;
DROP TABLE directory_search_v1_r1;
DROP VIEW directory_v1;
DROP TABLE directory_v1_r1;
