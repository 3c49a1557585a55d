"""What PostgreSQL's catalogue says of the tables of a service."""

from dataclasses import dataclass

from rapport_events.database import Connection

_TABLES = """
    SELECT c.relname AS name,
           c.relkind = 'p' AS is_parent,
           c.relispartition AS is_child,
           c.relrowsecurity AND c.relforcerowsecurity AS is_guarded,
           EXISTS (SELECT FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) AS has_tenant,
           ARRAY(SELECT a.attname::text
                   FROM pg_index i
                  CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
                   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
                  WHERE i.indrelid = c.oid AND i.indisprimary
                  ORDER BY k.place) AS key,
           ARRAY(SELECT DISTINCT role::regrole::text
                   FROM pg_policy p CROSS JOIN unnest(p.polroles) AS role
                  WHERE p.polrelid = c.oid) AS bound,
           ARRAY(SELECT DISTINCT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END
                                 || ' ' || g.privilege_type
                   FROM aclexplode(c.relacl) AS g
                  WHERE g.grantee <> c.relowner) AS grants
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
     ORDER BY c.relname
"""
_VIEWS = """
    SELECT c.relname
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm')
       AND NOT 'security_invoker=true' = ANY (coalesce(c.reloptions, '{}'))
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
"""


@dataclass(frozen=True, slots=True)
class Table:
    """One table."""

    name: str
    is_parent: bool
    is_child: bool
    """Whether it is one partition of another."""
    is_guarded: bool
    """Whether row-level security is enabled and forced."""
    has_tenant: bool
    key: tuple[str, ...]
    """Columns of the primary key."""
    bound: frozenset[str]
    """Roles that a policy is for."""
    grants: frozenset[str]
    """`role PRIVILEGE`, of everybody besides the owner."""


async def tables(connection: Connection) -> list[Table]:
    """List all tables of a database."""
    return [
        Table(
            name=row["name"],
            is_parent=row["is_parent"],
            is_child=row["is_child"],
            is_guarded=row["is_guarded"],
            has_tenant=row["has_tenant"],
            key=tuple(row["key"]),
            bound=frozenset(row["bound"]),
            grants=frozenset(row["grants"]),
        )
        for row in await connection.fetch(_TABLES)
    ]


async def views_that_see_as_their_owner(connection: Connection) -> list[str]:
    """List the views that would show rows past the policies of whoever asks."""
    return [row["relname"] for row in await connection.fetch(_VIEWS)]
