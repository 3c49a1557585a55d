"""Make every read model anew beside the one that is read, compare them row by row, and drop it again."""

from collections.abc import Callable
from typing import Final, cast

from rapport_cli.verifying.findings import Account
from rapport_cli.view_rebuilds import Rebuild, list_rebuilds, wait_for, wish
from rapport_cli.wire import Access

_REACTIONS: Final = "reactions"
"""They have no rows: what they led to are events."""
_FIX = "`rapport view rebuild {model} --switch` lets the one made anew take over; say in a report what it was"


def compare_all(access: Access, *, tell: Callable[[str], None]) -> list[Account]:
    """
    Compare all read models with what their ledgers make of them now; each is an account of its rows.

    Those that somebody is already building beside the live one are compared, too, and left where they are.

    Raises:
        Unreachable: A service does not answer, or has been away for two minutes.
        NotGranted, NotAllowed, NotFound: As services say it.
    """
    rows = list_rebuilds(access)
    live = [row for row in rows if row.state == "live" and row.told["view"] != _REACTIONS]
    return [_compare(access, row, rows, tell) for row in live]


def _compare(access: Access, live: Rebuild, before: list[Rebuild], tell: Callable[[str], None]) -> Account:
    model = (live.service, str(live.told["model"]))
    number = int(str(wish(access, model, "rebuild")["rebuild"]))
    is_ours = all((row.service, row.told["model"], row.number) != (*model, number) for row in before)
    row = wait_for(access, model, number, since=None, tell=lambda each: tell(each.line()))
    account = Account(f"{live.service}.{model[1]} made anew")
    if row is None:
        account.behind = 1
        return account
    account.facts = cast("int", row.told["rows_compared"] or 0)
    if row.differing:
        what = f"{row.differing} of {account.facts} rows are not as the events make them"
        account.add("differing", what, _FIX.format(model=f"{live.service}.{model[1]}"), row.differing)
    if is_ours:
        wish(access, model, "drop", number)
    return account
