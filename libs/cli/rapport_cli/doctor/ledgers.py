"""Each ledger: whether it takes appends, and whether a mirror carries it to its topic."""

from collections.abc import Iterator

from rapport_cli.doctor.case import Case, Finding
from rapport_events.gate import Condition, read_condition
from rapport_events.remedies import explain, remedy
from rapport_events.statements import load


async def check(case: Case) -> list[Finding]:
    """Look at the ledgers that answer."""
    findings: list[Finding] = []
    for name, connection in case.reached.items():
        row = await connection.fetchrow(load("rapport_cli", "doctor/ledger"))
        if row is not None:
            condition = await read_condition(connection)
            findings += judge(name, condition, events=sum(row["heads"]), is_led=row["is_led"])
    return findings


def judge(name: str, condition: Condition, *, events: int, is_led: bool) -> Iterator[Finding]:
    """Say what to think of a ledger."""
    why, fix = explain(condition), remedy(condition, name)
    if why is not None and fix is not None:
        yield Finding("fail", f"ledger {name}", f"era {condition.era} takes no command: {why}", fix)
    else:
        yield Finding("ok", f"ledger {name}", f"open, era {condition.era}, {events:,} events")
    if is_led:
        yield Finding("ok", f"mirror {name}", "it leads")
    else:
        fix = f"start the role mirror of {name}, or read in its log why it ended"
        yield Finding("fail", f"mirror {name}", "nobody carries the ledger to its topic", fix)
