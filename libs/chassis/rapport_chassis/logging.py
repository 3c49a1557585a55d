"""Logs as JSON lines in which only declared fields can stand, so that no personal data gets there by accident."""

import logging
import re
import sys
import traceback
from collections import OrderedDict
from collections.abc import Collection, Mapping, MutableMapping
from datetime import datetime
from itertools import islice
from typing import Any, Final, TextIO, cast
from uuid import UUID

import orjson
import structlog

_NAMES: Final = """
    event level at logger service services role roles place library_message
    tenant actor correlation_id causation_id command stream version event_id
    source topic era partition partitions position positions offset head after reach timeline
    reader view group kind type outcome count events records lag parked attempt found_and_confirmed
    route method status code port seconds
    error errors cause causes frames sqlstate withheld
"""
FIELDS: Final = frozenset(_NAMES.split())
"""Every field that a log line may have. None of them holds what a person is called, wrote or is reached at."""

_EVENT = re.compile(r"[a-z][a-z0-9_]{0,79}")
_VALUE = re.compile(r"[\w.:/<>\[\]{}*+=,;-]{0,300}", re.ASCII)
_WITHHELD = "[withheld]"
_FRAMES_MAX = 12
_ITEMS_MAX = 40
_DEPTH_MAX = 3
_CAUSES_MAX = 5
_REPEATS_SECONDS = 60
"""For so long what a library has said is not told again."""
_MESSAGES_MAX = 1_000

Line = MutableMapping[str, Any]


def keep_declared(_: object, __: str, line: Line) -> Line:
    """Drop fields that nobody declared, and texts that are not ids, codes or paths; name the dropped fields."""
    kept: dict[str, Any] = {}
    dropped: list[str] = []
    for name, value in line.items():
        if name not in FIELDS:
            dropped.append(name if _EVENT.fullmatch(name) else _WITHHELD)
        elif name != "event":
            kept[name] = _plain(value)
    event = line.get("event")
    kept["event"] = event if isinstance(event, str) and _EVENT.fullmatch(event) else "unnamed"
    if dropped:
        kept["withheld"] = dropped[:_ITEMS_MAX]
    return kept


def _plain(value: object, depth: int = 0) -> object:
    shown: object = _WITHHELD
    match value:
        case None | bool() | int() | float() | UUID() | datetime():
            shown = value
        case str():
            shown = value if _VALUE.fullmatch(value) else _WITHHELD
        case list() | tuple() | set() | frozenset() if depth < _DEPTH_MAX:
            items = islice(cast("Collection[object]", value), _ITEMS_MAX)
            shown = [_plain(item, depth + 1) for item in items]
        case Mapping() if depth < _DEPTH_MAX:
            members = islice(cast("Mapping[object, object]", value).items(), _ITEMS_MAX)
            shown = {str(_plain(str(name))): _plain(item, depth + 1) for name, item in members}
        case _:
            pass
    return shown


def tell_exception(_: object, __: str, line: Line) -> Line:
    """Say of an exception its kinds and where it rose; its text can quote rows and bodies."""
    info = line.pop("exc_info", None)
    line.pop("stack_info", None)
    error: object = sys.exc_info()[1] if info is True else info
    if isinstance(info, tuple):
        error = cast("tuple[object, ...]", info)[1]
    if isinstance(error, BaseException):
        line["causes"] = [type(cause).__name__ for cause in _causes(error)]
        line["frames"] = _frames(error)
        sqlstate = getattr(error, "sqlstate", None)
        if isinstance(sqlstate, str):
            line["sqlstate"] = sqlstate
    return line


def leaf_of(error: BaseException) -> BaseException:
    """Return the first single error in a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


def _causes(error: BaseException | None) -> list[BaseException]:
    causes: list[BaseException] = []
    while error is not None and len(causes) < _CAUSES_MAX:
        causes.append(error)
        inner = leaf_of(error)
        error = inner if inner is not error else error.__cause__ or error.__context__
    return causes


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(leaf_of(error).__traceback__)[-_FRAMES_MAX:]
    return [f"{frame.filename.rpartition('site-packages/')[2][-80:]}:{frame.lineno}" for frame in frames]


class LibraryHandler(logging.Handler):
    """
    Takes what libraries log: where, how bad, and the template of the message without what was put into it.

    The same about the same is told once a minute, with how often it came: aiokafka complains of a topic that is missing
    hundreds of times a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: OrderedDict[int, tuple[float, int]] = OrderedDict()
        """By message, the oldest first: when it was told, and how often it came since."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, or count that it came again."""
        count = self._count(record)
        if count == 0:
            return
        template = record.msg if record.args and isinstance(record.msg, str) else None
        structlog.get_logger().log(
            record.levelno,
            "library_logged",
            logger=record.name,
            place=f"{record.module}:{record.lineno}",
            library_message=re.sub(r"[^\w.:-]+", "_", template, flags=re.ASCII)[:200] if template else None,
            count=count,
            exc_info=record.exc_info if record.exc_info and record.exc_info[1] else None,
        )

    def _count(self, record: logging.LogRecord) -> int:
        """Return how often it came since it was told last, this time included; 0 where that is not to be told yet."""
        error = record.exc_info[0] if record.exc_info else None
        message = hash((record.name, record.levelno, record.lineno, str(record.msg), repr(record.args), error))
        told_at, count = self._told.get(message, (float("-inf"), 0))
        if 0 <= record.created - told_at < _REPEATS_SECONDS:
            self._told[message] = (told_at, count + 1)
            return 0
        self._told[message] = (record.created, 0)
        self._told.move_to_end(message)
        if len(self._told) > _MESSAGES_MAX:
            self._told.popitem(last=False)
        return count + 1


def _stamp(_: object, __: str, line: Line) -> Line:
    line["at"] = datetime.now().astimezone().isoformat(timespec="milliseconds")
    return line


def _to_json(_: object, __: str, line: Line) -> str:
    return orjson.dumps(line, default=lambda _: _WITHHELD, option=orjson.OPT_NON_STR_KEYS).decode()


def set_up_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log of this process, ours and those of libraries, through the list of declared fields."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            tell_exception,
            _stamp,
            keep_declared,
            _to_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [LibraryHandler()]
    # Libraries narrate at info; what an operator needs of them are warnings.
    root.setLevel(max(number, logging.WARNING))
    for name in list(logging.Logger.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
