"""What becomes of a command, and how a repeat is told what the first one was told."""

from collections.abc import Mapping, Sequence

import msgspec

from rapport_events.envelope import Recorded
from rapport_events.errors import KeyReusedForOtherBody, Refusal
from rapport_events.ids import EventId, TenantId
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


async def as_before(ledger: Ledger, results: Sequence[tuple[TenantId, Result]]) -> list[Result]:
    """Complete the answers to repeats, so that each equals the first one."""
    answers = [result for _, result in results]
    repeats: dict[TenantId, dict[int, Done]] = {}
    for index, (tenant, result) in enumerate(results):
        if isinstance(result, Done) and result.repeated:
            repeats.setdefault(tenant, {})[index] = result
    for tenant, group in repeats.items():
        for index, told in zip(group, await _told_before(ledger, tenant, [*group.values()]), strict=True):
            answers[index] = told
    return answers


async def _told_before(ledger: Ledger, tenant: TenantId, repeats: Sequence[Done]) -> list[Done]:
    """Read what was recorded the first time: by the place of its last event, or by the name of the fact's stream."""
    places = {(place.partition, place.position) for done in repeats for place in done.places[-1:]}
    at = await ledger.read_at(tenant, sorted(places)) if places else {}
    streams = {event.stream for event in at.values()} | {done.stream for done in repeats if not done.places}
    histories = await ledger.read_streams(tenant, sorted(streams))
    return [_complete(done, at, histories) for done in repeats]


def _complete(done: Done, at: Mapping[tuple[int, int], Recorded], histories: Mapping[str, Sequence[Recorded]]) -> Done:
    if done.places:
        place = done.places[-1]
        first = at.get((place.partition, place.position))
    else:
        first = next((event for event in histories[done.stream] if event.event_id == done.event_ids[0]), None)
    if first is None:
        return done
    key = first.meta.command_key
    return _told_again([event for event in histories[first.stream] if key and event.meta.command_key == key] or [first])


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
