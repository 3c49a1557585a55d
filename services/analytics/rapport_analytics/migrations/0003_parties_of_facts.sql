-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The facts by party instead of by id: what reports count.
CREATE VIEW party_customers WITH (security_invoker = true) AS
SELECT c.tenant_id, coalesce(r.root, c.customer) AS customer, c.attributes
  FROM customers_v1 c
  LEFT JOIN party_roots r ON r.tenant_id = c.tenant_id AND r.id = c.customer;

CREATE VIEW party_sales WITH (security_invoker = true) AS
SELECT s.tenant_id, coalesce(r.root, s.customer) AS customer, s.kind, s.amount, s.currency, s.occurred_at
  FROM sales_v1 s
  LEFT JOIN party_roots r ON r.tenant_id = s.tenant_id AND r.id = s.customer;

CREATE VIEW party_complaints WITH (security_invoker = true) AS
SELECT c.tenant_id, coalesce(r.root, c.customer) AS customer, c.category, c.channel, c.channel_detail, c.attributes,
       c.occurred_at, c.response_attributes, c.responses > 0 AS is_answered,
       c.response_attributes ->> 'timely' AS timely
  FROM complaints_v1 c
  LEFT JOIN party_roots r ON r.tenant_id = c.tenant_id AND r.id = c.customer;

CREATE VIEW party_contacts WITH (security_invoker = true) AS
SELECT c.tenant_id, coalesce(r.root, c.customer) AS customer, c.channel, c.channel_detail, c.attributes, c.occurred_at,
       b.customer IS NOT NULL AS has_bought
  FROM contacts_v1 c
  LEFT JOIN party_roots r ON r.tenant_id = c.tenant_id AND r.id = c.customer
  LEFT JOIN (SELECT DISTINCT tenant_id, customer FROM party_sales WHERE kind = 'purchase') b
    ON b.tenant_id = c.tenant_id AND b.customer = coalesce(r.root, c.customer);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['party_customers', 'party_sales', 'party_complaints', 'party_contacts'] LOOP
        EXECUTE format('ALTER VIEW %I OWNER TO rapport_{service}_keeper', name);
        EXECUTE format('GRANT SELECT ON %I TO rapport_{service}_app', name);
    END LOOP;
END $$;

-- migrate:down
DROP VIEW party_contacts, party_complaints, party_sales, party_customers;
