-- rows: read what was asked for under some ids, the latest first.
-- $1 tenant   $2 customers
SELECT p.customer_id, p.request_id, p.kind, p.state, p.customer_ids, p.asked_at, p.due_at, p.closed_at, p.legal_basis,
       p.artefact_hash, p.certificate
  FROM privacy_v1 AS p
 WHERE p.tenant_id = $1
   AND p.customer_id = ANY ($2::uuid[])
 ORDER BY p.recorded_at DESC, p.customer_id, p.request_id
