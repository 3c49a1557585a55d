"""The only call between services."""

import asyncio
import time

import pytest

from rapport_chassis.http import make_app
from rapport_chassis.peers import Peers, PeerSeal
from rapport_chassis.serving import listen, make_server
from rapport_events.ledger import LedgerState
from tests.chassis.conftest import MASTER_KEY, Shop
from tests.chassis.houses import free_port

SEAL = PeerSeal(MASTER_KEY)


def test_a_sealed_call_is_genuine_for_what_it_was_made_for() -> None:
    value = SEAL.sign("GET", "/v1/ledger")

    assert SEAL.is_genuine(value, "GET", "/v1/ledger")
    assert not SEAL.is_genuine(value, "POST", "/v1/ledger")
    assert not SEAL.is_genuine(value, "GET", "/v1/ledger/resend")
    assert not PeerSeal(b"another key").is_genuine(value, "GET", "/v1/ledger")


def test_a_sealed_call_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    value = SEAL.sign("GET", "/v1/ledger")
    now = time.time()

    monkeypatch.setattr(time, "time", lambda: now + 301)

    assert not SEAL.is_genuine(value, "GET", "/v1/ledger")


@pytest.mark.parametrize(
    "value", ["", "Peer", "Peer ", "Peer x.y", "Peer 1.", "Peer 99999999999999.a", "Peer 1.é", "Bearer a"]
)
def test_what_is_no_seal_is_not_genuine(value: str) -> None:
    assert not SEAL.is_genuine(value, "GET", "/v1/ledger")


async def test_the_ledger_tells_peers_and_operators(shop: Shop) -> None:
    peer = await shop.client.get("/v1/ledger", headers={"Authorization": SEAL.sign("GET", "/v1/ledger")})
    operator = await shop.client.get("/v1/ledger")
    reader = await shop.client.get("/v1/ledger", headers=shop.token(scope="interactions:read"))
    forged = await shop.client.get("/v1/ledger", headers={"Authorization": PeerSeal(b"x").sign("GET", "/v1/ledger")})

    assert (
        peer.json() == operator.json() == {"era": 1, "open": True, "heads": [0] * 32, "reach": [0] * 32, "shut": None}
    )
    assert (reader.status_code, forged.status_code) == (403, 401)


@pytest.mark.parametrize("body", [{"partition": 32, "after": 0}, {"partition": 0, "after": -1}, {"partition": 0}, {}])
async def test_a_wish_to_send_again_is_checked(shop: Shop, body: dict[str, int]) -> None:
    answer = await shop.client.post("/v1/ledger/resend", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


async def test_heads_are_asked_once_for_all(shop: Shop) -> None:
    port = free_port()
    server = make_server(make_app(shop.desk), stop_seconds=1)
    serving = asyncio.create_task(server.serve([listen("127.0.0.1", port, "PORT")]))
    await server.wait_until_started()
    peers = Peers(lambda _: f"http://127.0.0.1:{port}", SEAL)

    states = await asyncio.gather(*(peers.heads("interactions") for _ in range(20)))
    asked = server.server_state.total_requests
    server.should_exit = True
    await serving

    assert states == [LedgerState(era=1, is_open=True, heads=(0,) * 32, reach=(0,) * 32)] * 20
    assert asked == 1


async def test_an_owner_that_does_not_answer_leaves_heads_unknown() -> None:
    peers = Peers(lambda _: f"http://127.0.0.1:{free_port()}", SEAL)

    assert await peers.heads("interactions") is None
    await peers.resend("interactions", 3, 7)
