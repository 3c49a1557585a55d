"""What answers of the past must be: a plain fold over events, one after another, that shares nothing with the suite."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from rapport_events.contracts.contacts import (
    ConsentGranted,
    ConsentWithdrawn,
    CustomerCreated,
    CustomerIdentityLinked,
    CustomerIdentityUnlinked,
    CustomerMerged,
    CustomerProfileChanged,
    CustomerUnmerged,
)
from rapport_events.contracts.interactions import CustomerPurchased, PurchaseRefunded
from tests.past.world import Happened

Json = dict[str, Any]


class Oracle:
    """Answers for one moment; None stands for no limit."""

    def __init__(self, happened: Sequence[Happened], as_of: datetime | None, known_at: datetime | None) -> None:
        known = [each for each in happened if known_at is None or each.record.recorded_at <= known_at]
        known.sort(key=_recorded)
        self.at = as_of or known_at or known[-1].record.recorded_at
        """When what runs out is judged."""
        self.known = known
        """In the order of record."""
        self.facts = [each for each in known if as_of is None or each.record.occurred_at <= as_of]
        """In the order that counts."""
        self.holder: dict[UUID, UUID] = {}
        self.choices: dict[UUID, dict[str, str]] = {}
        self._join()
        if as_of is not None:
            self.facts.sort(key=lambda each: (each.record.occurred_at, _recorded(each)))

    def party(self, customer: UUID) -> list[UUID]:
        """Return the ids of a party, the root first."""
        root = _root(customer, self.holder)
        return self._ranked(root, "", {})

    def card(self, customer: UUID) -> Json | None:
        """Return what the card must say; None where nobody is known."""
        root = _root(customer, self.holder)
        ids = self.party(customer)
        profiles = {each: profile for each in ids if (profile := self._profile(each))}
        if not profiles:
            return None

        def values(field: str) -> list[Any]:
            ranked = self._ranked(root, field, self.choices)
            return [profiles[each][field] for each in ranked if field in profiles.get(each, {})]

        attributes: Json = {}
        for each in reversed(ids):
            attributes |= profiles.get(each, {}).get("attributes", {})
        return {
            "id": str(root),
            "ids": sorted(map(str, ids)),
            "kind": values("kind")[0],
            "source": values("source")[0],
            "known_at": min(values("known_at")),
            "name": next(iter(values("names")), None),
            "emails": _each_once(values("emails")),
            "phones": _each_once(values("phones")),
            "attributes": attributes,
            "identities": self._identities(ids),
            "consents": self._consents(ids),
        }

    def totals(self, customer: UUID) -> dict[str, tuple[int, Decimal, int, Decimal]]:
        """Return count and sum of purchases, and of refunds, by currency."""
        found: dict[str, tuple[int, Decimal, int, Decimal]] = {}
        for each in self._about(self.party(customer)):
            match each.event:
                case CustomerPurchased(total=amount, currency=currency):
                    bought, revenue, back, refunded = found.get(currency, (0, Decimal(0), 0, Decimal(0)))
                    found[currency] = (bought + 1, revenue + amount, back, refunded)
                case PurchaseRefunded(amount=amount, currency=currency):
                    bought, revenue, back, refunded = found.get(currency, (0, Decimal(0), 0, Decimal(0)))
                    found[currency] = (bought, revenue, back + 1, refunded + amount)
                case _:
                    pass
        return found

    def timeline(self, customer: UUID) -> list[str]:
        """Return the ids of all events, the latest happening first."""
        told = sorted(self._about(self.party(customer)), key=lambda each: (each.record.occurred_at, _recorded(each)))
        return [str(each.record.event_id) for each in reversed(told)]

    def _join(self) -> None:
        """Note of each joined id to whom it is joined, and whose values show: that follows what was known alone."""
        for each in self.known:
            match each.event:
                case CustomerIdentityLinked(linked_id=other):
                    self.holder[other] = UUID(each.record.subject)
                case CustomerIdentityUnlinked(linked_id=other):
                    if self.holder.get(other) == UUID(each.record.subject):
                        del self.holder[other]
                case CustomerMerged(customer_id=customer, survivor_id=survivor, field_choices=chosen):
                    self.holder[customer] = survivor
                    self.choices[customer] = {choice.field: choice.keep for choice in chosen}
                case CustomerUnmerged(customer_id=customer, survivor_id=survivor):
                    del self.choices[customer]
                    if self.holder.get(customer) == survivor:
                        del self.holder[customer]
                case _:
                    pass

    def _ranked(self, member: UUID, field: str, choices: dict[UUID, dict[str, str]]) -> list[UUID]:
        """Return the ids below and with a member whose values of a field show, the first one first."""
        found = [member]
        for child in sorted(each for each, holder in self.holder.items() if holder == member):
            below = self._ranked(child, field, choices)
            match choices.get(child, {}).get(field), field in {"emails", "phones"}:
                case "merged", True:
                    found = below
                case "survivor", True:
                    pass
                case "merged", False:
                    found = below + found
                case _:
                    found = found + below
        return found

    def _about(self, ids: Sequence[UUID]) -> list[Happened]:
        wanted = set(map(str, ids))
        return [each for each in self.facts if each.record.subject in wanted]

    def _profile(self, customer: UUID) -> Json | None:
        profile: Json = {"attributes": {}}
        for each in self._about([customer]):
            match each.event:
                case CustomerCreated() as event:
                    profile |= {"kind": event.kind, "source": event.source, "known_at": each.record.occurred_at}
                    profile["attributes"] |= event.attributes
                    for name in ("names", "emails", "phones"):
                        if (value := getattr(event.pii, name)) is not None:
                            profile[name] = value
                case CustomerProfileChanged() as event:
                    for change in event.changes:
                        if change.field.startswith("attributes."):
                            profile["attributes"][change.field[11:]] = change.new
                        else:
                            profile[change.field] = getattr(event.pii and event.pii.new, change.field, None)
                case _:
                    pass
        if "kind" not in profile:
            return None
        profile["attributes"] = {name: value for name, value in profile["attributes"].items() if value is not None}
        if profile.get("names") is not None:
            profile["names"] = profile["names"].display
        return {name: value for name, value in profile.items() if value is not None}

    def _identities(self, ids: Sequence[UUID]) -> list[tuple[str, str, str]]:
        linked: dict[tuple[str, UUID], tuple[str, str, str]] = {}
        for each in self._about(ids):
            match each.event:
                case CustomerIdentityLinked(linked_id=other, pii=pii) if pii is not None:
                    linked[each.record.subject, other] = (str(other), str(pii.value), _text(each.record.occurred_at))
                case CustomerIdentityUnlinked(linked_id=other):
                    linked.pop((each.record.subject, other), None)
                case _:
                    pass
        return sorted(linked.values())

    def _consents(self, ids: Sequence[UUID]) -> set[tuple[str, str, str | None, str]]:
        """Return the events that decide on some purpose and channel, and what they mean at the moment."""
        wanted = set(map(str, ids))
        found: set[tuple[str, str, str | None, str]] = set()
        words = [each for each in self.known if isinstance(each.event, ConsentGranted | ConsentWithdrawn)]
        words = [each for each in words if each.record.subject in wanted and each.record.occurred_at <= self.at]
        words.sort(key=lambda each: (each.record.occurred_at, isinstance(each.event, ConsentWithdrawn)))
        for purpose, channel in {_about(each) for each in words}:
            said = [each for each in words if _about(each) in {(purpose, channel), (purpose, None)}]
            last = said[-1]
            until = last.event.valid_until if isinstance(last.event, ConsentGranted) else None
            state = "withdrawn" if isinstance(last.event, ConsentWithdrawn) else "granted"
            found.add((str(last.record.event_id), *_about(last), "expired" if until and until <= self.at else state))
        return found


def _recorded(each: Happened) -> tuple[datetime, str, int, int]:
    """Return the place in the one order of the whole suite."""
    return (each.record.recorded_at, each.record.source, each.record.partition, each.record.position)


def _about(word: Happened) -> tuple[str, str | None]:
    """Return purpose and channel."""
    assert isinstance(word.event, ConsentGranted | ConsentWithdrawn)
    return (word.event.purpose, word.event.channel)


def _root(customer: UUID, holder: dict[UUID, UUID]) -> UUID:
    while customer in holder:
        customer = holder[customer]
    return customer


def _each_once(lists: Any) -> list[str]:  # noqa: ANN401  # an iterable of tuples
    return list(dict.fromkeys(value for values in lists for value in values))


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
