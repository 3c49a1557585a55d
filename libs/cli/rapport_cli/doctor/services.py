"""Each process: whether it is ready, and how far its mirrors are behind."""

import asyncio
from typing import Final

from rapport_cli.doctor.case import Case, Finding
from rapport_cli.launching.readiness import Look, look_at
from rapport_cli.observing import mirror_lag

LAG_EVENTS_MAX: Final = 10_000


async def check(case: Case) -> list[Finding]:
    """Ask every door."""
    findings: list[Finding] = []
    for name, (host, port) in case.doors.items():
        look = await asyncio.to_thread(look_at, port, host)
        findings.append(judge(name, look))
        if look.parts:
            lags = {owner: await asyncio.to_thread(mirror_lag, owner, port, host) for owner in case.owners}
            findings += [judge_lag(owner, lag) for owner, lag in lags.items() if lag is not None]
    return list(dict.fromkeys(findings)) or [_nowhere()]


def judge(name: str, look: Look) -> Finding:
    """Say what to think of a process."""
    subject = f"service {name}"
    if look.is_whole:
        return Finding("ok", subject, "ready")
    if look.is_able:
        return Finding(
            "warn", subject, f"answers, but: {look.waits_for}", "read its log; what it waits for may be away"
        )
    if look.parts:
        return Finding("fail", subject, f"does not answer requests: {look.waits_for}", "read its log")
    return Finding("fail", subject, "no answer", "start it, or read in its log why it ended")


def judge_lag(name: str, lag: int) -> Finding:
    """Say what to think of a mirror's lag, in events."""
    if lag <= LAG_EVENTS_MAX:
        return Finding("ok", f"mirror {name}", f"{lag:,} events behind" if lag else "its topic is complete")
    return Finding(
        "warn", f"mirror {name}", f"{lag:,} events behind", "wait; if it does not shrink, look at the broker"
    )


def _nowhere() -> Finding:
    fix = "name them in RAPPORT_<SERVICE>_URL and RAPPORT_URL, or start them with `rapport up`"
    return Finding("fail", "services", "nobody says where they are", fix)
