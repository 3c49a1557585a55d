-- roles: what the roles of a database may do beyond what they are granted.
-- $1 how their names begin
SELECT rolname AS name, rolcanlogin AS logs_in, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb AS is_mighty
  FROM pg_roles
 WHERE starts_with(rolname, $1)
 ORDER BY rolname
