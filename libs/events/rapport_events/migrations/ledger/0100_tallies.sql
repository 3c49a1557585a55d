-- Beside each checkpoint three sums over the events that its reader has taken (tally.py): `rapport verify` holds them
-- against the ledger. They are added to where they stand, so whoever applies a record without moving the checkpoint, or
-- moves it without applying one, leaves a trace.
-- migrate:up
SET LOCAL lock_timeout = '5s';

ALTER TABLE checkpoints
    ADD COLUMN tally_after    bigint NOT NULL DEFAULT 0,  -- the position behind which the sums begin
    ADD COLUMN tally_count    bigint NOT NULL DEFAULT 0,
    ADD COLUMN tally_total    bigint NOT NULL DEFAULT 0,
    ADD COLUMN tally_weighted bigint NOT NULL DEFAULT 0;
UPDATE checkpoints SET tally_after = position;

-- migrate:down
ALTER TABLE checkpoints
    DROP COLUMN tally_weighted, DROP COLUMN tally_total, DROP COLUMN tally_count, DROP COLUMN tally_after;
