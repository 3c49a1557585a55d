-- set_members: store who is in a segment, or is not any more.
-- $1 tenants   $2 segments   $3 customers   $4 whether in it   $5 versions   $6 reasons, as text   $7 event ids
-- $8 partitions   $9 since
INSERT INTO memberships_v1_rN
       (tenant_id, segment_id, customer, is_member, version, because, event_id, partition, since)
SELECT m.tenant_id, m.segment_id, m.customer, m.is_member, m.version, m.because::uuid[], m.event_id, m.partition, m.since
  FROM unnest($1::text[], $2::text[], $3::uuid[], $4::boolean[], $5::bigint[], $6::text[], $7::uuid[], $8::smallint[],
              $9::timestamptz[])
    AS m (tenant_id, segment_id, customer, is_member, version, because, event_id, partition, since)
    ON CONFLICT (tenant_id, segment_id, customer) DO UPDATE
   SET is_member = excluded.is_member, version = excluded.version, because = excluded.because,
       event_id = excluded.event_id, since = excluded.since
