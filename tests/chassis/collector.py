"""A collector of OpenTelemetry: takes spans over HTTP, as the real ones do, and keeps them."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from gzip import decompress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Spans = list[tuple[str, Span]]
"""Each with the service that it is said to come from."""


class Collector:
    """What has come in so far."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.bodies: list[bytes] = []

    @property
    def spans(self) -> Spans:
        """All spans."""
        found: Spans = []
        for body in list(self.bodies):
            request = ExportTraceServiceRequest()
            request.ParseFromString(body)
            for resource in request.resource_spans:
                names = [each.value.string_value for each in resource.resource.attributes if each.key == "service.name"]
                found += [(names[0], span) for scope in resource.scope_spans for span in scope.spans]
        return found


@contextmanager
def collecting() -> Generator[Collector]:
    """Take spans as long as the test runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.bodies.append(decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the standard library names it
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(server.server_address[1])
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
