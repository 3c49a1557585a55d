-- place: set a webhook's cursor, wherever it was.
-- $1 tenant   $2 webhook   $3 positions   $4 rewinds   $5 restarts
INSERT INTO webhook_cursors AS c (tenant_id, webhook_id, positions, rewinds, restarts)
VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT ON CONSTRAINT webhook_cursors_pkey DO UPDATE
   SET positions = excluded.positions, rewinds = excluded.rewinds, restarts = excluded.restarts
