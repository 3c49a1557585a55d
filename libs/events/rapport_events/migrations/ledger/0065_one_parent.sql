-- The edges that count. A merge and a link that are decided in the same moment can give an id two parents, or close a
-- circle; so that every service still finds the same party for each id, the edge that was known first counts, and the
-- root of a circle is its least id.
-- migrate:up
SET LOCAL lock_timeout = '5s';

CREATE VIEW party_edges WITH (security_invoker = true) AS
SELECT p.tenant_id, p.child, p.parent, p.known_from
  FROM parties_v1 p
 WHERE p.known_to IS NULL
   AND NOT EXISTS (SELECT
                     FROM parties_v1 o
                    WHERE o.tenant_id = p.tenant_id AND o.child = p.child AND o.known_to IS NULL
                      AND (o.known_from, o.parent) < (p.known_from, p.parent));
ALTER VIEW party_edges OWNER TO rapport_{service}_keeper;
GRANT SELECT ON party_edges TO rapport_{service}_app;

-- The same as it was known at a moment.
CREATE FUNCTION party_parent_at(tenant text, id uuid, moment timestamptz) RETURNS uuid
LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp
AS $function$
SELECT e.parent
  FROM (SELECT p.parent, p.known_from FROM parties_v1 p
         WHERE p.tenant_id = tenant AND p.child = id AND p.known_from <= moment AND p.known_to IS NULL
         UNION ALL
        SELECT p.parent, p.known_from FROM parties_v1 p
         WHERE p.tenant_id = tenant AND p.child = id AND p.known_from <= moment AND p.known_to > moment) e
 ORDER BY e.known_from, e.parent
 LIMIT 1
$function$;
REVOKE ALL ON FUNCTION party_parent_at FROM PUBLIC;
GRANT EXECUTE ON FUNCTION party_parent_at TO rapport_{service}_app, rapport_{service}_keeper;

-- migrate:down
DROP FUNCTION party_parent_at;
DROP VIEW party_edges;
