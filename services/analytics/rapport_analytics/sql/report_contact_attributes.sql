-- report_contact_attributes: contacts by the value of each attribute, of the contact and of its customer.
-- $1 distinct values of an attribute at most
WITH told AS (
     SELECT 'contact' AS part, a.key, a.value, c.customer, c.has_bought
       FROM party_contacts c, json_each_text(c.attributes) a
      UNION ALL
     SELECT 'customer', a.key, a.value, c.customer, c.has_bought
       FROM party_contacts c
       JOIN party_customers k USING (tenant_id, customer), json_each_text(k.attributes) a),
counted AS (
     SELECT part, key, count(DISTINCT value) AS values
       FROM told
      GROUP BY part, key)
SELECT t.part, t.key, t.value, count(*) AS count, count(DISTINCT t.customer) AS customers,
       count(DISTINCT t.customer) FILTER (WHERE t.has_bought) AS successes
  FROM told t
  JOIN counted n ON n.part = t.part AND n.key = t.key AND n.values <= $1
 GROUP BY t.part, t.key, t.value
 ORDER BY t.part, t.key, count DESC, t.value
