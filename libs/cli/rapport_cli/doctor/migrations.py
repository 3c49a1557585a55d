"""Each database: whether every numbered change of this release was applied, as it stands in its file."""

from collections.abc import Mapping

import asyncpg

from rapport_cli.doctor.case import Case, Finding
from rapport_cli.launching.databases import KEYRING, folders_of
from rapport_events.migrate import checksums
from rapport_events.statements import load


async def check(case: Case) -> list[Finding]:
    """Compare what was applied with what is installed."""
    installed = {service.name: service for service in case.services}
    findings: list[Finding] = []
    for name, connection in case.connections.items():
        wanted = checksums(folders_of(None if name == KEYRING else installed[name]))
        try:
            rows = await connection.fetch(load("rapport_cli", "doctor/migrations"))
        except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError):
            rows = []  # an older state, in which nobody but the owner could see it
        findings.append(judge(name, wanted, {row["name"]: row["checksum"] for row in rows}))
    return findings


def judge(name: str, wanted: Mapping[str, str], applied: Mapping[str, str]) -> Finding:
    """Say what is missing, changed or newer than this release."""
    subject = f"migrations {name}"
    missing = [each for each in wanted if each not in applied]
    changed = [each for each in wanted if applied.get(each, wanted[each]) != wanted[each]]
    newer = [each for each in applied if each not in wanted]
    if changed:
        fix = "install the release that applied it; an applied file never changes"
        return Finding("fail", subject, f"changed after it was applied: {', '.join(changed)}", fix)
    if missing:
        what = f"{len(missing)} not applied, from {missing[0]} on"
        return Finding("fail", subject, what, "`rapport migrate up` applies them")
    if newer:
        fix = "this release is older than the database: install the one that applied them"
        return Finding("warn", subject, f"{len(newer)} that this release does not know, {newer[0]} first", fix)
    return Finding("ok", subject, f"at the newest, {len(wanted)} applied")
