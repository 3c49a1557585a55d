"""What every request passes first: bounds in number and time, and the way past FastAPI."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from rapport_chassis import entrance
from rapport_chassis.entrance import Entrance
from rapport_chassis.lane import Lane
from rapport_chassis.plain_routes import PlainRoute
from tests.waiting import until


async def _answer(request: Request) -> Response:
    return PlainTextResponse(f"{request.scope['route'].path} {dict(request.path_params)}")


async def _other(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("other")(scope, receive, send)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    paths = ("/v1/purchases", "/v1/purchases/{purchase}/refund", "/v1/tenant/configure", "/v1/{a}/{b}")
    lane = Lane([PlainRoute(path, _answer, methods=["POST"]) for path in paths])
    transport = httpx.ASGITransport(Entrance(_other, "lane", lane))
    async with httpx.AsyncClient(transport=transport, base_url="http://lane") as made:
        yield made


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/v1/purchases", "/v1/purchases {}"),
        ("/v1/tenant/configure", "/v1/tenant/configure {}"),
        ("/v1/purchases/7/refund", "/v1/purchases/{purchase}/refund {'purchase': '7'}"),
        ("/v1/purchases/a%20b/refund", "/v1/purchases/{purchase}/refund {'purchase': 'a b'}"),
        ("/v1/purchases/{}/refund", "/v1/purchases/{purchase}/refund {'purchase': '{}'}"),
        ("/v1/purchases//refund", "other"),
        ("/v1/purchases/7/refund/", "other"),
        ("/v1/purchases/7", "other"),
        ("/v1/purchases/", "other"),
        ("/v1/purchases/7/8/refund", "other"),
        ("/", "other"),
    ],
)
async def test_the_lane_takes_its_own_paths_and_no_others(client: httpx.AsyncClient, path: str, found: str) -> None:
    assert (await client.post(path)).text == found


async def test_the_lane_takes_nothing_but_posts(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/purchases")).text == "other"


class Slow:
    """Answers when it is told to, or never."""

    def __init__(self) -> None:
        self.waiting = 0
        self.told = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.waiting += 1
        try:
            await self.told.wait()
        finally:
            self.waiting -= 1
        await PlainTextResponse("done")(scope, receive, send)


async def test_a_request_that_takes_too_long_is_cut_off() -> None:
    slow = Slow()
    app = Entrance(slow, "slow", Lane([]), seconds_max=0.05)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://slow") as client:
        cutting = asyncio.create_task(app.cut_off())
        answer = await client.get("/")
        cutting.cancel()

    assert (answer.status_code, answer.json()["code"]) == (503, "too_slow")
    assert slow.waiting == 0


async def test_more_requests_than_can_be_held_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "UNDERWAY_MAX", 2)
    slow = Slow()
    app = Entrance(slow, "slow", Lane([]))
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://slow") as client,
        asyncio.TaskGroup() as group,
    ):
        held = [group.create_task(client.get("/")) for _ in range(2)]
        await until(lambda: slow.waiting == 2, seconds=5, what="two requests are under way")
        refused = await client.get("/")
        slow.told.set()

    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert refused.headers["retry-after"] == "1"
    assert [(await each).text for each in held] == ["done", "done"]


async def test_a_caller_who_goes_away_is_no_error_of_ours() -> None:
    slow = Slow()
    app = Entrance(slow, "slow", Lane([]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://slow") as client:
        asking = asyncio.create_task(client.get("/"))
        await until(lambda: slow.waiting == 1, seconds=5, what="the request is under way")
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    assert slow.waiting == 0
