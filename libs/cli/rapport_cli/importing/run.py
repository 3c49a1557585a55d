"""An import from beginning to end: read, send, account, and tell the services that it is complete."""

import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from uuid import UUID

from rapport_chassis.positions import merge_tokens
from rapport_cli.importing import hint
from rapport_cli.importing.account import Account, ErrorFile, RowError, remove_old
from rapport_cli.importing.courier import PATIENCE_SECONDS
from rapport_cli.importing.engine import Engine
from rapport_cli.importing.hint import Hints, import_id
from rapport_cli.importing.kinds import KINDS, SERVICES, Service
from rapport_cli.importing.lane import IN_FLIGHT, HintWrong, Lane
from rapport_cli.importing.mapping import Mapping
from rapport_cli.importing.progress import Progress
from rapport_cli.importing.survey import Survey, survey
from rapport_cli.wire import Access

NOTE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to import."""

    file: Path
    mapping: Mapping
    access: Access | None
    """Where to; None only counts."""
    folder: Path
    """Keeps notes and error files."""
    from_start: bool = False
    """Whether the note of an earlier run is passed over."""
    in_flight: int = IN_FLIGHT
    patience_seconds: float = PATIENCE_SECONDS


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of it; the counts are those of the whole file, whichever run sent them."""

    mapping: str
    mapping_version: str
    rows: int
    rows_used: int
    skipped: dict[str, int]
    rejected: dict[str, int]
    facts: dict[str, int]
    first_errors: list[RowError]
    unused_columns: list[str]
    seconds: float
    rows_per_second: int
    import_id: UUID | None = None
    sent: dict[str, int] = field(default_factory=dict[str, int])
    """Lines of this run by what the services said: recorded, repeated, nothing_new, refused."""
    facts_per_second: int = 0
    error_file: str | None = None
    position: str | None = None
    """Up to where ledgers must be folded to show all of it; `rapport report --after` waits for it."""


def carry_out(order: Order, progress: Progress) -> Outcome:
    """
    Import a file, or only count it.

    Raises:
        FileRefused: The file is no table, damaged, or was changed meanwhile.
        MappingRefused: It lacks columns that the mapping reads.
        Unreachable, GaveUp, NotAllowed, NotUnderstood: The facts could not be sent; the same order continues.
    """
    began = time.monotonic()
    size = order.file.stat().st_size if order.file.is_file() else 0
    progress.begin("reading", size, "bytes")
    found = survey(order.file, order.mapping, lambda _, offset: progress.at(offset))
    if order.access is None:
        account = Account(found.rows)
        for _ in Engine(order.file, order.mapping, found, account).units(lambda _, __: None):
            pass
        return _outcome(order, found, account, began)
    try:
        return _Sending(order, order.access, found, progress).run(began)
    except HintWrong:
        again = replace(order, from_start=True)
        return _Sending(again, order.access, found, progress).run(began)


def _outcome(order: Order, found: Survey, account: Account, began: float) -> Outcome:
    seconds = max(time.monotonic() - began, 1e-9)
    return Outcome(
        mapping=order.mapping.name,
        mapping_version=str(order.mapping.version),
        rows=found.rows,
        rows_used=account.used,
        skipped=dict(account.skipped.most_common()),
        rejected=dict(account.rejected.most_common()),
        facts={kind: count for kind, count in sorted(account.facts.items()) if count},
        first_errors=account.errors,
        unused_columns=list(found.unused),
        seconds=round(seconds, 3),
        rows_per_second=round(found.rows / seconds),
    )


