-- add_contacts: add contacts.
-- $1 tenants   $2 customers   $3 event ids   $4 channels   $5 channel details   $6 directions   $7 outcomes
-- $8 attributes (JSON)   $9 occurred at
INSERT INTO contacts_v1_rN (tenant_id, customer, event_id, channel, channel_detail, direction, outcome, attributes,
                            occurred_at)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::json[],
              $9::timestamptz[])
