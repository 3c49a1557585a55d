"""Create things over HTTP (token, key, group commit), beside a FastAPI route that only checks the body and answers."""

import asyncio
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import Final, cast

import asyncpg
import orjson
import uvicorn
import uvloop
from fastapi import FastAPI, Request
from fastapi.responses import Response
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import TypeAdapter

from rapport_chassis.run import main
from rapport_chassis.service import Service
from rapport_cli.embedded.postgres import Postgres
from rapport_events.command import Command, CustomerRef, Handler, Occasion, Target
from rapport_events.contracts.interactions import CustomerPurchased
from rapport_events.gate import reopen
from rapport_events.migrate import migrate, prepare, prepare_database

ROUNDS: Final = 9
SECONDS: Final = 2
CLIENTS: Final = 32
GOAL: Final = 0.55
STEADY_PER_SECOND: Final = 200
STEADY_SECONDS: Final = 10
STEADY_GOAL_MILLISECONDS: Final = 25
START_SECONDS: Final = 30
PASSWORD: Final = "bench"  # noqa: S105  # the server listens on loopback and dies with the run
BODY: Final = b'{"customer":{"system":"shop","external_id":"17850"},"total":"15.30","currency":"GBP"}'
MASTER_KEY: Final = "00112233445566778899aabbccddeeff" * 2
HERE: Final = "benchmarks.http_create"


class RecordPurchase(Command):
    """Somebody bought something."""

    customer: CustomerRef
    total: Decimal
    currency: str


def decide(command: RecordPurchase, _: None, occasion: Occasion) -> Sequence[CustomerPurchased]:
    """Record it."""
    return [CustomerPurchased(purchase_id=occasion.id, total=command.total, currency=command.currency)]


SERVICE = Service(
    name="interactions",
    package="benchmarks",
    handlers=(
        Handler(
            name="record_purchase",
            route="/v1/purchases",
            command=RecordPurchase,
            initial=None,
            evolve=lambda state, _: state,
            decide=decide,
            target=lambda command: Target("purchase", under=command.customer),
        ),
    ),
)


def serve_reference(port: int) -> None:
    """Serve the reference: the same body, checked and answered, without anything else."""
    app = FastAPI()
    adapter = TypeAdapter(RecordPurchase)

    @app.post("/v1/purchases")
    async def check(request: Request) -> Response:
        command = adapter.validate_json(await request.body())
        return Response(orjson.dumps({"currency": command.currency}), 201, media_type="application/json")

    uvicorn.run(app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", access_log=False, log_level="error")


class Client(asyncio.Protocol):
    """One keep-alive connection that asks again as soon as it is answered."""

    def __init__(self, head: bytes, numbers: Iterator[int]) -> None:
        self.done = 0
        self.failed = 0
        self.is_stopping = False
        self.ended = asyncio.get_running_loop().create_future()
        self._head = head
        self._numbers = numbers
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Count a whole answer, and ask again."""
        self._held += data
        head, found, body = self._held.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._held = b""
        self.done += 1
        self.failed += not head.startswith(b"HTTP/1.1 201")
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if not self.ended.done():
            self.ended.set_result(None)

    def _ask(self) -> None:
        assert self._transport is not None
        if self.is_stopping:
            self._transport.close()
        else:
            self._transport.write(self._head % next(self._numbers) + BODY)


def _head(port: int, token: str) -> bytes:
    return (
        f"POST /v1/purchases HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\nIdempotency-Key: order-%d\r\n\r\n"
    ).encode()


async def rate(port: int, token: str, numbers: Iterator[int]) -> float:
    """Return answers a second; every one must be a 201."""
    head, loop = _head(port, token), asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: Client(head, numbers), "127.0.0.1", port) for _ in range(CLIENTS)]
    clients = [client for _, client in made]
    await asyncio.sleep(0.5)
    before, began_at = sum(client.done for client in clients), time.perf_counter()
    await asyncio.sleep(SECONDS)
    found = (sum(client.done for client in clients) - before) / (time.perf_counter() - began_at)
    for client in clients:
        client.is_stopping = True
    await asyncio.wait_for(asyncio.gather(*(client.ended for client in clients)), 10)
    assert not sum(client.failed for client in clients), "an answer was not 201"
    return found


class Steady(asyncio.Protocol):
    """One keep-alive connection for one request at a time."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take the answer, which is small and comes in one piece."""
        if self.answered is not None and not self.answered.done():
            self.answered.set_result(data)

    async def ask(self, request: bytes) -> bytes:
        """Send a request, and wait for the answer."""
        assert self._transport is not None
        self.answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await asyncio.wait_for(self.answered, 10)

    def close(self) -> None:
        """End."""
        if self._transport is not None:
            self._transport.close()


async def steady(port: int, token: str, numbers: Iterator[int]) -> list[float]:
    """Ask at an even pace, and return how many milliseconds each answer took after it was due."""
    head, loop = _head(port, token), asyncio.get_running_loop()
    made = [await loop.create_connection(Steady, "127.0.0.1", port) for _ in range(CLIENTS)]
    free: asyncio.Queue[Steady] = asyncio.Queue()
    for _, client in made:
        free.put_nowait(client)
    took: list[float] = []

    async def ask(due_at: float) -> None:
        client = await free.get()
        answer = await client.ask(head % next(numbers) + BODY)
        assert answer.startswith(b"HTTP/1.1 201"), answer[:100]
        took.append((time.perf_counter() - due_at) * 1_000)
        free.put_nowait(client)

    began_at = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(STEADY_PER_SECOND * STEADY_SECONDS):
            due_at = began_at + number / STEADY_PER_SECOND
            await asyncio.sleep(max(0.0, due_at - time.perf_counter()))
            tasks.create_task(ask(due_at))
    for _, client in made:
        client.close()
    return took


@asynccontextmanager
async def database(folder: Path) -> AsyncGenerator[dict[str, str]]:
    """Start a server that flushes as it should, with a ledger and a keyring; yields the settings that name them."""
    server = Postgres(folder / "postgres")
    await server.start()
    try:
        admin = await asyncpg.connect(server.dsn)
        await prepare(admin, "interactions", app_password=PASSWORD, keeper_password=PASSWORD)
        await prepare_database(admin, "keyring", {"app": PASSWORD, "eraser": PASSWORD})
        await admin.close()
        migrations = files("rapport_events").joinpath("migrations")
        for name, part in (("interactions", "ledger"), ("keyring", "keyring")):
            await migrate(server.dsn_of(f"rapport_{name}"), name, [migrations.joinpath(part)], extensions=())
        connection = await asyncpg.connect(server.dsn_of("rapport_interactions"))
        await reopen(connection)
        await connection.close()
        place = f"@127.0.0.1:{server.port}"
        yield {
            "RAPPORT_KEYRING": f"postgresql://rapport_keyring_app:{PASSWORD}{place}/rapport_keyring",
            "RAPPORT_INTERACTIONS_APP": f"postgresql://rapport_interactions_app:{PASSWORD}{place}/rapport_interactions",
            "RAPPORT_INTERACTIONS_KEEPER": "postgresql://nobody@127.0.0.1/none",
        }
    finally:
        await server.kill()


@asynccontextmanager
async def program(port: int, *arguments: str, **settings: str) -> AsyncGenerator[None]:
    """Run this file as a server until its port is taken and after that as long as it is needed."""
    environment = {"PATH": os.environ["PATH"], **settings}
    command = (sys.executable, "-m", HERE, *arguments)
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await _is_taken(port):
                await asyncio.sleep(0.05)
        yield
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 30)


