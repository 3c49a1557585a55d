-- set: store a request as it is now.
-- $1 tenant   $2 customer   $3 request   $4 kind   $5 state   $6 ids of the party   $7 event   $8 correlation
-- $9 asked at   $10 recorded at   $11 due at   $12 closed at   $13 legal basis   $14 hash of the file   $15 certificate
INSERT INTO privacy_v1_rN
       (tenant_id, customer_id, request_id, kind, state, customer_ids, event_id, correlation_id, asked_at, recorded_at,
        due_at, closed_at, legal_basis, artefact_hash, certificate)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    ON CONFLICT (tenant_id, customer_id, request_id) DO UPDATE
   SET state = excluded.state, closed_at = excluded.closed_at, artefact_hash = excluded.artefact_hash,
       legal_basis = excluded.legal_basis, certificate = excluded.certificate
