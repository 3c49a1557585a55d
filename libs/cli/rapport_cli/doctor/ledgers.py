"""Each ledger: whether it takes appends, and whether a mirror carries it to its topic."""

from collections.abc import Iterator

from rapport_cli.doctor.case import Case, Finding
from rapport_events.statements import load


async def check(case: Case) -> list[Finding]:
    """Look at the ledgers that answer."""
    findings: list[Finding] = []
    for name, connection in case.reached.items():
        row = await connection.fetchrow(load("rapport_cli", "doctor/ledger"))
        if row is not None:
            findings += judge(
                name,
                era=row["era"],
                events=sum(row["heads"]),
                is_open=row["is_open"],
                is_compared=row["is_compared"],
                is_led=row["is_led"],
            )
    return findings


def judge(name: str, *, era: int, events: int, is_open: bool, is_compared: bool, is_led: bool) -> Iterator[Finding]:
    """Say what to think of a ledger."""
    subject = f"ledger {name}"
    if not is_open:
        fix = f"the server was restored or promoted: read its alarm, then `rapport ledger new-era` for {name}"
        yield Finding("fail", subject, f"era {era} is shut: no command is taken", fix)
    elif not is_compared:
        fix = "the mirror does it when it starts; see why that does not run"
        yield Finding("fail", subject, "shut since the server started: nobody compared it with its topic", fix)
    else:
        yield Finding("ok", subject, f"open, era {era}, {events:,} events")
    if is_led:
        yield Finding("ok", f"mirror {name}", "it leads")
    else:
        fix = f"start the role mirror of {name}, or read in its log why it ended"
        yield Finding("fail", f"mirror {name}", "nobody carries the ledger to its topic", fix)
