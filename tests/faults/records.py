"""What a foreign producer can do to a topic: repeat, shuffle, leave out, and send what nobody can read."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from aiokafka import AIOKafkaProducer

from rapport_events.envelope import Recorded, key_of, to_headers, topic_of
from rapport_events.ids import PARTITIONS
from tests.faults.cuts import dismiss
from tests.faults.house import House
from tests.faults.scene import Scene
from tests.system.topics import recorded
from tests.waiting import until

Form = Literal["repeated", "shuffled", "undecodable", "future version", "oversize", "header not UTF-8"]
FORMS: Final[tuple[Form, ...]] = (
    "repeated",
    "shuffled",
    "undecodable",
    "future version",
    "oversize",
    "header not UTF-8",
)
_EVENTS: Final = 60
_PARTITIONS: Final = 6
_OVERSIZE_BYTES: Final = 900_000
_SECONDS: Final = 60
_LEADERS_LOCK: Final = "SELECT pg_try_advisory_lock(7102, 0)"
_NEWEST: Final = "SELECT * FROM events WHERE partition = $1 AND position > $2 ORDER BY position DESC LIMIT $3"
_REACHED: Final = """
    SELECT e.* FROM events AS e, mirror_reach AS m
     WHERE e.partition = $1 AND e.position <= m.reach[$1 + 1] AND m.era = (SELECT era FROM ledger)
     ORDER BY e.position DESC LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class Records:
    """Put records into a topic that its mirror has not sent."""

    form: Form
    service: str

    victims: tuple[str, ...] = field(default=(), init=False)

    @property
    def kind(self) -> str:
        return f"records: {self.form}"

    def __str__(self) -> str:
        return f"{self.form} records in the topic of {self.service}"

    async def inject(self, scene: Scene) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=scene.house.kafka, acks="all", max_request_size=2_000_000)
        await producer.start()
        try:
            for partition in scene.chance.sample(range(PARTITIONS), _PARTITIONS):
                events = await _reached(scene.house, self.service, partition)
                scene.strangers[self.service] += await self._send(producer, partition, events, scene.chance)
        finally:
            await producer.stop()

    async def undo(self, scene: Scene) -> None:
        pass

    async def _send(
        self, producer: AIOKafkaProducer, partition: int, events: Sequence[Recorded], chance: random.Random
    ) -> int:
        """Send events in this form; return how many of them have no number by which they could be known."""
        strangers = 0
        chosen = chance.sample(events, len(events)) if self.form == "shuffled" else events
        for event in chosen:
            topic, headers, value = topic_of(event.source, event.era), list(to_headers(event)), event.data
            match self.form:
                case "repeated" | "shuffled":
                    pass
                case "undecodable":
                    value, headers = b"\x00{" + chance.randbytes(100), chance.choice(([], headers))
                case "future version":
                    later = replace(event, type=event.type.rpartition(".")[0] + ".v9", schema="9.0")
                    headers = list(to_headers(later))
                case "oversize":
                    value, headers = b'"' + b"x" * _OVERSIZE_BYTES + b'"', headers[:3]
                case "header not UTF-8":
                    headers = [(name, b"\xff\xfe" + text) for name, text in headers]
            await producer.send_and_wait(topic, value, key=key_of(event), partition=partition, headers=headers)
            strangers += not _has_number(headers)
            if self.form == "oversize":
                break
        return strangers


def _has_number(headers: Sequence[tuple[str, bytes]]) -> bool:
    return dict(headers).get("ce_position", b"").isdigit()


@dataclass(frozen=True, slots=True)
class Hole:
    """Stand in for a mirror, leave an event out and send the next ones: a topic with a hole."""

    service: str

    kind: str = field(default="records: missing", init=False)
    victims: tuple[str, ...] = field(default=(), init=False)

    def __str__(self) -> str:
        return f"missing records in the topic of {self.service}"

    async def inject(self, scene: Scene) -> None:
        house = scene.house
        rival = await house.connect(self.service)
        try:

            async def leads() -> bool:
                await dismiss(house, self.service)
                return bool(await rival.fetchval(_LEADERS_LOCK))

            await until(leads, seconds=_SECONDS, what="the mirror's lock is ours")
            row = await rival.fetchrow("SELECT heads FROM ledger_state()")
            assert row is not None
            heads: list[int] = row["heads"]
            found: list[Recorded] = []

            async def are_there() -> bool:
                for partition, head in enumerate(heads):
                    events = await _newest(house, self.service, partition, head)
                    if len(events) > 1:
                        found[:] = events[1:]
                        return True
                return False

            await until(are_there, seconds=_SECONDS, what="two facts of a partition that no mirror has sent")
            await _publish(house, found)
        finally:
            rival.terminate()

    async def undo(self, scene: Scene) -> None:
        pass


async def _newest(house: House, service: str, partition: int, after: int) -> list[Recorded]:
    """Return the last events of a partition that come after a position, in order."""
    connection = await house.connect(service)
    try:
        rows = await connection.fetch(_NEWEST, partition, after, _EVENTS)
        era: int = await connection.fetchval("SELECT era FROM ledger")
    finally:
        await connection.close()
    return [recorded(row, service, era) for row in reversed(rows)]


async def _reached(house: House, service: str, partition: int) -> list[Recorded]:
    """Return the last events of a partition that are in the topic, in order."""
    connection = await house.connect(service)
    try:
        rows = await connection.fetch(_REACHED, partition, _EVENTS)
        era: int = await connection.fetchval("SELECT era FROM ledger")
    finally:
        await connection.close()
    return [recorded(row, service, era) for row in reversed(rows)]


async def _publish(house: House, events: Sequence[Recorded]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=house.kafka, acks="all")
    await producer.start()
    try:
        for event in events:
            topic, headers = topic_of(event.source, event.era), to_headers(event)
            await producer.send_and_wait(
                topic, event.data, key=key_of(event), partition=event.partition, headers=headers
            )
    finally:
        await producer.stop()
