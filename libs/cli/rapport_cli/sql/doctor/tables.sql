-- tables: each table with rows of tenants, whether its rows are guarded, and who may do what with it besides its owner.
SELECT c.relname AS name,
       c.relrowsecurity AND c.relforcerowsecurity AS is_guarded,
       c.relispartition AS is_part,
       ARRAY(SELECT coalesce(r.rolname, 'PUBLIC') || ' ' || a.privilege_type
               FROM aclexplode(c.relacl) AS a
               LEFT JOIN pg_roles AS r ON r.oid = a.grantee
              WHERE a.grantee <> c.relowner
              ORDER BY 1) AS grants
  FROM pg_class AS c
 WHERE c.relnamespace = 'public'::regnamespace
   AND c.relkind IN ('r', 'p')
   AND EXISTS (SELECT
                 FROM pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
 ORDER BY c.relname
