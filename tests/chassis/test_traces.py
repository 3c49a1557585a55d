"""A command can be followed from its request to the read model, and nothing personal goes along."""

import asyncio
import secrets
import subprocess
import sys
from decimal import Decimal
from uuid import UUID

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from rapport_events.contracts.interactions import PurchaseRefunded
from rapport_events.envelope import Meta
from rapport_events.reactions import Cause, caused_append
from rapport_events.testing import NOON, TENANT
from rapport_events.tracing import begin, traced, traced_batch
from rapport_events.view import Arrived
from tests.chassis.collector import Collector, Spans, collecting
from tests.chassis.houses import House
from tests.waiting import until

COMMANDS = 200
COMPLETE = 0.99
START_SECONDS = 40
ANN = {"system": "shop", "external_id": "Ann Smith <ann@example.com>"}
PURCHASE = {"customer": ANN, "total": "2.50"}
SAMPLED, UNSAMPLED = "01", "00"


def new_trace(flags: str = SAMPLED) -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-{flags}"


def trace_id(traceparent: str) -> str:
    return traceparent.split("-")[1]


def is_whole(spans: Spans, trace: str) -> bool:
    """Say whether request, append, mirror and read model of a command are there, each leading to the one before."""
    own = {span.name: span for _, span in spans if span.trace_id.hex() == trace}
    request, append = own.get("POST /v1/purchases"), own.get("append record_purchase")
    if request is None or append is None or append.parent_span_id != request.span_id:
        return False
    following = {
        span.kind
        for _, span in spans
        for link in span.links
        if (link.trace_id, link.span_id) == (append.trace_id, append.span_id)
    }
    return following == {Span.SPAN_KIND_PRODUCER, Span.SPAN_KIND_CONSUMER}


async def test_sampled_commands_are_traced_from_the_request_to_the_read_model(house: House) -> None:
    with collecting() as collector:
        process = await house.start("http,mirror,readers", RAPPORT_OTLP_ENDPOINT=collector.url, RAPPORT_TRACE_RATIO="0")
        await until(house.is_ready, seconds=START_SECONDS, what="all parts are ready")
        traces = [new_trace() for _ in range(COMMANDS)]
        unwanted = new_trace(UNSAMPLED)
        async with house.client() as client:
            turns = asyncio.Semaphore(16)

            async def buy(**headers: str) -> str:
                async with turns:
                    answer = await client.post("/v1/purchases", json=PURCHASE, headers=headers)
                assert answer.status_code == 201, answer.text
                return answer.headers["rapport-position"]

            positions = await asyncio.gather(
                *(buy(traceparent=trace) for trace in traces), buy(traceparent=unwanted), buy()
            )

            async def is_shown() -> bool:
                answers = [await client.get("/v1/readers", params={"after": position}) for position in positions[-3:]]
                return all(answer.status_code == 200 for answer in answers)

            await until(is_shown, seconds=START_SECONDS, what="all is shown")
        assert await house.stop(process) == 0

    spans = collector.spans
    whole = sum(is_whole(spans, trace_id(trace)) for trace in traces)
    assert whole >= COMPLETE * COMMANDS, f"{whole} of {COMMANDS} traces are whole"
    assert {service for service, _ in spans} == {"rapport-interactions"}
    asked = {span.trace_id.hex() for _, span in spans if span.kind == Span.SPAN_KIND_SERVER}
    assert asked == {trace_id(trace) for trace in traces}
    # A batch belongs to many: it is linked to each, and a child of none.
    assert all(not span.parent_span_id for _, span in spans if span.links)
    assert nothing_personal(collector)


def nothing_personal(collector: Collector) -> bool:
    # Three letters alone can be found in the random ids of some thousand spans.
    words = (b"Ann Smith", b"example.com", b"2.50")
    return not any(word in body for body in collector.bodies for word in words)


async def test_without_a_collector_nothing_of_opentelemetry_is_loaded() -> None:
    program = "import sys, rapport_chassis.run, rapport_events.reader; print('opentelemetry.sdk' in sys.modules)"
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_what_follows_from_a_fact_belongs_to_its_trace() -> None:
    trace, purchase = new_trace(), UUID(int=7)
    cause = Cause(TENANT, str(UUID(int=3)), "event", "correlation", NOON, NOON, trace)
    refunded = PurchaseRefunded(refund_id=UUID(int=9), purchase_id=purchase, amount=Decimal(1), currency="GBP")
    append = caused_append(f"purchase-{purchase}", [refunded], cause=cause, actor="reaction:test")
    assert Meta.from_json(append.streams[0].events[0].meta).traceparent == trace


@pytest.mark.parametrize(
    ("header", "read"),
    [(b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01", True), (b"anything", False), (b"\xff", False), (None, False)],
)
def test_a_header_that_is_no_trace_context_is_passed_over(header: bytes | None, *, read: bool) -> None:
    headers = {"ce_traceparent": header} if header is not None else {}
    arrived = Arrived("contacts", 1, 0, 1, "crm.customer.created.v1", headers, b"{}")
    assert (arrived.traceparent is not None) is read


def test_without_a_tracer_the_callers_context_is_passed_on() -> None:
    trace = new_trace()
    with traced("contacts", "internal", "append", parent=trace) as handed_on:
        assert handed_on == trace
    with traced_batch("consumer", "fold", [trace]):
        assert begin("contacts", "server", "POST").traceparent is None
