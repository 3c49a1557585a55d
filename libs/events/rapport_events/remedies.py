"""What an operator must know of a ledger that takes no appends: why, and what to do."""

from rapport_events.gate import Condition

_TAKE_BACK = (
    "run `rapport ledger new-era --take-back {service}`: it takes back what the topic holds and the ledger lacks, and"
    " begins a new era"
)
_BY_REASON = {
    "record_not_held": _TAKE_BACK,
    "era_forgotten": _TAKE_BACK,
    "commits_may_be_lost": _TAKE_BACK,
    "new_era_under_way": "run the same `rapport ledger new-era` again: it does what is left",
}


def explain(condition: Condition) -> str | None:
    """Say as a sentence why a ledger takes no appends; None where it takes them."""
    if condition.takes_appends:
        return None
    if condition.detail is not None:
        return condition.detail
    if not condition.is_open:
        return "the ledger was shut"
    return "its server was started, restored or promoted, and the mirror has not compared ledger and topic yet"


def remedy(condition: Condition, service: str) -> str | None:
    """Say what to do so that a ledger takes appends again; None where it takes them."""
    if condition.takes_appends:
        return None
    if not condition.needs_operator:
        return (
            f"wait a moment; if it stays so, see that the role mirror of {service} runs and reaches its database and"
            " the broker"
        )
    return _BY_REASON.get(condition.reason or "", _TAKE_BACK).format(service=service)
