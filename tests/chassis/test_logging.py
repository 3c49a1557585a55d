"""Logs: only declared fields, no texts, one line each."""

import ast
import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from rapport_chassis.logging import FIELDS, set_up_logging

ROOT = Path(__file__).parents[2]
ANN = "Ann Smith"
PLANTED = [ANN, "ann@example.com", "+44 20 7946 0958", "10 Downing Street", "Zoë Ångström", "O'Brien\nlevel=info"]


class Lines:
    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    found = Lines()
    before = logging.getLogger().handlers[:], logging.getLogger().level
    set_up_logging("debug", found.stream)
    yield found
    structlog.reset_defaults()
    logging.getLogger().handlers[:], logging.getLogger().level = before[0], before[1]


def test_a_declared_field_is_shown(lines: Lines) -> None:
    structlog.get_logger().info("customer_merged", stream="customer-1", version=3, correlation_id="c-1")

    (line,) = lines.all
    assert line.pop("at")
    assert line == {
        "event": "customer_merged",
        "level": "info",
        "stream": "customer-1",
        "version": 3,
        "correlation_id": "c-1",
    }


def test_a_field_that_nobody_declared_is_dropped_and_named(lines: Lines) -> None:
    structlog.get_logger().info("customer_merged", surname="Smith", **{ANN: 1})

    (line,) = lines.all
    assert line["withheld"] == ["surname", "[withheld]"]
    assert "Smith" not in lines.text


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_name_is_nowhere(lines: Lines, planted: str) -> None:
    log = structlog.get_logger()
    log.info("customer_merged", stream=planted, errors=[planted], tenant={planted: planted}, name=planted)
    log.info(f"merged {planted}")  # noqa: G004
    log.bind(customer=planted).warning("bound", actor=planted.encode())
    try:
        raise ValueError(f"no such customer: {planted}")
    except ValueError:
        log.exception("command_failed")
    logging.getLogger("aiokafka").warning("Heartbeat failed for %s", planted)
    logging.getLogger("uvicorn.error").error(f"cannot serve {planted}")  # noqa: G004  # careless libraries do
    try:
        raise RuntimeError(planted) from KeyError(planted)
    except RuntimeError:
        logging.getLogger("asyncpg").exception("lost %s", planted)

    for part in (planted, "Ann", "Downing", "Brien"):
        assert part not in lines.text
    assert len(lines.all) == 7


def test_a_line_break_ends_no_line(lines: Lines) -> None:
    structlog.get_logger().info("customer_merged", stream='a\n{"event": "forged"}')

    assert len(lines.all) == 1


def test_an_exception_is_told_by_its_kinds_and_places(lines: Lines) -> None:
    try:
        raise RuntimeError(ANN) from ValueError(ANN)
    except RuntimeError:
        structlog.get_logger().exception("command_failed")

    (line,) = lines.all
    assert line["causes"] == ["RuntimeError", "ValueError"]
    assert line["frames"][0].rpartition(":")[0].endswith("test_logging.py")


def test_a_group_of_exceptions_is_told_by_its_first(lines: Lines) -> None:
    try:
        raise ExceptionGroup(ANN, [TimeoutError(ANN)])
    except* TimeoutError:
        structlog.get_logger().exception("command_failed")

    assert lines.all[0]["causes"] == ["ExceptionGroup", "TimeoutError"]


def test_a_library_is_told_by_its_place_and_template(lines: Lines) -> None:
    logging.getLogger("aiokafka.client").error("Unable to connect to %s: %s", "db-7", "refused")

    (line,) = lines.all
    assert (line["event"], line["logger"], line["level"]) == ("library_logged", "aiokafka.client", "error")
    assert line["library_message"] == "Unable_to_connect_to_s:_s"
    assert line["place"].startswith("test_logging:")


def test_what_a_library_says_again_and_again_is_told_once_a_minute(lines: Lines) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()
    template = "Topic %s not found in cluster metadata"
    for second in range(120):
        for topic in ("crm.contacts", "crm.workflow"):
            for _ in range(50):
                record = logging.LogRecord("aiokafka", logging.WARNING, "cluster.py", 9, template, (topic,), None)
                record.created = noon + second
                logging.getLogger("aiokafka").handle(record)

    assert [line["count"] for line in lines.all] == [1, 1, 3_000, 3_000]


def test_an_event_is_named_in_snake_case(lines: Lines) -> None:
    structlog.get_logger().info("Customer merged!")

    assert lines.all[0]["event"] == "unnamed"


def test_every_field_that_our_code_logs_is_declared() -> None:
    levels = {"debug", "info", "warning", "error", "exception", "critical"}
    undeclared: set[str] = set()
    for file in [*ROOT.glob("libs/*/rapport_*/**/*.py"), *ROOT.glob("services/*/rapport_*/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level)) if level in levels:
                    names = {keyword.arg for keyword in node.keywords if keyword.arg and keyword.arg != "exc_info"}
                    undeclared |= {f"{file.name}: {name}" for name in names - FIELDS}
                case _:
                    pass

    assert not undeclared
