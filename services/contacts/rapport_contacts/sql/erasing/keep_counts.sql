-- keep_counts: note what was there before the keys were destroyed; what was noted first holds.
-- $1 tenant   $2 request   $3 events   $4 personal values
INSERT INTO erasure_counts (tenant_id, request_id, events, sealed)
VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, request_id) DO NOTHING
