"""All rows of a suite as short digests, so that two moments can be compared."""

from tests.system.suites import OWNERS, Suite

# Where the mirror, the readers and the senders of webhooks stand, and when they came there, differs; what they have
# made must not.
_OF_THE_MOMENT = (
    {"checkpoints", "steps", "rebuilds", "mirror_marks", "mirror_reach", "consent_watch", "ledger"}
    | {"webhook_cursors", "webhook_deliveries"}
    | {"schema_migrations"}
)
_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname"
_DIGEST = "SELECT count(*)::text || coalesce(' ' || md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM \"{}\" AS t"

Rows = dict[str, str]
"""By service and table: how many rows there are, and a digest of them."""


async def rows_of(suite: Suite) -> Rows:
    """Digest every table of every service."""
    found: Rows = {}
    for service in ("keyring", *OWNERS):
        connection = await suite.connect(service)
        try:
            for row in await connection.fetch(_TABLES):
                table = row["relname"]
                if table not in _OF_THE_MOMENT:
                    found[f"{service}.{table}"] = await connection.fetchval(_DIGEST.format(table))
        finally:
            await connection.close()
    assert found, "there are tables to look at"
    return found


def changes(before: Rows, after: Rows) -> dict[str, tuple[str | None, str | None]]:
    """Return the tables that are not what they were."""
    names = before.keys() | after.keys()
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}
