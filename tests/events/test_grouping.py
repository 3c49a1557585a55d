"""Concurrent callers share groups, within limits, and each gets its own answers."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from rapport_events.grouping import BESIDE_MIN, BYTES_MAX, EVENTS_MAX, Answer, Grouper
from rapport_events.ledger import Append, Appended, Outcome, Place
from rapport_events.packing import Request
from tests.events.appends import TENANT, beginning, request
from tests.waiting import until


class Road:
    """Carries groups; each waits until it is let through."""

    def __init__(self) -> None:
        self.groups: list[Sequence[Request]] = []
        self.gate = asyncio.Semaphore(0)
        self.failure: Exception | None = None

    async def send(self, requests: Sequence[Request]) -> list[Answer]:
        self.groups.append(requests)
        await self.gate.acquire()
        if self.failure is not None:
            raise self.failure
        return [_answer(append) for _, append in requests]

    async def has(self, count: int) -> None:
        await until(lambda: len(self.groups) == count, seconds=5, what=f"{count} groups are on their way")


def _answer(append: Append) -> Outcome:
    """Answer with something that only this request has."""
    stream = append.streams[0]
    return Appended((Place(stream.partition, len(stream.events), stream.expected),))


def _requests(count: int, *, events: int = 1) -> list[Request]:
    return [(TENANT, request(beginning(number % 32, count=events))) for number in range(count)]


@asynccontextmanager
async def running(*roads: Road) -> AsyncGenerator[tuple[Grouper, asyncio.TaskGroup]]:
    grouper = Grouper([road.send for road in roads])
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(grouper.run())
        yield grouper, tasks
        await grouper.stop()


async def test_what_arrives_while_a_group_is_away_is_the_next_group() -> None:
    road, calls = Road(), [_requests(count) for count in (1, 3, 2, 4)]
    async with running(road) as (grouper, tasks):
        answers = [tasks.create_task(grouper.append(calls[0]))]
        await road.has(1)
        answers += [tasks.create_task(grouper.append(call)) for call in calls[1:]]
        road.gate.release()
        await road.has(2)
        road.gate.release()

    assert [len(group) for group in road.groups] == [1, 9]
    assert [task.result() for task in answers] == [[_answer(append) for _, append in call] for call in calls]


async def test_a_group_holds_a_limited_number_of_events() -> None:
    road = Road()
    async with running(road) as (grouper, tasks):
        answers = [tasks.create_task(grouper.append(_requests(3, events=EVENTS_MAX // 5))) for _ in range(4)]
        for _ in range(4):
            road.gate.release()
        await asyncio.gather(*answers)

    assert [len(group) for group in road.groups] == [3, 3, 3, 3]
    assert [len(task.result()) for task in answers] == [3, 3, 3, 3]


async def test_a_call_larger_than_a_group_is_split_and_answered_as_one() -> None:
    road, large = Road(), _requests(7, events=EVENTS_MAX // 2)
    async with running(road) as (grouper, tasks):
        answer = tasks.create_task(grouper.append(large))
        for _ in range(4):
            road.gate.release()
        await answer

    assert [len(group) for group in road.groups] == [2, 2, 2, 1]
    assert [request for group in road.groups for request in group] == large
    assert answer.result() == [_answer(append) for _, append in large]


async def test_a_group_holds_a_limited_number_of_bytes() -> None:
    road, stream = Road(), beginning()
    heavy = request(replace(stream, events=(replace(stream.events[0], data=bytes(BYTES_MAX // 2)),)))
    async with running(road) as (grouper, _):
        road.gate.release()
        road.gate.release()
        await grouper.append([(TENANT, heavy)] * 3)

    assert [len(group) for group in road.groups] == [2, 1]


async def test_a_caller_who_goes_away_disturbs_nobody() -> None:
    road, calls = Road(), [_requests(1), _requests(2)]
    async with running(road) as (grouper, tasks):
        leaving, staying = (tasks.create_task(grouper.append(call)) for call in calls)
        await road.has(1)
        leaving.cancel()
        road.gate.release()

    assert leaving.cancelled()
    assert len(staying.result()) == 2


async def test_a_failure_reaches_all_who_wait_and_the_next_group_is_sent() -> None:
    road = Road()
    async with running(road) as (grouper, _):
        road.failure = ConnectionError()
        road.gate.release()
        first = await asyncio.gather(*(grouper.append(_requests(1)) for _ in range(3)), return_exceptions=True)
        road.failure = None
        road.gate.release()
        second = await grouper.append(_requests(1))

    assert [type(answer) for answer in first] == [ConnectionError] * 3
    assert len(second) == 1


async def test_one_failed_request_fails_its_call_alone() -> None:
    async def send(requests: Sequence[Request]) -> list[Answer]:
        return [ValueError("broken") if append.streams[0].partition == 7 else _answer(append) for _, append in requests]

    grouper = Grouper([send])
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(grouper.run())
        good, bad = _requests(3), [(TENANT, request(beginning(number))) for number in (6, 7, 8)]
        neighbour = tasks.create_task(grouper.append(good))
        with pytest.raises(ValueError, match="broken"):
            await grouper.append(bad)
        await grouper.stop()

    assert neighbour.result() == [_answer(append) for _, append in good]


async def test_stopping_answers_those_in_line() -> None:
    road = Road()
    async with running(road) as (grouper, tasks):
        first = tasks.create_task(grouper.append(_requests(1)))
        await road.has(1)
        second = tasks.create_task(grouper.append(_requests(2)))
        stopping = tasks.create_task(grouper.stop())
        await until(stopping.done, seconds=5, what="stop is in line")
        road.gate.release()
        road.gate.release()
        await asyncio.gather(first, second)

    assert [len(group) for group in road.groups] == [1, 2]


async def test_who_waits_for_a_cancelled_ledger_is_cancelled_too() -> None:
    road = Road()
    grouper = Grouper([road.send])
    running = asyncio.create_task(grouper.run())
    away = asyncio.create_task(grouper.append(_requests(1)))
    await road.has(1)
    in_line = asyncio.create_task(grouper.append(_requests(1)))
    await asyncio.sleep(0)

    running.cancel()

    answers = await asyncio.wait_for(asyncio.gather(running, away, in_line, return_exceptions=True), 5)
    assert [type(answer) for answer in answers] == [asyncio.CancelledError] * 3


async def test_who_waits_too_long_hears_of_it_and_the_others_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    road = Road()
    async with running(road) as (grouper, tasks):
        monkeypatch.setattr("rapport_events.grouping.SECONDS_MAX", 0.05)
        late = [tasks.create_task(_told(grouper, _requests(count))) for count in (1, 3)]
        await until(lambda: all(task.done() for task in late), seconds=5, what="both have given up")
        monkeypatch.setattr("rapport_events.grouping.SECONDS_MAX", 5)
        served = tasks.create_task(_told(grouper, _requests(2)))
        for _ in range(3):
            road.gate.release()
        told = [await task for task in (*late, served)]

    assert told == ["TimeoutError", "TimeoutError", "2 answers"]


async def _told(grouper: Grouper, requests: Sequence[Request]) -> str:
    try:
        return f"{len(await grouper.append(requests))} answers"
    except TimeoutError as error:
        return type(error).__name__


async def test_two_groups_as_large_as_one_another_are_on_their_way_at_once() -> None:
    roads = Road(), Road()
    async with running(*roads) as (grouper, tasks):
        answers = [tasks.create_task(grouper.append(_requests(1))) for _ in range(4 * BESIDE_MIN)]
        for road in roads:
            await road.has(1)
            road.gate.release()
        await asyncio.gather(*answers)

    assert [len(group) for road in roads for group in road.groups] == [2 * BESIDE_MIN] * 2


async def test_a_few_wait_for_the_group_that_is_away() -> None:
    roads = Road(), Road()
    async with running(*roads) as (grouper, tasks):
        answers = [tasks.create_task(grouper.append(_requests(BESIDE_MIN + 2)))]
        await until(lambda: any(road.groups for road in roads), seconds=5, what="a group is away")
        answers += [tasks.create_task(grouper.append(_requests(1))) for _ in range(BESIDE_MIN + 1)]
        await asyncio.sleep(0)
        for road in roads:
            road.gate.release()
            road.gate.release()
        await asyncio.gather(*answers)

    assert sorted(len(group) for road in roads for group in road.groups) == [BESIDE_MIN + 1, BESIDE_MIN + 2]


async def test_as_many_as_are_away_need_not_wait_for_them() -> None:
    roads = Road(), Road()
    async with running(*roads) as (grouper, tasks):
        answers = [tasks.create_task(grouper.append(_requests(BESIDE_MIN)))]
        await until(lambda: any(road.groups for road in roads), seconds=5, what="a group is away")
        answers += [tasks.create_task(grouper.append(_requests(1))) for _ in range(BESIDE_MIN)]
        for road in roads:
            await road.has(1)
            road.gate.release()
        await asyncio.gather(*answers)

    assert [len(group) for road in roads for group in road.groups] == [BESIDE_MIN] * 2


async def test_the_parts_of_a_large_call_stay_in_order_where_two_groups_could_go() -> None:
    roads, large = (Road(), Road()), _requests(3, events=EVENTS_MAX)
    async with running(*roads) as (grouper, tasks):
        answer = tasks.create_task(grouper.append(large))
        for count in (1, 2, 3):
            await until(
                lambda: sum(len(road.groups) for road in roads) == count,  # noqa: B023 - awaited in its own turn
                seconds=5,
                what="a part is away",
            )
            await asyncio.sleep(0)
            assert sum(len(road.groups) for road in roads) == count
            for road in roads:
                if road.groups and road.gate.locked():
                    road.gate.release()
        await answer

    assert answer.result() == [_answer(append) for _, append in large]