async def _is_taken(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _token(key: ECKey) -> str:
    claims = {"iss": "bench", "aud": "rapport", "sub": "bench", "tenant": "acme", "scope": "interactions:write"}
    header = {"alg": "ES256", "kid": str(key.kid)}
    return jwt.encode(header, {**claims, "exp": int(time.time()) + 3_600}, key, algorithms=["ES256"])


async def measure() -> list[dict[str, object]]:
    """Run both in turn, several rounds; the ratio is taken within a round, and its median told."""
    rounds: list[tuple[float, float]] = []
    key = ECKey.generate_key("P-256", {"kid": "bench"}, private=True)
    ports = _free_port(), _free_port()
    numbers = count()
    with tempfile.TemporaryDirectory() as folder:
        jwks = Path(folder, "jwks.json")
        await asyncio.to_thread(jwks.write_text, json.dumps({"keys": [key.as_dict(private=False)]}), encoding="utf-8")
        async with database(Path(folder)) as addresses:
            settings = {
                **addresses,
                "RAPPORT_MASTER_KEY": MASTER_KEY,
                "RAPPORT_ISSUER": "bench",
                "RAPPORT_JWKS_FILE": str(jwks),
                "RAPPORT_INTERACTIONS_PORT": str(ports[0]),
            }
            async with program(ports[0], "service", **settings), program(ports[1], "reference", str(ports[1])):
                for _ in range(ROUNDS):
                    ours, plain = [await rate(port, _token(key), numbers) for port in ports]
                    rounds.append((ours, plain))
                took = sorted(await steady(ports[0], _token(key), numbers))
    return [
        {
            "name": "http_create",
            "ratio": round(statistics.median(ours / plain for ours, plain in rounds), 3),
            "value": round(statistics.median(ours for ours, _ in rounds)),
            "unit": "commands/s",
            "reference": round(statistics.median(plain for _, plain in rounds)),
            "goal": GOAL,
        },
        {
            "name": "http_create_p99",
            "ratio": round(_at(took, 0.99) / STEADY_GOAL_MILLISECONDS, 3),
            "value": round(_at(took, 0.99), 1),
            "unit": "ms",
            "reference": (
                f"{STEADY_GOAL_MILLISECONDS} ms at {STEADY_PER_SECOND} requests/s; median {_at(took, 0.5):.1f} ms"
            ),
            "goal": 1.0,
        },
    ]


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[int(len(ordered) * share)]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["service"]:
            sys.exit(main(["interactions", "--roles", "http"], find=lambda _: [SERVICE]))
        case ["reference", port]:
            serve_reference(int(port))
        case _:
            for row in uvloop.run(measure()):
                print(json.dumps(row))
