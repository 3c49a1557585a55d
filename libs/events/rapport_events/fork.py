"""How far two topics of a ledger hold the same events: those of an era, and those of a later one."""

from collections.abc import Mapping

from rapport_events.scanner import Record, Scanner, scanning


async def find_fork(bootstrap: str, topics: tuple[str, str], reached: Mapping[int, int]) -> dict[int, int]:
    """
    Compare the events of two topics one by one, in order.

    Args:
        bootstrap: The broker.
        topics: Both have 32 partitions; what one of them lacks counts as different.
        reached: By partition, up to which position it matters.

    Returns:
        By partition the last position up to which both hold the same, at most the one asked for.

    Raises:
        KafkaError: The broker is away or refused.
    """
    async with scanning(bootstrap, topics[0]) as one, scanning(bootstrap, topics[1]) as other:
        return {partition: await _same(one, other, partition, end) for partition, end in reached.items()}


async def _same(one: Scanner, other: Scanner, partition: int, end: int) -> int:
    if end == 0:
        return 0
    first, second = await _ids(one, partition, end), await _ids(other, partition, end)
    pairs = enumerate(zip(first, second, strict=False))
    return next((same for same, (left, right) in pairs if left != right), min(len(first), len(second)))


async def _ids(scanner: Scanner, partition: int, end: int) -> list[bytes]:
    """Read the ids of the first events, as a reader gets them that takes exactly the next number."""
    ids: list[bytes] = []
    async for pages in scanner.scan(await scanner.begin([partition]), _number_and_id):
        for position, event_id in pages[partition].records:
            if position == len(ids) + 1 <= end:
                ids.append(event_id)
        if len(ids) == end:
            break
    return ids


def _number_and_id(_partition: int, record: Record) -> tuple[int, bytes]:
    headers = dict(record.headers)
    try:
        return int(headers["ce_position"] or b""), headers.get("ce_id") or b""
    except (KeyError, ValueError):
        return 0, b""
