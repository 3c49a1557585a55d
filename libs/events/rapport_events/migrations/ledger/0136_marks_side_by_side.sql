-- Marks of one id stand side by side. When there was one for all facts of an id, a fold that changed it again waited for
-- whoever had taken it to decide what follows: readers were as slow as what is derived from them.
-- migrate:up
SET LOCAL lock_timeout = '5s';

ALTER TABLE marks
    DROP CONSTRAINT marks_pkey,
    DROP COLUMN partition,
     ADD COLUMN mark_id bigint GENERATED ALWAYS AS IDENTITY,
     ADD CONSTRAINT marks_pkey PRIMARY KEY (tenant_id, mark_id);
CREATE INDEX marks_customer ON marks (tenant_id, view, customer);

-- migrate:down
DELETE FROM marks m
 USING marks other
 WHERE other.tenant_id = m.tenant_id AND other.view = m.view AND other.customer = m.customer
   AND other.mark_id < m.mark_id;
DROP INDEX marks_customer;
ALTER TABLE marks
    DROP CONSTRAINT marks_pkey,
    DROP COLUMN mark_id,
     ADD COLUMN partition smallint NOT NULL DEFAULT 0;
ALTER TABLE marks
    ALTER COLUMN partition DROP DEFAULT,
     ADD CONSTRAINT marks_pkey PRIMARY KEY (tenant_id, view, customer, partition);
