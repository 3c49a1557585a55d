"""Events that readers have set aside, as the services tell of them."""

from collections.abc import Mapping
from typing import cast

from rapport_cli.asking import Misnamed
from rapport_cli.wire import PORTS, Access, get_json

Told = Mapping[str, object]
_MINUTE = 60


def list_parked(access: Access, services: tuple[str, ...] = ()) -> list[dict[str, object]]:
    """Ask the services for all that is set aside, the oldest first in each."""
    found: list[dict[str, object]] = []
    for service in services or tuple(PORTS):
        told = cast("list[dict[str, object]]", get_json(access, service, "/v1/parked")["parked"])
        found += [{"service": service, **each} for each in told]
    return found


def holders_of(access: Access, event: str) -> list[str]:
    """
    Name the services that have set an event aside.

    Raises:
        Misnamed: None has.
    """
    holders = sorted({str(each["service"]) for each in list_parked(access) if each["event_id"] == event})
    if not holders:
        raise Misnamed(f"no service has set {event!r} aside; `rapport parked ls` tells what is")
    return holders


def show_parked(access: Access, service: str, event: str) -> dict[str, object]:
    """Ask a service for an event as it came."""
    return {"service": service, **get_json(access, service, f"/v1/parked/{event}")}


def line_of(told: Told) -> str:
    """Say in one line what is set aside, and why."""
    age = cast("float", told["age_seconds"])
    since = f"{age:.0f} s" if age < _MINUTE else f"{age / _MINUTE:,.0f} min"
    tries, behind = told["tries"], told["behind"]
    readers = ", ".join(cast("list[str]", told["readers"]))
    return (
        f"{told['event_id']}  {told['service']}: {readers}  {told['type']}  {told['cause']}  "
        f"tried {tries}x, {behind} behind it, for {since}"
    )


def lines_of(told: Told) -> list[str]:
    """Show an event: what is set aside, its envelope, its data."""
    event = {"service": told["service"], **cast("dict[str, object]", told["event"])}
    headers = [f"  {name}: {value}" for name, value in cast("dict[str, str]", told["headers"]).items()]
    decided = [f"  {told['decision']} decided by {told['actor']}: {told['reason']}"] if told["decision"] else []
    return [line_of(event), *decided, *headers, f"  {told['value']}"]
