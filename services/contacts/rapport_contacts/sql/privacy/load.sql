-- load: read requests that go on.
-- $1 tenants   $2 customers   $3 requests
SELECT p.tenant_id, p.customer_id, p.request_id, p.kind, p.state, p.customer_ids, p.event_id, p.correlation_id,
       p.asked_at, p.recorded_at, p.due_at, p.closed_at, p.legal_basis, p.artefact_hash, p.certificate
  FROM unnest($1::text[], $2::uuid[], $3::uuid[]) AS k (tenant_id, customer_id, request_id)
  JOIN privacy_v1_rN AS p USING (tenant_id, customer_id, request_id)
