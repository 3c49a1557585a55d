-- report_contact_sums: for each attribute of contacts its number of values, and its sum where all are decimal numbers.
WITH told AS (
     SELECT a.key, a.value, a.value ~ '^-?[0-9]{1,20}([.][0-9]{1,10})?$' AS is_number
       FROM contacts_v1 c, json_each_text(c.attributes) a)
SELECT key, count(DISTINCT value) AS values,
       CASE WHEN bool_and(is_number) THEN sum(CASE WHEN is_number THEN value::numeric END) END AS sum
  FROM told
 GROUP BY key
 ORDER BY key
