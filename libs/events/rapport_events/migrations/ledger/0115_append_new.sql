-- append(): writes a group at once where everything in it seems new, and has it decided request by request otherwise.
--
-- Most groups hold no repeated key, no taken claim and no stream twice. To look that up costs more than to write. So
-- keys, claims and new streams are not looked up: what is there already, in the tables or earlier in the group, the
-- unique constraints refuse. (That is exact for a stream that is expected not to be there: its first version is 1.
-- A version that somebody names is looked up.) At the first doubt all is taken back, and append_deciding(), which is
-- the append() of 0002, decides under the same locks. What is refused is refused by it alone.
--
-- Parameters and rows answered: see 0002.
-- migrate:up
SET LOCAL lock_timeout = '5s';

ALTER FUNCTION append RENAME TO append_deciding;
REVOKE ALL ON FUNCTION append_deciding FROM rapport_{service}_app;

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
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off
AS $function$
#variable_conflict use_variable
DECLARE
    few constant integer := 8;  -- a lookup opens one child, a join all 32, which pays only for many lookups
    streams constant integer := cardinality(s_requests);
    keys constant integer := cardinality(r_keys) - cardinality(array_positions(r_keys, NULL));
    claims_ constant integer := cardinality(c_requests);
    named constant integer := streams - cardinality(array_positions(s_expected, 0));  -- versions that somebody names
    is_plain boolean := named <= few AND '' <> ALL (r_tenants);
    is_written boolean := false;
    now_ timestamptz;
    -- By partition + 1: the last number and time.
    positions bigint[];
    times timestamptz[];
    r_streams text[];        -- the first of each request
    s_positions bigint[];
    s_versions integer[] := array_fill(0, ARRAY[streams]);
    e_positions bigint[];
    e_versions integer[];
    e_times timestamptz[];
    row_ integer := 0;       -- of the streams
    request_ integer := 0;
    slot integer;
    at bigint;
    time_ timestamptz;
    head integer;
    written integer := 0;
    mark text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append needs READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF current_setting('rapport.appended', true) = 'yes' THEN
        RAISE EXCEPTION 'append was called before in this transaction' USING ERRCODE = 'invalid_transaction_state';
    END IF;

    -- 1. The locks, ascending, in a statement of their own: each later statement sees all that the last holder
    -- committed. A lock and a lookup in one statement would look with a snapshot from before the wait.
    IF streams = 1 THEN
        PERFORM pg_advisory_xact_lock(7101, s_partitions[1]);
    ELSE
        PERFORM pg_advisory_xact_lock(7101, p.number)
           FROM (SELECT DISTINCT s.number FROM unnest(s_partitions) AS s (number) ORDER BY s.number) AS p;
    END IF;

    -- 2. The last numbers and times, of a ledger that is open.
    IF streams <= few THEN
        FOR s IN 1..streams LOOP
            slot := s_partitions[s] + 1;
            CONTINUE WHEN positions[slot] IS NOT NULL;
            SELECT e.position, e.recorded_at INTO at, time_
              FROM ledger AS l
              LEFT JOIN LATERAL (SELECT e.position, e.recorded_at FROM events AS e WHERE e.partition = s_partitions[s]
                                  ORDER BY e.position DESC LIMIT 1) AS e ON true
             WHERE l.is_open AND l.server_started_at = pg_postmaster_start_time();
            EXIT WHEN NOT FOUND;
            positions[slot] := coalesce(at, 0);
            times[slot] := time_;
        END LOOP;
    ELSE
        SELECT array_agg(coalesce(e.position, 0) ORDER BY p.number), array_agg(e.recorded_at ORDER BY p.number)
          INTO positions, times
          FROM ledger AS l
         CROSS JOIN generate_series(0, 31) AS p (number)
          LEFT JOIN LATERAL (SELECT e.position, e.recorded_at FROM events AS e WHERE e.partition = p.number
                              ORDER BY e.position DESC LIMIT 1) AS e ON true
         WHERE l.is_open AND l.server_started_at = pg_postmaster_start_time();
    END IF;
    IF positions[s_partitions[1] + 1] IS NULL THEN
        RAISE EXCEPTION 'the ledger is shut' USING ERRCODE = 'RA003';
    END IF;

    -- 3. The versions that somebody names; new streams have none.
    IF is_plain AND named > 0 THEN
        FOR s IN 1..streams LOOP
            CONTINUE WHEN s_expected[s] = 0;
            head := coalesce((SELECT e.version FROM events AS e
                               WHERE e.partition = s_partitions[s] AND e.tenant_id = r_tenants[s_requests[s]]
                                 AND e.stream = s_names[s]
                               ORDER BY e.version DESC LIMIT 1), 0);
            s_versions[s] := head;
            is_plain := is_plain AND s_names[s] IS NOT NULL
                        AND (s_expected[s] = head OR s_expected[s] = -2 OR s_expected[s] = -1 AND head > 0);
        END LOOP;
    END IF;

    -- 4. Number all events, each behind the one before it in its partition and its stream.
    now_ := clock_timestamp();
    FOR e IN 1..cardinality(e_streams) LOOP
        IF e_streams[e] <> row_ THEN
            row_ := row_ + 1;
            slot := s_partitions[row_] + 1;
            IF s_requests[row_] <> request_ THEN
                request_ := s_requests[row_];
                r_streams[request_] := s_names[row_];
            END IF;
        END IF;
        -- A stream without events, or a cause from the future, is refused where things are decided.
        is_plain := is_plain AND e_streams[e] = row_ AND (e_caused[e] <= now_ + interval '10 seconds') IS NOT FALSE;
        EXIT WHEN NOT is_plain;
        at := positions[slot] + 1;
        time_ := greatest(times[slot], now_, e_caused[e] + interval '1 microsecond');
        positions[slot] := at;
        times[slot] := time_;
        e_positions[e] := at;
        e_times[e] := time_;
        s_positions[row_] := at;
        s_versions[row_] := s_versions[row_] + 1;
        e_versions[e] := s_versions[row_];
    END LOOP;

    -- 5. Write: keys, then claims, each sorted, so that two groups never wait for one another. The insert of one that
    -- a rival has just written waits for the rival's end.
    IF is_plain AND row_ = streams THEN
        BEGIN
            mark := set_config('rapport.appended', 'yes', true);
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
                         WHERE r_keys[s.request] IS NOT NULL
                         GROUP BY s.request) AS a
                 ORDER BY r_tenants[a.request], r_keys[a.request]
                    ON CONFLICT DO NOTHING;
                GET DIAGNOSTICS written = ROW_COUNT;
            END IF;
            IF claims_ > 0 AND written = keys THEN
                INSERT INTO claims (tenant_id, kind, digest, stream, event_id)
                SELECT r_tenants[c.request], c.kind, c.digest, coalesce(c.stream, r_streams[c.request]), c.event
                  FROM unnest(c_requests, c_kinds, c_digests, c_streams, c_events)
                    AS c (request, kind, digest, stream, event)
                 ORDER BY r_tenants[c.request], c.kind, c.digest
                    ON CONFLICT DO NOTHING;
                GET DIAGNOSTICS written = ROW_COUNT;
                written := keys - claims_ + written;
            END IF;
            IF written <> keys THEN
                RAISE EXCEPTION 'a key or a claim is there already' USING ERRCODE = 'RA001';
            END IF;
            INSERT INTO events (partition, position, tenant_id, stream, version, event_id, type, schema, subject, data,
                                meta, occurred_at, recorded_at)
            SELECT s_partitions[e.row], e.position, r_tenants[s_requests[e.row]], s_names[e.row], e.version, e.id,
                   e.type, e.schema, e.subject, e.data, e.meta, e.occurred, e.recorded
              FROM unnest(e_streams, e_positions, e_versions, e_ids, e_types, e_schemas, e_subjects, e_data, e_meta,
                          e_occurred, e_times)
                AS e (row, position, version, id, type, schema, subject, data, meta, occurred, recorded);
            is_written := true;
        EXCEPTION WHEN unique_violation OR SQLSTATE 'RA001' THEN
            NULL;
        END;
    END IF;

    -- 6. Answer.
    IF is_written THEN
        outcome := 'appended';
        FOR s IN 1..streams LOOP
            request := s_requests[s];
            partition := s_partitions[s];
            "position" := s_positions[s];
            version := s_versions[s];
            RETURN NEXT;
        END LOOP;
    ELSE
        RETURN QUERY
        SELECT * FROM append_deciding(
            r_tenants, r_keys, r_prints, s_requests, s_partitions, s_names, s_kinds, s_digests, s_expected, e_streams,
            e_ids, e_types, e_schemas, e_subjects, e_data, e_meta, e_occurred, e_caused, c_requests, c_kinds, c_digests,
            c_facts, c_streams, c_events);
    END IF;
END
$function$;

-- It belongs to the keeper, whose policy sees all tenants; the app role may call it and insert nothing itself.
ALTER FUNCTION append OWNER TO rapport_{service}_keeper;
REVOKE ALL ON FUNCTION append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append TO rapport_{service}_app, rapport_{service}_keeper;
