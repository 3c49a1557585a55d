"""A storm of appends from several processes, some of them killed, and a look at every row and answer afterwards."""

import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from rapport_events.database import open_pool
from rapport_events.gate import reopen
from tests.databases import ServiceDatabase
from tests.waiting import until

KILLS = 4
CALLERS = 16
ROOT = Path(__file__).parents[2]
Line = Mapping[str, Any]


@pytest.mark.timeout(120)
async def test_a_storm_with_killed_processes_leaves_no_trace_in_numbers_versions_or_answers(
    service: ServiceDatabase, tmp_path: Path
) -> None:
    async with await open_pool(service.keeper, name="tests.opener") as keeper, keeper.acquire() as connection:
        await reopen(connection)
    logs = tmp_path
    async with asyncio.timeout(100), asyncio.TaskGroup() as tasks:
        for name, kind, dsn in (
            ("first", "grouped", service.app),
            ("second", "grouped", service.app),
            ("reader", "within", service.keeper),
        ):
            tasks.create_task(_run(name, kind, dsn, logs))
        tasks.create_task(_run_and_kill(service.app, logs))

    lines = [orjson.loads(line) for log in logs.glob("*.log") for line in _whole_lines(log)]
    storm = Aftermath(lines)
    await storm.read(service.admin)
    storm.check_rows()
    storm.check_answers()
    print(f"{len(storm.events)} events, {storm.outcomes}")  # noqa: T201 - shown with pytest -s
    assert storm.faults == []
    assert min(storm.outcomes[kind] for kind in ("Appended", "repeated", "KeyReused", "FactKnown")) > 10
    assert min(storm.outcomes[kind] for kind in ("ClaimTaken", "VersionConflict")) > 10


async def _run(name: str, kind: str, dsn: str, logs: Path) -> None:
    process = await _start(name, kind, dsn, logs)
    try:
        assert await process.wait() == 0, (logs / f"{name}.errors").read_text()
    finally:
        await _kill(process)


async def _run_and_kill(dsn: str, logs: Path) -> None:
    """Kill process after process in the middle of its work, without a chance to end in order; then end the storm."""
    for number in range(KILLS):
        name = f"victim{number}"
        process = await _start(name, "grouped", dsn, logs)
        try:
            is_at_work = partial(_has_answers, logs / f"{name}.log", 40 * (number % 3 + 1))
            await until(is_at_work, seconds=30, what=f"{name} is at work")
        finally:
            await _kill(process)
    (logs / "end").touch()


async def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _has_answers(log: Path, count: int) -> bool:
    return log.exists() and log.read_bytes().count(b"answered") >= count


async def _start(name: str, kind: str, dsn: str, logs: Path) -> asyncio.subprocess.Process:
    arguments = (name, kind, dsn, str(logs / f"{name}.log"), str(logs / "end"), str(CALLERS))
    with (logs / f"{name}.errors").open("wb") as errors:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.events.append_storm", *arguments, cwd=ROOT, stdout=errors, stderr=errors
        )


def _whole_lines(log: Path) -> list[bytes]:
    """Leave out a last line that the kill cut short."""
    return log.read_bytes().split(b"\n")[:-1]


