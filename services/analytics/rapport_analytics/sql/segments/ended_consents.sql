-- ended_consents: whose consents have ended by themselves in a time.
-- $1 after   $2 up to
SELECT DISTINCT c.tenant_id, c.customer
  FROM consents_v1 c
 WHERE c.valid_until > $1
   AND c.valid_until <= $2
