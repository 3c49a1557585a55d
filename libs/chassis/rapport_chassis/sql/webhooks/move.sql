-- move: move a webhook's cursor from where it was believed to be.
-- $1 tenant   $2 webhook   $3 positions before   $4 positions now
UPDATE webhook_cursors
   SET positions = $4
 WHERE tenant_id = $1 AND webhook_id = $2 AND positions = $3
RETURNING webhook_id
