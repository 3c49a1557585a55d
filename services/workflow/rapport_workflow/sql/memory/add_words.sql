-- add_words: remember what customers said about consents.
-- $1 tenants   $2 customers   $3 event ids   $4 purposes   $5 channels   $6 whether granted   $7 versions of wordings
-- $8 valid until   $9 occurred at   $10 recorded at   $11 partitions   $12 positions
INSERT INTO consent_words_v1_rN (tenant_id, customer_id, event_id, purpose, channel, is_granted, wording_version, valid_until,
                                 occurred_at, recorded_at, partition, position)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bool[], $7::text[], $8::timestamptz[],
              $9::timestamptz[], $10::timestamptz[], $11::smallint[], $12::bigint[])
    ON CONFLICT DO NOTHING
