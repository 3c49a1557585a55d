"""Callers who log what they wish and what they were told, and who ask again until they know."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

import httpx
import orjson

from rapport_cli.verifying.history import History, Look
from tests.faults import wishes
from tests.faults.wishes import Person, Wish
from tests.system.client import NDJSON, OK, POSITION, Client, Json

_TRIES_MAX: Final = 600
_PAUSE_SECONDS: Final = 0.25
_GIVEN_UP: Final = 0.02
"""The share of unknown outcomes that a caller does not ask about again."""
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_STALE: Final = 412
_BATCH_MIN: Final = 10


@dataclass(slots=True)
class Counts:
    """What all callers together have done."""

    commands: int = 0
    ok: int = 0
    failed: int = 0
    unknown: int = 0
    """Left unknown for good."""
    asked_again: int = 0
    """Answers that did not come, or said that something is away."""
    reads: int = 0
    stale: list[str] = field(default_factory=list[str])
    """Reads after a position that did not show what was acknowledged there."""
    surprises: list[str] = field(default_factory=list[str])
    """Answers that nobody expected."""


@dataclass(slots=True)
class Caller:
    """One client of one tenant: wishes, reads, and remembers what it was told."""

    name: str
    tenant: str
    """Keys begin with it."""
    client: Client
    history: History
    counts: Counts
    chance: Random
    people: Sequence[Person]
    """Its own, whom nobody else speaks of."""
    shared: Sequence[Person]
    """Those whom all callers of the tenant edit, each as they know them."""
    batch_max: int = 100
    """How many commands it sends together at most."""
    _number: int = 0

    async def turn(self) -> int:
        """Do one thing: a command, a batch of them, or a read; returns how many commands it was."""
        pick = self.chance.random()
        if pick < 0.1:
            return await self._import()
        if pick < 0.2:
            await self._look()
            return 0
        everybody = self.shared if self.chance.random() < 0.1 else self.people
        await self._wish(wishes.draw(everybody, self._order(), self.chance))
        return 1

    def _order(self) -> str:
        self._number += 1
        return f"{self.name}-{self._number}"

    async def _wish(self, wish: Wish) -> None:
        key = f"{self.tenant}.{self._order()}"
        self.counts.commands += 1
        self.history.invoke(key)
        headers = {"idempotency-key": key, **({"if-match": wish.if_match} if wish.if_match else {})}
        answer = await self._ask(lambda: self.client.post(wish.service, wish.path, wish.body, **headers))
        if answer is None:
            self.counts.unknown += 1
            return
        body: Json = answer.json()
        if answer.status_code in {200, 201}:
            self._granted(key, wish, body, answer.headers.get(POSITION, ""))
            wish.person.etag = answer.headers["etag"] if wish.service == "contacts" else wish.person.etag
            return
        self._refused(key, wish, answer.status_code, str(body.get("code")))

    def _granted(self, key: str, wish: Wish, told: Json, position: str) -> None:
        self.counts.ok += 1
        self.history.end(key, "ok", told["event_ids"])
        person = wish.person
        match wish.name:
            case "create_customer":
                person.id = told["id"]
            case "record_purchase":
                person.bought += 1
                person.position = position or person.position
            case "file_complaint":
                person.cases.append(told["id"])
            case "create_task":
                person.tasks.append(told["id"])
            case _:
                pass

    def _refused(self, key: str, wish: Wish, status: int, code: str) -> None:
        self.counts.failed += 1
        self.history.end(key, "failed")
        if status == _STALE:
            wish.person.etag = ""
        elif len(self.counts.surprises) < 20:
            self.counts.surprises.append(f"{wish.name}: {status} {code}")

    async def _import(self) -> int:
        """Send many purchases at a time; returns how many."""
        known = [person for person in self.people if person.id]
        if not known:
            return 0
        bought = [
            wishes.buy(self.chance.choice(known), self._order(), self.chance)
            for _ in range(self.chance.randint(_BATCH_MIN, self.batch_max))
        ]
        keys = [f"{self.tenant}.{wish.body['external']['id']}" for wish in bought]
        self.counts.commands += len(keys)
        for key in keys:
            self.history.invoke(key)
        lines = [wishes.line(wish, key) for wish, key in zip(bought, keys, strict=True)]
        body = b"\n".join(orjson.dumps(each) for each in lines)
        answer = await self._ask(lambda: self.client.send("interactions", "/v1/commands:batch", body, NDJSON))
        if answer is None:
            self.counts.unknown += len(keys)
            return len(keys)
        assert answer.status_code == OK, f"a batch: {answer.status_code} {answer.text}"
        position = answer.headers.get(POSITION, "")
        for key, wish, text in zip(keys, bought, answer.content.splitlines(), strict=True):
            told: Json = orjson.loads(text)
            if told["status"] in {200, 201}:
                self._granted(key, wish, told, position)
            else:
                self._refused(key, wish, told["status"], str(told["problem"].get("code")))
        return len(keys)

    async def _look(self) -> None:
        """Read what somebody has bought, from another service than the one that was told, after the last purchase."""
        person = self.chance.choice(self.people)
        if not person.position:
            return
        bought, position = person.bought, person.position
        after = {"after": position} if self.chance.random() < 0.5 else {}
        try:
            answer = await self.client.get("analytics", f"/v1/customers/{person.id}/totals", **after)
        except httpx.TransportError:
            return
        if answer.status_code != OK:
            return
        seen = sum(total["purchases"] for total in answer.json()["totals"])
        self.counts.reads += 1
        self.history.look(Look(self.name, "totals", person.id, seen))
        if after and seen < bought:
            self.counts.stale.append(f"{self.name}: {seen} purchases of {person.id} after {bought} were acknowledged")

    async def _ask(self, send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response | None:
        """Send until there is an answer that says what became of it; None where this caller gives up."""
        for _ in range(_TRIES_MAX):
            try:
                answer = await send()
                if answer.status_code not in _PASSING:
                    return answer
            except httpx.TransportError:
                pass
            self.counts.asked_again += 1
            if self.chance.random() < _GIVEN_UP:
                return None
            await asyncio.sleep(_PAUSE_SECONDS)
        self.counts.surprises.append(f"{self.name}: no answer after {_TRIES_MAX} tries")
        return None
