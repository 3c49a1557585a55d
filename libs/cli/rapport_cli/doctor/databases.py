"""Each database: whether it answers for each role, its version, and its clock."""

import time
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Final

import asyncpg

from rapport_cli.doctor.case import Case, Finding, State
from rapport_cli.launching.databases import KEYRING
from rapport_events.statements import load

_CONNECT_SECONDS: Final = 5
_VERSION_MIN: Final = 180_000
"""As `server_version_num` tells it."""
SKEW_SECONDS_MAX: Final = 1.0
CAUSE_AHEAD_SECONDS_MAX: Final = 10.0
"""A ledger refuses facts whose cause was recorded by a clock that is further ahead."""


async def open_all(case: Case, stack: AsyncExitStack) -> list[Finding]:
    """Connect to every database as every role; the connections that others need stay open as long as the stack."""
    findings: list[Finding] = []
    for (name, login), variable in case.address_names().items():
        subject = f"database {name}"
        try:
            address = case.secret(variable)
            if address is None:
                continue  # the check of the settings says so
            connection = await asyncpg.connect(
                address, timeout=_CONNECT_SECONDS, command_timeout=_CONNECT_SECONDS, server_settings=_LIMITS
            )
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            findings.append(unreachable(subject, login, variable, error))
            continue
        stack.callback(connection.terminate)
        if login != "app" or name == KEYRING:
            case.connections[name] = connection
    return findings


_LIMITS: Final = {"application_name": "rapport.doctor", "lock_timeout": "1s"}


def unreachable(subject: str, login: str, variable: str, error: BaseException) -> Finding:
    """Say why nobody gets in."""
    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            fix = f"`rapport migrate up` sets the role's password to that in {variable}"
        case asyncpg.InvalidCatalogNameError():
            fix = "make it with `rapport migrate up`"
        case FileNotFoundError() | PermissionError():
            fix = f"see that the file in {variable}_FILE is there and may be read"
        case _:
            fix = f"start the server, or correct its address in {variable}"
    return Finding("fail", subject, f"role {login} gets no connection ({type(error).__name__})", fix)


async def check(case: Case) -> list[Finding]:
    """Look at the servers behind the connections."""
    findings: list[Finding] = []
    for name, connection in case.connections.items():
        began = time.time()
        row = await connection.fetchrow(load("rapport_cli", "doctor/server"))
        took = time.time() - began
        if row is not None:
            now: datetime = row["now"]
            skew = now.timestamp() - (began + took / 2)
            findings += judge(name, row["version"], row["version_num"], skew, took)
    return findings


def judge(name: str, version: str, version_num: int, skew: float, took: float) -> list[Finding]:
    """
    Say what to think of a server.

    Args:
        skew: Seconds that its clock is ahead of ours; half of what the question took is uncertain.
        took: Seconds from question to answer.
    """
    subject = f"database {name}"
    findings = [Finding("ok", subject, f"PostgreSQL {version} answers in {took * 1000:.0f} ms")]
    if version_num < _VERSION_MIN:
        findings = [Finding("fail", subject, f"PostgreSQL {version}", "Rapport needs PostgreSQL 18 or newer")]
    sure = max(0.0, abs(skew) - took / 2)
    if sure > SKEW_SECONDS_MAX:
        state: State = "fail" if sure > CAUSE_AHEAD_SECONDS_MAX else "warn"
        where = "ahead of" if skew > 0 else "behind"
        text = f"its clock is {sure:.1f} s {where} that of this machine"
        findings.append(Finding(state, subject, text, "let both follow the same time servers (NTP)"))
    return findings
