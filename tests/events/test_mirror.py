"""The mirror copies a ledger to its topic, in order."""

import pytest

from rapport_events.mirror import Mirror, MirrorSettings
from tests.events.mirroring import Place, line, running, until_reached
from tests.events.servers import ServiceDatabase


@pytest.fixture
def place(service: ServiceDatabase, kafka: str, topic_prefix: str) -> Place:
    settings = MirrorSettings(service="events", keeper=service.keeper, bootstrap=kafka, prefix=topic_prefix)
    return Place(service, settings)


async def test_a_ledger_is_copied_to_the_partitions_of_the_same_number(place: Place) -> None:
    await place.put(0, 1, 3)
    await place.put(31, 1, 2500)
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_reached(mirror, 31, 2500)
        await until_reached(mirror, 0, 3)
        await place.put(5, 1, 1)
        await until_reached(mirror, 5, 1)
    assert await place.records(0) == line(0, 1, 3)
    assert await place.records(31) == line(31, 1, 2500)
    assert await place.records(5) == line(5, 1, 1)
