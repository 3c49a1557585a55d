"""What becomes of a command, and how a repeat is told what the first one was told."""

from collections.abc import Sequence

import msgspec

from rapport_events.envelope import Recorded
from rapport_events.errors import KeyReusedForOtherBody, Refusal
from rapport_events.ids import EventId, TenantId, partition_of_stream
from rapport_events.ledger import CommandKey, Ledger, Place


class Done(msgspec.Struct, frozen=True, gc=False):
    """The wish is granted: what was recorded and where, or that it was no news."""

    stream: str
    version: int
    places: tuple[Place, ...] = ()
    event_ids: tuple[EventId, ...] = ()
    repeated: bool = False
    """An earlier request with this key, or this fact's outside name, recorded it."""

    @property
    def id(self) -> str:
        """The id of the thing: the UUID in the stream's name, or the tenant."""
        return self.stream.removeprefix("tenant-") if self.stream.startswith("tenant-") else self.stream[-36:]


Result = Done | Refusal


async def as_before(ledger: Ledger, result: Result, tenant: TenantId) -> Result:
    """Complete the answer to a repeat, so that it equals the first one."""
    if not isinstance(result, Done) or not result.repeated:
        return result
    if result.places:
        place = result.places[-1]
        first = await ledger.read_at(tenant, place.partition, place.position)
    else:
        partition = partition_of_stream(tenant, result.stream)
        first = await ledger.read_event(tenant, result.event_ids[0], partition)
    if first is None:
        return result
    stream = (await ledger.read_streams(tenant, [first.stream]))[first.stream]
    key = first.meta.command_key
    return _told_again([event for event in stream if key and event.meta.command_key == key] or [first])


def first_answer(history: Sequence[Recorded], key: CommandKey | None) -> Done | None:
    """
    Return the answer that a stream holds for a key; then nothing is decided again, for much may have changed since.

    Raises:
        KeyReusedForOtherBody: The key was used with another body.
    """
    if key is None:
        return None
    digest = key.digest.hex()
    events = [event for event in history if event.meta.command_key and event.meta.command_key.startswith(digest)]
    if not events:
        return None
    if events[0].meta.command_key != f"{digest}.{key.fingerprint.hex()}":
        raise KeyReusedForOtherBody
    return _told_again(events)


def _told_again(events: Sequence[Recorded]) -> Done:
    last = events[-1]
    place = Place(last.partition, last.position, last.version)
    return Done(last.stream, last.version, (place,), tuple(event.event_id for event in events), repeated=True)
