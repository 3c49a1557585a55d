"""A customer as the services tell of one: card, stage, totals, tasks and the last events."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rapport_cli.wire import Access, NotFound, Unreachable, get_json

_ASK_SECONDS: Final = 10
_LABEL_WIDTH: Final = 12
_SHOWN: Final = ("channel", "category", "outcome", "total", "amount", "currency", "stage", "purpose", "resolution_code")
"""Members of an event that tell most of it, in this order."""

Json = Mapping[str, Any]


@dataclass(slots=True)
class Found:
    """What was found."""

    card: Json
    stage: Json | None = None
    totals: Json | None = None
    tasks: Json | None = None
    timeline: Json | None = None
    away: list[str] = field(default_factory=list[str])
    """Services that did not answer."""

    def to_json(self) -> Json:
        """Return it as the services said it."""
        return {
            "card": self.card,
            "stage": self.stage,
            "totals": self.totals,
            "tasks": self.tasks,
            "timeline": self.timeline,
            "away": self.away,
        }


def gather(access: Access, customer: str, *, events: int) -> Found:
    """
    Ask each service.

    Args:
        events: How many of the last events.

    Raises:
        NotFound: Contacts does not know the customer.
        Unreachable: Contacts does not answer; without any other the rest is shown.
    """
    path = f"/v1/customers/{customer}"
    found = Found(get_json(access, "contacts", path))

    def ask(service: str, place: str) -> Json | None:
        try:
            return get_json(access, service, place, timeout_seconds=_ASK_SECONDS)
        except (Unreachable, NotFound):
            if service not in found.away:
                found.away.append(service)
            return None

    found.stage = ask("analytics", f"{path}/stage")
    found.totals = ask("analytics", f"{path}/totals")
    found.tasks = ask("workflow", f"/v1/tasks?customer={customer}&state=open")
    found.timeline = ask("interactions", f"{path}/timeline?limit={events}")
    return found


def lines_of(found: Found) -> Iterator[str]:
    """Write it for people."""
    yield from _card(found.card)
    yield from _figures(found)
    yield from _events((found.timeline or {}).get("entries", ()))
    for service in found.away:
        yield f"({service} does not answer; what it would tell is missing)"


def _card(card: Json) -> Iterator[str]:
    yield f"{card.get('name') or 'no name'}   {card['kind']}, known since {_day(card['known_at'])}"
    yield _labelled("id", card["id"])
    for label, values in (("e-mail", card["emails"]), ("phone", card["phones"])):
        if values:
            yield _labelled(label, ", ".join(values))
    for address in card["addresses"]:
        yield _labelled("address", address if isinstance(address, str) else _address(address))
    for consent in card["consents"]:
        yield _labelled("consent", f"{consent['purpose']} by {consent['channel'] or 'any channel'}: {consent['state']}")


def _figures(found: Found) -> Iterator[str]:
    if found.stage:
        yield _labelled("stage", found.stage["current"] or "none yet")
    for total in (found.totals or {}).get("totals", ()):
        bought = f"{total['purchases']:,} purchases, {total['revenue']} {total['currency']}"
        back = f"; {total['refunds']:,} refunds, {total['refunded']} {total['currency']}" if total["refunds"] else ""
        yield _labelled("totals", bought + back)
    for task in (found.tasks or {}).get("tasks", ()):
        yield _labelled("open task", f"{task['title'] or task['kind']}, since {_day(task['created_at'])}")


def _events(entries: Sequence[Json]) -> Iterator[str]:
    if entries:
        yield ""
        yield f"Last {len(entries)} events, the latest recorded first:"
    for entry in entries:
        what = entry["type"].removeprefix("crm.").rpartition(".v")[0]
        yield f"  {_minute(entry['occurred_at'])}  {what:<24} {_told(entry)}".rstrip()


def _labelled(label: str, text: object) -> str:
    return f"  {label:<{_LABEL_WIDTH}} {text}"


def _address(address: Json) -> str:
    place = " ".join(str(address[name]) for name in ("postal_code", "city", "country") if address.get(name))
    return ", ".join([*address.get("lines", ()), place])


def _told(entry: Json) -> str:
    summary = entry["summary"]
    told = " ".join(str(summary[name]) for name in _SHOWN if summary.get(name))
    return f"{told}  {entry['text']!r}" if entry.get("text") else told


def _day(moment: str) -> str:
    return moment[:10]


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