class _Sending:
    """One run that sends."""

    def __init__(self, order: Order, access: Access, found: Survey, progress: Progress) -> None:
        mapping = order.mapping
        self._order = order
        self._access = access
        self._survey = found
        self._progress = progress
        self._id = import_id(access.tenant, found.digest, mapping.name, mapping.version)
        self._folder = order.folder
        self._note = self._folder / f"{self._id}.json"
        self._place = " ".join([access.tenant, *(access.base_of(service) for service in SERVICES)])
        self._account = Account(found.rows, ErrorFile(self._folder, str(self._id), found.header))
        self._services: list[Service] = [
            service for service in SERVICES if any(KINDS[rule.type].service == service for rule in mapping.event)
        ]
        self._noted = 0.0

    def run(self, began: float) -> Outcome:
        remove_old(self._folder)
        hints: Hints = {} if self._order.from_start else hint.read(self._note, self._place)
        with self._lanes(hints) as lanes:
            self._tell_start(lanes)
            self._send(lanes)
            self._tell_end(lanes)
        self._note.unlink(missing_ok=True)
        outcome = _outcome(self._order, self._survey, self._account, began)
        sent = sum((lane.outcomes for lane in lanes.values()), Counter[str]())
        outcome.import_id = self._id
        outcome.sent = dict(sent)
        outcome.facts_per_second = round(sum(outcome.facts.values()) / outcome.seconds)
        tokens = [token for lane in lanes.values() for token in lane.positions]
        outcome.position = merge_tokens(*tokens) if tokens else None
        error_file = self._account.error_file
        if error_file is not None and error_file.is_there:
            outcome.error_file = str(error_file.path)
        return outcome

    @contextmanager
    def _lanes(self, hints: Hints) -> Generator[dict[Service, Lane]]:
        lanes: dict[Service, Lane] = {}
        try:
            for service in self._services:
                lanes[service] = Lane(
                    service,
                    self._access,
                    self._account,
                    known=hints.get(service),
                    in_flight=self._order.in_flight,
                    patience_seconds=self._order.patience_seconds,
                )
            yield lanes
        except BaseException:
            for lane in lanes.values():
                lane.abort()
            self._write_note(lanes)
            raise
        finally:
            if self._account.error_file is not None:
                self._account.error_file.close()

    def _tell_start(self, lanes: dict[Service, Lane]) -> None:
        mapping = self._order.mapping
        if "contacts" in lanes:
            settings = {"name": self._access.tenant, "zone": mapping.zone, "currency": mapping.currency}
            # With a key, so that the same import never undoes what an operator has set since.
            key = f"{self._id}:configure"
            lanes["contacts"].tell({"command": "configure_tenant", "key": key, "body": settings})
        for lane in lanes.values():
            lane.tell({"command": "start_import", "body": self._about()})

    def _tell_end(self, lanes: dict[Service, Lane]) -> None:
        account = self._account
        for service, lane in lanes.items():
            owned = {kind.type for kind in KINDS.values() if kind.service == service}
            figures = {
                "rows": self._survey.rows,
                "rows_used": account.used,
                "skipped": dict(account.skipped),
                "rejected": dict(account.rejected),
                "recorded": {kind: count for kind, count in account.facts.items() if kind in owned and count},
            }
            lane.tell({"command": "complete_import", "body": {**self._about(), **figures}})

    def _about(self) -> dict[str, object]:
        mapping = self._order.mapping
        return {
            "import_id": str(self._id),
            "mapping": mapping.name,
            "mapping_version": str(mapping.version),
            "system": mapping.system,
        }

    def _send(self, lanes: dict[Service, Lane]) -> None:
        self._progress.begin("importing", self._survey.rows, "rows")

        def pulse(number: int, _: int) -> None:
            answered = sum(lane.answered for lane in lanes.values())
            self._progress.at(number, f", {answered:,} facts")
            if time.monotonic() - self._noted > NOTE_SECONDS:
                self._write_note(lanes)

        numbers: Counter[Service] = Counter()
        engine = Engine(self._order.file, self._order.mapping, self._survey, self._account)
        for unit in engine.units(pulse):
            lanes[unit.service].put(unit, numbers[unit.service])
            numbers[unit.service] += 1
        for lane in lanes.values():
            lane.flush()
        for lane in lanes.values():
            lane.finish()

    def _write_note(self, lanes: dict[Service, Lane]) -> None:
        self._noted = time.monotonic()
        hint.write(self._note, self._place, {name: lane.hint for name, lane in lanes.items()})
