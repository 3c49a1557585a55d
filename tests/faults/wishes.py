"""What callers wish: commands of all services about people whom the caller knows, drawn by a seeded chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.system.client import Json
from tests.system.story import NOON

SYSTEM: Final = "shop"
PURPOSES: Final = ("marketing", "research", "partners")
CHANNELS: Final = ("email", "phone", "web")


@dataclass(slots=True)
class Person:
    """A customer as far as one caller knows them."""

    external_id: str
    id: str = ""
    etag: str = ""
    """Of the answer that came last; what is changed against it may be stale."""
    cases: list[str] = field(default_factory=list[str])
    tasks: list[str] = field(default_factory=list[str])
    bought: int = 0
    """Purchases that were acknowledged."""
    position: str = ""
    """A read after this one shows them."""

    @property
    def ref(self) -> Json:
        """The name under which a command speaks of them."""
        return {"system": SYSTEM, "external_id": self.external_id}


@dataclass(frozen=True, slots=True)
class Wish:
    """One command."""

    service: str
    name: str
    """As a batch knows it."""
    path: str
    body: Json
    person: Person
    if_match: str = ""


def create(person: Person, chance: Random) -> Wish:
    """Let somebody become known."""
    name = f"{chance.choice(('Ann', 'Bob', 'Cleo'))} {person.external_id}"
    said = {"customer": person.ref, "source": SYSTEM, "pii": {"name": name, "phones": ["+43 1 234567"]}}
    return Wish("contacts", "create_customer", "/v1/customers", {"at": NOON, **said}, person)


def edit(person: Person, chance: Random) -> Wish:
    """Change a profile against the version that was seen last."""
    attributes = {"score": chance.randrange(1_000_000)}
    path = f"/v1/customers/{person.id}/change_profile"
    return Wish("contacts", "change_profile", path, {"at": NOON, "attributes": attributes}, person, person.etag)


def consent(person: Person, chance: Random) -> Wish:
    """Agree to something, or think better of it."""
    verb, more = chance.choice((("grant_consent", {"wording_version": "1"}), ("withdraw_consent", {})))
    said = {"at": NOON, "purpose": chance.choice(PURPOSES), **more}
    return Wish("contacts", verb, f"/v1/customers/{person.id}/{verb}", said, person)


def buy(person: Person, order: str, chance: Random) -> Wish:
    """Buy something; the order has a name outside."""
    sale = {"customer": person.ref, "external": {"system": SYSTEM, "id": order}, "currency": "EUR"}
    total = f"{chance.randrange(10_000)}.{chance.randrange(100):02}"
    said = {"at": NOON, **sale, "total": total, "channel": "web"}
    return Wish("interactions", "record_purchase", "/v1/purchases", said, person)


def talk(person: Person, order: str, chance: Random) -> Wish:
    """Be in touch."""
    said = {"customer": person.ref, "channel": chance.choice(CHANNELS), "direction": "inbound", "outcome": "success"}
    body = {"at": NOON, **said, "pii": {"body": f"About {order}."}}
    return Wish("interactions", "record_contact", "/v1/contacts", body, person)


def complain(person: Person, order: str, _chance: Random) -> Wish:
    """Say that something is wrong: a case begins, and workflow asks somebody to answer."""
    said = {"customer": person.ref, "external": {"system": SYSTEM, "id": f"complaint {order}"}, "category": "delivery"}
    body = {"at": NOON, **said, "channel": "email", "pii": {"text": "Where is it?"}}
    return Wish("interactions", "file_complaint", "/v1/complaints", body, person)


def settle_case(person: Person) -> Wish:
    """Resolve the oldest open case."""
    case = person.cases.pop(0)
    return Wish("interactions", "resolve_case", f"/v1/cases/{case}/resolve", {"resolution_code": "sent"}, person)


def ask_for(person: Person, _chance: Random) -> Wish:
    """Have somebody do something."""
    said = {"customer": {"id": person.id}, "kind": "call"}
    return Wish("workflow", "create_task", "/v1/tasks", {"at": NOON, **said}, person)


def finish(person: Person) -> Wish:
    """Complete the oldest task."""
    task = person.tasks.pop(0)
    return Wish("workflow", "complete_task", f"/v1/tasks/{task}/complete", {"outcome": "reached"}, person)


def line(wish: Wish, key: str) -> Mapping[str, object]:
    """Write a command as a batch takes it."""
    return {"command": wish.name, "key": key, "body": wish.body}


def draw(people: Sequence[Person], order: str, chance: Random) -> Wish:
    """Draw what is wished next; whoever is not known yet becomes so first."""
    person = chance.choice(people)
    if not person.id:
        return create(person, chance)
    choices = [edit, consent, ask_for]
    named = [buy, buy, talk, complain]
    pick = chance.randrange(len(choices) + len(named) + 2)
    if pick < len(choices):
        return choices[pick](person, chance)
    if pick < len(choices) + len(named):
        return named[pick - len(choices)](person, order, chance)
    if person.cases:
        return settle_case(person)
    return finish(person) if person.tasks else buy(person, order, chance)