class Aftermath:
    """All rows and all answers, to be compared."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.answers = [line for line in lines if "answered" in line]
        self.sent = {line["sent"]: line["events"] for line in lines if "sent" in line}
        self.outcomes = Counter(
            "repeated" if line["outcome"] == "Appended" and line["told"]["repeated"] else line["outcome"]
            for line in self.answers
        )
        self.faults: list[str] = []

    async def read(self, dsn: str) -> None:
        connection = await asyncpg.connect(dsn)
        try:
            self.events = await connection.fetch(
                "SELECT *, event_id::text AS id, (data ->> 'cause')::timestamptz AS cause, data ->> 'label' AS label"
                "  FROM events ORDER BY partition, position"
            )
            self.claims = {
                (row["tenant_id"], row["kind"], row["digest"].hex()): (row["stream"], str(row["event_id"]))
                for row in await connection.fetch("SELECT * FROM claims")
            }
            self.commands = {
                (row["tenant_id"], row["idempotency_key"].hex()): row
                for row in await connection.fetch("SELECT * FROM commands")
            }
        finally:
            await connection.close()
        self.by_label = defaultdict[str, list[asyncpg.Record]](list)
        self.by_id = {row["id"]: row for row in self.events}
        for row in self.events:
            self.by_label[row["label"]].append(row)

    def check_rows(self) -> None:
        """Numbers without gaps, time that never runs backwards, versions in order, requests whole or not at all."""
        positions, versions = Counter[int](), Counter[tuple[str, str]]()
        homes: dict[tuple[str, str], int] = {}
        last_at: dict[int, Any] = {}
        for row in self.events:
            partition, stream = row["partition"], (row["tenant_id"], row["stream"])
            positions[partition] += 1
            versions[stream] += 1
            self._must(row["position"] == positions[partition], "gap", row)
            self._must(row["version"] == versions[stream], "version", row)
            self._must(homes.setdefault(stream, partition) == partition, "two partitions", row)
            self._must(row["recorded_at"] >= last_at.get(partition, row["recorded_at"]), "time", row)
            self._must(row["cause"] is None or row["recorded_at"] > row["cause"], "cause", row)
            last_at[partition] = row["recorded_at"]
        self.heads = versions
        for label, rows in self.by_label.items():
            whole = {event for stream in self.sent[label] for event in stream}
            self._must({row["id"] for row in rows} == whole and len(rows) == len(whole), "half a request", label)
        self._must(len(self.commands) == len(self.by_label), "commands", len(self.commands))
        self._must(all(event in self.by_id for _, event in self.claims.values()), "a claim of nothing", "")

    def check_answers(self) -> None:
        for answer in self.answers:
            label, told = answer["answered"], answer["told"]
            command = self.commands.get((answer["tenant"], answer["key"]["digest"]))
            if answer["outcome"] == "Appended":
                places = [(place["partition"], place["position"], place["version"]) for place in told["places"]]
                stored = command and [
                    *zip(command["partitions"], command["positions"], command["versions"], strict=True)
                ]
                self._must(stored == places, "the answer stored under the key", answer)
                is_same = command is not None and command["fingerprint"].hex() == answer["key"]["fingerprint"]
                self._must(is_same, "the body of the key", answer)
            if answer["outcome"] == "Appended" and label in self.by_label:
                self._check_appended(answer)
            elif answer["outcome"] == "Appended":
                self._must(told["repeated"], "acknowledged and lost", answer)
            else:
                self._must(label not in self.by_label, "refused and there", answer)
                self._check_refused(answer, command)

    def _check_appended(self, answer: Line) -> None:
        places = zip(answer["streams"], answer["events"], answer["told"]["places"], strict=True)
        for (stream, partition, expected), events, place in places:
            first, last = self.by_id[events[0]], self.by_id[events[-1]]
            told = (place["partition"], place["position"], place["version"])
            self._must((last["partition"], last["position"], last["version"]) == told, "another place", answer)
            self._must((last["stream"], last["partition"]) == (stream, partition), "another stream", answer)
            before = first["version"] - 1
            is_right = expected in (before, -2) or (expected == -1 and before > 0)
            self._must(is_right, "a wrong version accepted", answer)
            self._must(last["version"] - before == len(events), "strangers between", answer)
        for kind, digest, _ in answer["claims"]:
            holder = self.claims.get((answer["tenant"], kind, digest), ("", ""))
            self._must(holder[0] == answer["streams"][0][0], "a claim lost", answer)

    def _check_refused(self, answer: Line, command: asyncpg.Record | None) -> None:
        told = answer["told"]
        match answer["outcome"]:
            case "KeyReused":
                is_other = command is not None and command["fingerprint"].hex() != answer["key"]["fingerprint"]
                self._must(is_other, "key", answer)
            case "FactKnown" | "ClaimTaken" as outcome:
                holders = [
                    self.claims.get((answer["tenant"], kind, digest))
                    for kind, digest, is_fact in answer["claims"]
                    if is_fact == (outcome == "FactKnown")
                ]
                self._must((told["stream"], told["event_id"]) in holders, "another holder", answer)
            case "VersionConflict":
                pairs = [*zip(answer["streams"], told["versions"], strict=True)]
                reasons = [
                    expected not in (version, -1, -2) or (expected == -1 and version == 0)
                    for (_, _, expected), version in pairs
                ]
                self._must(any(reasons), "a conflict without reason", answer)
                heads = [self.heads[answer["tenant"], stream] for (stream, _, _), _ in pairs]
                self._must(all(v <= head for (_, v), head in zip(pairs, heads, strict=True)), "future", answer)
            case outcome:
                self._must(is_true=False, fault="outcome", what=outcome)

    def _must(self, is_true: bool, fault: str, what: object) -> None:
        if not is_true:
            self.faults.append(f"{fault}: {what}")
