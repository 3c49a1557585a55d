-- Search forgets a person for good: its files are written anew, and no statistics repeat what it holds.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Partitions of the search from which somebody was deleted. deleted_by: the transaction that did; once nobody can see
-- what was before it, the partition's table is rewritten, because VACUUM alone leaves the bytes where they are.
CREATE TABLE directory_rewrites (
    rebuild    smallint NOT NULL,
    partition  smallint NOT NULL,
    deleted_by xid8     NOT NULL,
    CONSTRAINT directory_rewrites_pkey PRIMARY KEY (rebuild, partition)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON directory_rewrites TO rapport_{service}_keeper;

-- ANALYZE would copy frequent names into the catalogue, which is logged and backed up.
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT relid FROM pg_partition_tree('directory_search_v1_r1') LOOP
        EXECUTE format('ALTER TABLE %s ALTER name SET STATISTICS 0, ALTER email SET STATISTICS 0,'
                       ' ALTER phone SET STATISTICS 0', part);
    END LOOP;
END $$;

-- migrate:down
DROP TABLE directory_rewrites;
