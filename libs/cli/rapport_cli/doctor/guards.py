"""Whether tenants are kept apart in every table, and roles may do no more than they need."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rapport_cli.doctor.case import Case, Finding
from rapport_events.statements import load

_AGAIN: Final = "somebody changed it by hand: take that back, or restore the database's structure from the migrations"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with rows of tenants."""

    name: str
    is_guarded: bool
    """Whether row-level security is enabled, and forced on its owner too."""
    is_part: bool
    """Whether it is a partition of another table, whose policies do not cover direct reads of it."""
    grants: Collection[str]
    """What others than its owner may do: `rapport_contacts_app SELECT`."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role of a database."""

    logs_in: bool
    is_mighty: bool
    """Whether it could pass over the policies, or give itself the right to."""


async def check(case: Case) -> list[Finding]:
    """Look at the tables and roles of every database that answers."""
    findings: list[Finding] = []
    for name, connection in case.connections.items():
        rows = await connection.fetch(load("rapport_cli", "doctor/tables"))
        tables = [Table(row["name"], row["is_guarded"], row["is_part"], row["grants"]) for row in rows]
        rows = await connection.fetch(load("rapport_cli", "doctor/roles"), f"rapport_{name}_")
        roles = {row["name"]: Role(row["logs_in"], row["is_mighty"]) for row in rows}
        faults = list(judge(name, tables, roles))
        whole = Finding(
            "ok", f"guards {name}", f"row-level security forced on {len(tables)} tables, {len(roles)} roles"
        )
        findings += faults or [whole]
    return findings


def judge(name: str, tables: Collection[Table], roles: Mapping[str, Role]) -> Iterator[Finding]:
    """Say what is open that must be shut."""
    subject, app = f"guards {name}", f"rapport_{name}_app"
    open_to_all = [table.name for table in tables if not table.is_guarded]
    if open_to_all:
        what = f"row-level security is not forced on {', '.join(open_to_all)}"
        yield Finding("fail", subject, what, "`ALTER TABLE … FORCE ROW LEVEL SECURITY`, and find out who took it away")
    for table in tables:
        wrong = [grant for grant in table.grants if _is_too_much(grant, app, is_part=table.is_part)]
        if wrong:
            yield Finding("fail", subject, f"{table.name}: {', '.join(wrong)}", _AGAIN)
    for role, rights in roles.items():
        if rights.is_mighty:
            what = f"role {role} is a superuser, passes over policies, or makes roles or databases"
            yield Finding("fail", subject, what, f"`ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB`")
        if rights.logs_in and role.endswith("_owner"):
            yield Finding("fail", subject, f"role {role} may log in", f"`ALTER ROLE {role} NOLOGIN`")


def _is_too_much(grant: str, app: str, *, is_part: bool) -> bool:
    role, _, privilege = grant.rpartition(" ")
    if role == "PUBLIC":
        return True
    if role == app:
        return is_part or privilege != "SELECT"
    return False
