"""A server that speaks the batch protocol and remembers each fact by its outside name, with faults on request."""

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from rapport_cli.wire import Access

Json = dict[str, object]
Fault = Callable[[int], int | None]
"""From the number of a request to: 0 (take it, but break the connection instead of answering), a status, or None."""

TENANT = "small"


def token(tenant: str = TENANT) -> str:
    """Return what looks like a token; the stand-in takes every one."""
    claims = base64.urlsafe_b64encode(json.dumps({"tenant": tenant}).encode()).rstrip(b"=").decode()
    return f"e30.{claims}.c2ln"


@dataclass(slots=True)
class Books:
    """What the services know."""

    facts: dict[tuple[str, str, str], Json] = field(default_factory=dict[tuple[str, str, str], Json])
    """By command, system and id of the fact."""
    customers: dict[str, Json] = field(default_factory=dict[str, Json])
    jobs: list[tuple[str, str, Json]] = field(default_factory=list[tuple[str, str, Json]])
    """Service, command and body of what is told about imports and settings."""
    outcomes: Counter[str] = field(default_factory=Counter[str])
    requests: int = 0
    unfolded: int = 0
    """How many questions for what comes after a position are answered with 503 first."""
    report: Json = field(default_factory=dict[str, object])
    refuses: Callable[[Json], bool] = lambda _: False
    breaks: Callable[[Json], bool] = lambda _: False
    """Commands whose whole batch is answered with 500."""
    fault: Fault = lambda _: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, service: str, line: bytes) -> Json:
        """Carry out one command."""
        said = cast("Json", json.loads(line))
        command, body = str(said["command"]), cast("Json", said["body"])
        if command in {"configure_tenant", "start_import", "complete_import"}:
            is_news = (service, command, body) not in self.jobs
            self.jobs.append((service, command, body))
            return self._granted("recorded" if is_news else "nothing_new")
        if self.refuses(body):
            return _refused(422, "malformed")
        if command == "create_customer":
            name = str(cast("Json", body["customer"])["external_id"])
            is_news = name not in self.customers
            self.customers.setdefault(name, body)
            return self._granted("recorded" if is_news else "nothing_new")
        if command == "respond_case":
            case = cast("dict[str, str]", body["case"])
            if ("file_complaint", case["system"], case["id"]) not in self.facts:
                return _refused(404, "not_found")
        external = cast("dict[str, str]", body["external"])
        key = (command, external["system"], external["id"])
        is_news = key not in self.facts
        self.facts.setdefault(key, body)
        return self._granted("recorded" if is_news else "repeated")

    def _granted(self, outcome: str) -> Json:
        self.outcomes[outcome] += 1
        return {"status": 201 if outcome == "recorded" else 200, "outcome": outcome}

    def of(self, command: str) -> list[Json]:
        """Return the facts that a command recorded."""
        return [body for (name, _, _), body in self.facts.items() if name == command]


def _refused(status: int, code: str) -> Json:
    return {"status": status, "outcome": "refused", "problem": {"code": code, "errors": [{"pointer": "/body"}]}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    books: Books

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        pass

    def do_GET(self) -> None:
        if "after=" in self.path and self.books.unfolded:
            self.books.unfolded -= 1
            self._answer(503, b'{"code": "not_yet_folded"}')
            return
        self._answer(200, json.dumps(self.books.report).encode())

    def do_POST(self) -> None:
        service = self.path.split("/")[2]
        lines = self.rfile.read(int(self.headers["content-length"])).splitlines()
        books = self.books
        with books.lock:
            books.requests += 1
            fault = books.fault(books.requests)
            if fault:
                self._answer(fault, b'{"code": "away"}')
                return
            if any(books.breaks(cast("Json", json.loads(line)["body"])) for line in lines):
                self._answer(500, b'{"code": "fault"}')
                return
            body = b"".join(json.dumps(books.take(service, line)).encode() + b"\n" for line in lines)
        if fault == 0:
            self.close_connection = True
            return
        self._answer(200, body)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(books: Books) -> Generator[str]:
    """Serve these books on a free port of the loopback address; yield the address."""
    handler = type("Handler", (_Handler,), {"books": books})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def suite(books: Books) -> Generator[Access]:
    """Serve these books; yield the way to them."""
    with serving(books) as url:
        yield Access(token=token(), url=url)
