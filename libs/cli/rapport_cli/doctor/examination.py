"""Carry out all checks, one after another; one that cannot be carried out is a finding too."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final

import asyncpg
from aiokafka.errors import KafkaError

from rapport_cli.doctor import (
    broker,
    databases,
    disk,
    environment,
    guards,
    ledgers,
    migrations,
    readers,
    secrets,
    services,
    versions,
)
from rapport_cli.doctor.case import Case, Finding

Check = Callable[[Case], Awaitable[list[Finding]]]

_CHECKS: Final[dict[str, Check]] = {
    "versions": versions.check,
    "settings": environment.check,
    "secrets": secrets.check,
    "disk": disk.check,
    "databases": databases.check,
    "migrations": migrations.check,
    "guards": guards.check,
    "broker": broker.check,
    "ledgers": ledgers.check,
    "services": services.check,
    "readers": readers.check,
}


async def examine(case: Case) -> list[Finding]:
    """Return all findings, in the order in which faults follow from one another."""
    async with AsyncExitStack() as stack:
        unreachable = await databases.open_all(case, stack)
        findings: list[Finding] = []
        for name, check in _CHECKS.items():
            if name == "databases":
                findings += unreachable
            try:
                findings += await check(case)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, OSError, TimeoutError) as error:
                fix = "put right first what is said above, then ask again"
                findings.append(Finding("fail", name, f"could not be looked at ({type(error).__name__})", fix))
        return findings
