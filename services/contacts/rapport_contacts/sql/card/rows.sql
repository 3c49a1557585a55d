-- rows: read the cards of all ids of a party.
-- $1 tenant   $2 customers
SELECT c.customer_id, c.identities
  FROM card_v1 AS c
 WHERE c.tenant_id = $1
   AND c.customer_id = ANY ($2::uuid[])
 ORDER BY c.customer_id
