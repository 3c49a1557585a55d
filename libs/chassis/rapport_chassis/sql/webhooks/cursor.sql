-- cursor: the ledger's era, and how far a webhook has come; nulls where it has not begun.
-- $1 tenant   $2 webhook
SELECT l.era, c.positions, c.rewinds, c.restarts
  FROM ledger AS l
  LEFT JOIN webhook_cursors AS c ON c.tenant_id = $1 AND c.webhook_id = $2
