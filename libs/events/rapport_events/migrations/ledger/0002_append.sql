-- append(): decides a group of requests in their order, each on its own, and writes those that hold.
--
-- The group comes as columns: r_ requests, s_ their streams, e_ the events of those, c_ the claims. s_requests,
-- e_streams and c_requests are indexes from 1 into what they belong to, ascending. A stream has a name, or the kind and
-- digest of the claim by which it is found. s_expected: a version (0: no such stream), -1 it exists, -2 any.
-- A claim without a stream names the first stream of its request.
--
-- Rows answered: for a request that is `appended` (partition, last position, last version), `repeated` (those of the
-- first answer) or at a `conflict` (current version) one for each of its streams, in order; for the others one:
-- `key_reused`; `fact_known` and `claim_taken` (stream and event of the holder); `unknown` (a claim names no stream of
-- that partition); `ahead` (a cause lies more than 10 s in the future).
-- migrate:up
SET LOCAL lock_timeout = '5s';

CREATE FUNCTION append(
    r_tenants text[], r_keys bytea[], r_prints bytea[],
    s_requests integer[], s_partitions smallint[], s_names text[], s_kinds text[], s_digests bytea[],
    s_expected integer[],
    e_streams integer[], e_ids uuid[], e_types text[], e_schemas text[], e_subjects text[], e_data json[],
    e_meta json[], e_occurred timestamptz[], e_caused timestamptz[],
    c_requests integer[], c_kinds text[], c_digests bytea[], c_facts boolean[], c_streams text[], c_events uuid[]
) RETURNS TABLE (
    request integer, outcome text, partition smallint, "position" bigint, version integer, stream text, event_id uuid
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
-- A plan cached while a child is empty would scan it from end to end for ever after.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off
AS $function$
#variable_conflict use_variable
DECLARE
    requests constant integer := cardinality(r_tenants);
    streams constant integer := cardinality(s_requests);
    events_ constant integer := cardinality(e_streams);
    claims_ constant integer := cardinality(c_requests);
    has_keys constant boolean := cardinality(array_remove(r_keys, NULL)) > 0;
    has_causes constant boolean := cardinality(array_remove(e_caused, NULL)) > 0;
    by_claim constant boolean := cardinality(array_remove(s_kinds, NULL)) > 0;
    few constant integer := 8;  -- a lookup opens one child, a join all 32, which pays only for many lookups
    locks smallint[];
    number smallint;
    now_ timestamptz;
    tries integer := 0;
    -- What the group says of itself, before any table is read.
    r_first integer[];       -- first request with the same key
    c_first integer[];       -- first claim of the same thing
    c_at integer[];          -- the stream row that the claim names
    s_claim integer[];       -- first claim of the thing that names this stream
    -- What the tables say, under the locks.
    p_positions bigint[] := array_fill(0::bigint, ARRAY[32]);  -- by partition + 1
    p_times timestamptz[] := array_fill(NULL::timestamptz, ARRAY[32]);
    last_position bigint;
    last_time timestamptz;
    r_known text[];          -- repeated, key_reused, or null
    c_known boolean[];
    names text[];
    s_first integer[];       -- first row of the group with the same stream
    -- The state of the pass over the group.
    heads integer[];         -- by s_first
    positions bigint[];
    times timestamptz[];
    r_owner integer[];       -- by r_first: the request of this group that owns the key
    c_owner integer[];       -- by c_first: the claim of this group that was made
    c_names text[];          -- by claim: the stream to which it belongs
    keys integer;
    taken integer;
    written integer;
    s_from integer; s_to integer; c_from integer; c_to integer; e_at integer;
    other integer; head integer; expected integer; slot integer;
    verdict text;
    -- The decisions.
    r_outcomes text[];
    r_others integer[];      -- the owner of the key, or the claim that was hit
    s_positions bigint[]; s_versions integer[];
    e_positions bigint[]; e_versions integer[]; e_times timestamptz[];
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append needs READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF current_setting('rapport.appended', true) = 'yes' THEN
        RAISE EXCEPTION 'append was called before in this transaction' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM set_config('rapport.appended', 'yes', true);

    IF '' = ANY (r_tenants) THEN
        -- A transaction whose tenant was reset reads as ''; nothing may belong to that name.
        RAISE EXCEPTION 'a request without a tenant' USING ERRCODE = 'invalid_parameter_value';
    END IF;

    -- 1. The group's own repetitions.
    r_first := array_fill(0, ARRAY[requests]);
    IF has_keys THEN
        SELECT array_agg(g.first ORDER BY g.request) INTO r_first
          FROM (SELECT r.request, CASE WHEN r.key IS NULL THEN r.request
                                       ELSE min(r.request) OVER (PARTITION BY r.tenant, r.key) END AS first
                  FROM unnest(r_tenants, r_keys) WITH ORDINALITY AS r (tenant, key, request)) AS g;
    END IF;
    IF claims_ > 0 THEN
        SELECT array_agg(g.first ORDER BY g.claim) INTO c_first
          FROM (SELECT c.claim, min(c.claim) OVER (PARTITION BY r_tenants[c.request], c.kind, c.digest) AS first
                  FROM unnest(c_requests, c_kinds, c_digests) WITH ORDINALITY AS c (request, kind, digest, claim)) AS g;
    END IF;
    IF by_claim AND claims_ > 0 THEN
        SELECT array_agg(f.claim ORDER BY s.row) INTO s_claim
          FROM unnest(s_requests, s_kinds, s_digests) WITH ORDINALITY AS s (request, kind, digest, row)
          LEFT JOIN (SELECT r_tenants[c.request] AS tenant, c.kind, c.digest, min(c.claim) AS claim
                       FROM unnest(c_requests, c_kinds, c_digests) WITH ORDINALITY AS c (request, kind, digest, claim)
                      GROUP BY 1, 2, 3) AS f
            ON f.tenant = r_tenants[s.request] AND f.kind = s.kind AND f.digest = s.digest;
        SELECT array_agg(g.row ORDER BY g.claim) INTO c_at
          FROM (SELECT c.claim, min(s.row) AS row
                  FROM unnest(c_requests, c_streams) WITH ORDINALITY AS c (request, name, claim)
                  LEFT JOIN unnest(s_requests, s_names) WITH ORDINALITY AS s (request, name, row)
                    ON s.request = c.request AND (c.name IS NULL OR s.name = c.name)
                 GROUP BY c.claim) AS g;
    END IF;

    -- 2. The locks, ascending, in statements of their own: each later statement sees all that the last holder
    -- committed. A lock and a lookup in one statement would look with a snapshot from before the wait.
    SELECT array_agg(p.number ORDER BY p.number) INTO locks
      FROM (SELECT DISTINCT s.number FROM unnest(s_partitions) AS s (number)) AS p;
    FOREACH number IN ARRAY locks LOOP
        PERFORM pg_advisory_xact_lock(7101, number);
    END LOOP;
    PERFORM FROM ledger AS l WHERE l.is_open AND l.server_started_at = pg_postmaster_start_time();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the ledger is shut' USING ERRCODE = 'RA003';
    END IF;
    IF cardinality(locks) <= few THEN
        FOREACH number IN ARRAY locks LOOP
            SELECT e.position, e.recorded_at INTO last_position, last_time
              FROM events AS e WHERE e.partition = number ORDER BY e.position DESC LIMIT 1;
            p_positions[number + 1] := coalesce(last_position, 0);
            p_times[number + 1] := last_time;
        END LOOP;
    ELSE
        SELECT array_agg(coalesce(l.position, 0) ORDER BY p.number), array_agg(l.recorded_at ORDER BY p.number)
          INTO p_positions, p_times
          FROM generate_series(0, 31) AS p (number)
          LEFT JOIN LATERAL (SELECT e.position, e.recorded_at FROM events AS e WHERE e.partition = p.number
                              ORDER BY e.position DESC LIMIT 1) AS l ON true;
    END IF;

    LOOP
        tries := tries + 1;
        IF tries > 100 THEN
            RAISE EXCEPTION 'append lost too many races' USING ERRCODE = 'serialization_failure';
        END IF;

        -- 3. What the tables say. Claims are read before keys: whoever finds a rival's claim then finds its key too.
        IF claims_ > 0 THEN
            SELECT array_agg(k.kind IS NOT NULL ORDER BY c.claim) INTO c_known
              FROM unnest(c_requests, c_kinds, c_digests) WITH ORDINALITY AS c (request, kind, digest, claim)
              LEFT JOIN claims AS k ON k.tenant_id = r_tenants[c.request] AND k.kind = c.kind AND k.digest = c.digest;
        END IF;
        IF has_keys THEN
            SELECT array_agg(CASE WHEN c.fingerprint = r.print THEN 'repeated'
                                  WHEN c.fingerprint IS NOT NULL THEN 'key_reused' END ORDER BY r.request) INTO r_known
              FROM unnest(r_tenants, r_keys, r_prints) WITH ORDINALITY AS r (tenant, key, print, request)
              LEFT JOIN commands AS c ON c.tenant_id = r.tenant AND c.idempotency_key = r.key;
        END IF;
        names := s_names;
        IF by_claim THEN
            SELECT array_agg(coalesce(s.name, k.stream) ORDER BY s.row) INTO names
              FROM unnest(s_requests, s_names, s_kinds, s_digests)
                   WITH ORDINALITY AS s (request, name, kind, digest, row)
              LEFT JOIN claims AS k ON k.tenant_id = r_tenants[s.request] AND k.kind = s.kind AND k.digest = s.digest;
        END IF;
        SELECT array_agg(g.first ORDER BY g.row) INTO s_first
          FROM (SELECT s.row, CASE WHEN s.name IS NULL THEN s.row
                                   ELSE min(s.row) OVER (PARTITION BY r_tenants[s.request], s.name) END AS first
                  FROM unnest(s_requests, names) WITH ORDINALITY AS s (request, name, row)) AS g;
        IF streams <= few THEN
            FOR s IN 1..streams LOOP
                heads[s] := coalesce((SELECT e.version FROM events AS e
                                       WHERE e.partition = s_partitions[s] AND e.tenant_id = r_tenants[s_requests[s]]
                                         AND e.stream = names[s]
                                       ORDER BY e.version DESC LIMIT 1), 0);
            END LOOP;
        ELSE
            SELECT array_agg(coalesce(h.version, 0) ORDER BY s.row) INTO heads
              FROM unnest(s_requests, s_partitions, names) WITH ORDINALITY AS s (request, number, name, row)
              LEFT JOIN LATERAL (SELECT e.version FROM events AS e
                                  WHERE e.partition = s.number AND e.tenant_id = r_tenants[s.request]
                                    AND e.stream = s.name
                                  ORDER BY e.version DESC LIMIT 1) AS h ON true;
        END IF;

        -- 4. Decide, in order, and number what is accepted. Later requests see what earlier ones did.
        now_ := clock_timestamp();
        positions := p_positions;
        times := p_times;
        r_outcomes := array_fill(NULL::text, ARRAY[requests]);
        r_others := array_fill(0, ARRAY[requests]);
        r_owner := r_others;
        c_owner := array_fill(0, ARRAY[claims_]);
        c_names := array_fill(NULL::text, ARRAY[claims_]);
        s_positions := array_fill(NULL::bigint, ARRAY[streams]);
        s_versions := array_fill(NULL::integer, ARRAY[streams]);
        e_positions := array_fill(NULL::bigint, ARRAY[events_]);
        e_versions := array_fill(NULL::integer, ARRAY[events_]);
        e_times := array_fill(NULL::timestamptz, ARRAY[events_]);
        s_to := 0; c_to := 0; e_at := 1; keys := 0; taken := 0;
        FOR r IN 1..requests LOOP
            s_from := s_to + 1;
            c_from := c_to + 1;
            WHILE s_requests[s_to + 1] = r LOOP s_to := s_to + 1; END LOOP;
            WHILE c_requests[c_to + 1] = r LOOP c_to := c_to + 1; END LOOP;

            verdict := r_known[r];
            IF verdict IS NULL AND r_keys[r] IS NOT NULL THEN
                other := r_owner[r_first[r]];
                IF other > 0 THEN
                    verdict := CASE WHEN r_prints[other] = r_prints[r] THEN 'repeated' ELSE 'key_reused' END;
                    r_others[r] := other;
                END IF;
            END IF;
            IF verdict IS NULL AND c_from <= c_to THEN
                other := 0;
                FOR c IN c_from..c_to LOOP
                    IF (c_known[c] OR c_owner[c_first[c]] > 0) AND (other = 0 OR c_facts[c] AND NOT c_facts[other]) THEN
                        other := c;
                    END IF;
                END LOOP;
                IF other > 0 THEN
                    verdict := CASE WHEN c_facts[other] THEN 'fact_known' ELSE 'claim_taken' END;
                    r_others[r] := other;
                END IF;
            END IF;
            IF verdict IS NULL AND has_causes THEN
                FOR e IN e_at..events_ LOOP
                    EXIT WHEN e_streams[e] > s_to;
                    IF e_caused[e] > now_ + interval '10 seconds' THEN
                        verdict := 'ahead';
                    END IF;
                END LOOP;
            END IF;
            IF verdict IS NULL THEN
                FOR s IN s_from..s_to LOOP
                    IF names[s] IS NULL AND s_claim IS NOT NULL THEN
                        -- Nobody had made the claim before; an earlier request of this group may have.
                        other := c_at[c_owner[s_claim[s]]];
                        IF s_partitions[other] = s_partitions[s] THEN
                            names[s] := names[other];
                            s_first[s] := s_first[other];
                        END IF;
                    END IF;
                    head := heads[s_first[s]];
                    expected := s_expected[s];
                    s_versions[s] := head;
                    IF s_kinds[s] IS NOT NULL AND head = 0 THEN
                        verdict := 'unknown';
                        EXIT;
                    END IF;
                    IF NOT (expected = head OR expected = -2 OR expected = -1 AND head > 0) THEN
                        verdict := 'conflict';
                    END IF;
                END LOOP;
            END IF;

            IF verdict IS NOT NULL THEN
                r_outcomes[r] := verdict;
                WHILE e_streams[e_at] <= s_to LOOP e_at := e_at + 1; END LOOP;
                CONTINUE;
            END IF;
            r_outcomes[r] := 'appended';
            FOR s IN s_from..s_to LOOP
                slot := s_partitions[s] + 1;
                head := heads[s_first[s]];
                IF e_streams[e_at] IS DISTINCT FROM s THEN
                    RAISE EXCEPTION 'a stream without events' USING ERRCODE = 'invalid_parameter_value';
                END IF;
                WHILE e_streams[e_at] = s LOOP
                    head := head + 1;
                    positions[slot] := positions[slot] + 1;
                    times[slot] := greatest(times[slot], now_, e_caused[e_at] + interval '1 microsecond');
                    e_positions[e_at] := positions[slot];
                    e_versions[e_at] := head;
                    e_times[e_at] := times[slot];
                    e_at := e_at + 1;
                END LOOP;
                heads[s_first[s]] := head;
                s_versions[s] := head;
                s_positions[s] := positions[slot];
            END LOOP;
            FOR c IN c_from..c_to LOOP
                IF c_owner[c_first[c]] = 0 THEN
                    c_owner[c_first[c]] := c;
                    c_names[c] := coalesce(c_streams[c], names[s_from]);
                    taken := taken + 1;
                END IF;
            END LOOP;
            IF r_keys[r] IS NOT NULL THEN
                r_owner[r_first[r]] := r;
                keys := keys + 1;
            END IF;
        END LOOP;
        EXIT WHEN NOT 'appended' = ANY (r_outcomes);

        -- 5. Write: keys, then claims, each sorted, so that two groups never wait for one another. The insert of one
        -- that a rival has just written waits for the rival's end; if it won, all is taken back and decided again.
        BEGIN
            IF keys > 0 THEN
                INSERT INTO commands (tenant_id, idempotency_key, fingerprint, partitions, positions, versions,
                                      recorded_at)
                SELECT r_tenants[a.request], r_keys[a.request], r_prints[a.request], a.partitions, a.positions,
                       a.versions, now_
                  FROM (SELECT s.request, array_agg(s.number ORDER BY s.row) AS partitions,
                               array_agg(s.position ORDER BY s.row) AS positions,
                               array_agg(s.version ORDER BY s.row) AS versions
                          FROM unnest(s_requests, s_partitions, s_positions, s_versions)
                               WITH ORDINALITY AS s (request, number, position, version, row)
                         WHERE s.position IS NOT NULL AND r_keys[s.request] IS NOT NULL
                         GROUP BY s.request) AS a
                 ORDER BY r_tenants[a.request], r_keys[a.request]
                    ON CONFLICT DO NOTHING;
                GET DIAGNOSTICS written = ROW_COUNT;
                IF written <> keys THEN
                    RAISE EXCEPTION 'lost a race for a key' USING ERRCODE = 'RA001';
                END IF;
            END IF;
            IF taken > 0 THEN
                INSERT INTO claims (tenant_id, kind, digest, stream, event_id)
                SELECT r_tenants[c_requests[o.claim]], c_kinds[o.claim], c_digests[o.claim], c_names[o.claim],
                       c_events[o.claim]
                  FROM unnest(c_owner) AS o (claim)
                 WHERE o.claim > 0
                 ORDER BY r_tenants[c_requests[o.claim]], c_kinds[o.claim], c_digests[o.claim]
                    ON CONFLICT DO NOTHING;
                GET DIAGNOSTICS written = ROW_COUNT;
                IF written <> taken THEN
                    RAISE EXCEPTION 'lost a race for a claim' USING ERRCODE = 'RA001';
                END IF;
            END IF;
            INSERT INTO events (partition, position, tenant_id, stream, version, event_id, type, schema, subject, data,
                                meta, occurred_at, recorded_at)
            SELECT s_partitions[e.row], e.position, r_tenants[s_requests[e.row]], names[e.row], e.version, e.id, e.type,
                   e.schema, e.subject, e.data, e.meta, e.occurred, e.recorded
              FROM unnest(e_streams, e_positions, e_versions, e_ids, e_types, e_schemas, e_subjects, e_data, e_meta,
                          e_occurred, e_times)
                AS e (row, position, version, id, type, schema, subject, data, meta, occurred, recorded)
             WHERE e.position IS NOT NULL;
            EXIT;
        EXCEPTION WHEN SQLSTATE 'RA001' THEN
            NULL;
        END;
    END LOOP;

    -- 6. Answer.
    RETURN QUERY
    SELECT s.request, r_outcomes[s.request], s.number, s.position, s.version, NULL::text, NULL::uuid
      FROM unnest(s_requests, s_partitions, s_positions, s_versions) AS s (request, number, position, version)
     WHERE r_outcomes[s.request] IN ('appended', 'conflict');
    IF NOT r_outcomes <@ ARRAY['appended', 'conflict'] THEN
        RETURN QUERY
        SELECT r.request, r.outcome, a.number, a.position, a.version, NULL::text, NULL::uuid
          FROM (SELECT r.request::integer, r.outcome, r.other
                  FROM unnest(r_outcomes, r_others) WITH ORDINALITY AS r (outcome, other, request)) AS r
          CROSS JOIN LATERAL (
                SELECT p.number, p.position, p.version
                  FROM commands AS c, unnest(c.partitions, c.positions, c.versions) AS p (number, position, version)
                 WHERE c.tenant_id = r_tenants[r.request] AND c.idempotency_key = r_keys[r.request]) AS a
         WHERE r.outcome = 'repeated';
        RETURN QUERY
        SELECT r.request::integer, r.outcome, NULL::smallint, NULL::bigint, NULL::integer, k.stream, k.event_id
          FROM unnest(r_outcomes, r_others) WITH ORDINALITY AS r (outcome, other, request)
          LEFT JOIN claims AS k
            ON r.outcome IN ('fact_known', 'claim_taken') AND k.tenant_id = r_tenants[r.request]
               AND k.kind = c_kinds[r.other] AND k.digest = c_digests[r.other]
         WHERE r.outcome NOT IN ('appended', 'repeated', 'conflict');
    END IF;
END
$function$;

-- It belongs to the keeper, whose policy sees all tenants; the app role may call it and insert nothing itself.
ALTER FUNCTION append OWNER TO rapport_{service}_keeper;
REVOKE ALL ON FUNCTION append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append TO rapport_{service}_app, rapport_{service}_keeper;
