"""Carry a service's ledger to its topic for ever: lead, compare, copy, audit, and begin anew after every failure."""

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Literal

import structlog
from aiokafka.errors import KafkaError, UnknownError, UnknownTopicOrPartitionError

from rapport_events.audit import Audit, RecordNotHeld
from rapport_events.copying import Copying
from rapport_events.database import Connection, Pool
from rapport_events.envelope import topic_of
from rapport_events.faults import failure_of, leaves
from rapport_events.ids import PARTITIONS
from rapport_events.kafka import WrongPartitions
from rapport_events.lane import LedgerGap
from rapport_events.mirror_metrics import AUDITS, FAILURES, HEALS, LAG, LEADS, RESENDS, sound
from rapport_events.opening import LedgerMoved, Opening, StaysShut, stay_shut
from rapport_events.scanner import TopicSilent
from rapport_events.statements import load
from rapport_events.ways import REAL, Ways

log = structlog.get_logger()

_PARTITIONS = range(PARTITIONS)
# A plan that was cached while a table was empty would scan it from end to end for ever after.
# Planning for 32 children at each execution would take longer than the execution.
_PLANS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
}
_PAUSE_SECONDS_MIN = 0.1
_PAUSE_SECONDS_MAX = 1.0
_AUDIT_PAUSE_SECONDS = 0.2

Phase = Literal["waiting", "comparing", "copying", "stopped"]


class TopicLost(Exception):
    """The topic does not hold what the broker had confirmed."""


_STOPS = (RecordNotHeld, StaysShut, LedgerGap, WrongPartitions)


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorSettings:
    """How a ledger is mirrored."""

    service: str
    keeper: str
    """DSN of the ledger's database as keeper, without a pooler in between."""
    bootstrap: str
    prefix: str = "crm"
    audit_seconds: float = 30.0
    """How often the topic is read to its end."""
    poll_seconds: float = 0.2
    """How often rows are looked for when nobody notifies."""
    glance_seconds: float = 1.0
    """How often era, server and heads are looked at."""
    lead_seconds: float = 1.0
    """How often a process that does not lead tries to."""
    away_seconds: float = 5.0
    """How long appends stay shut at most while the broker is away and nothing can be compared."""
    stopped_seconds: float = 10.0
    """How often a mirror that has stopped looks whether the cause is gone."""
    resend_seconds: float = 10.0
    """How often a partition is sent again at most."""


@dataclass(frozen=True, slots=True)
class MirrorState:
    """A snapshot for people and tests."""

    phase: Phase
    topic: str
    """Empty while the era is not known."""
    reach: tuple[int, ...]
    """By partition: the position up to which everything is in the topic, as far as is known."""
    audits: int
    heals: int
    alarm: str | None
    """Kind of the alarm for which it has stopped."""


class Mirror:
    """Mirrors one ledger; any number of processes may run one, and one of them leads."""

    def __init__(self, settings: MirrorSettings, ways: Ways = REAL) -> None:
        """Choose the ledger and the broker; nothing is connected before `run`."""
        self._settings = settings
        self._ways = ways
        self._copying: Copying | None = None
        self._phase: Phase = "waiting"
        self._topic = ""
        self._alarm: str | None = None
        self._audits = 0
        self._heals = 0
        self._opening = Opening(settings.service, away_seconds=settings.away_seconds)
        self._resent_at: dict[int, float] = {}
        self._interrupted_by: list[str] = []

    @property
    def state(self) -> MirrorState:
        """How it stands at this moment."""
        reach = tuple(lane.reach for lane in self._copying.lanes) if self._copying else ()
        return MirrorState(self._phase, self._topic, reach, self._audits, self._heals, self._alarm)

    def wake(self) -> None:
        """Look for new rows now; without effect while another process leads."""
        if self._copying is not None:
            self._copying.wake()

    def resend(self, partition: int, after: int) -> bool:
        """
        Send a partition again from after a position; readers drop what they know.

        Returns:
            False where this process does not lead, the partition was sent again a moment ago, or nothing follows.
        """
        if self._copying is None or not 0 <= partition < PARTITIONS or after < 0:
            return False
        lane = self._copying.lanes[partition]
        since = time.monotonic() - self._resent_at.get(partition, -self._settings.resend_seconds)
        if since < self._settings.resend_seconds or after >= lane.reach:
            return False
        self._resent_at[partition] = time.monotonic()
        RESENDS.labels(self._settings.service).inc()
        log.warning("partition_sent_again", topic=self._topic, partition=partition, after=after)
        lane.go_back(after)
        self._copying.news.set()
        return True

    async def run(self) -> None:
        """Mirror until cancelled."""
        service = self._settings.service
        pause = _PAUSE_SECONDS_MIN
        while True:
            began_at = time.monotonic()
            error = await failure_of(self._lead())
            if error is not None:
                kinds = sorted({type(one).__name__ for one in leaves(error)})
                stop = next((one for one in leaves(error) if isinstance(one, _STOPS)), None)
                FAILURES.labels(service, kinds[0]).inc()
                tell = log.debug if kinds == self._interrupted_by else log.warning
                tell("mirror_interrupted", service=service, errors=kinds, cause=str(stop or ""))
                self._interrupted_by = kinds
                if stop is not None:
                    await self._stop(stop)
                    continue
            if time.monotonic() - began_at > _PAUSE_SECONDS_MAX:
                pause = _PAUSE_SECONDS_MIN
            # Not all at the same moment, and not beyond the moment at which the ledger is to be opened.
            await asyncio.sleep(max(0, min(pause * random.uniform(0.5, 1), self._opening.patience)))  # noqa: S311  # no secret
            pause = min(pause * 2, _PAUSE_SECONDS_MAX)

    async def _lead(self) -> None:
        settings = self._settings
        self._phase = "waiting"
        name = f"{settings.service}.mirror"
        heard = {"rapport_ledger": self._hear_wake, "rapport_resend": self._hear_resend}
        async with self._ways.leading(settings.keeper, name=name, try_seconds=settings.lead_seconds, on_notify=heard):
            LEADS.labels(settings.service).set(1)
            pool = await self._ways.open_pool(settings.keeper, name=name, connections_max=3, settings=_PLANS)
            try:
                await self._carry(pool)
            except* (RecordNotHeld, StaysShut) as stops:
                stop = next(leaves(stops))
                reason = stop.reason if isinstance(stop, StaysShut) else "record_not_held"
                await stay_shut(pool, reason, str(stop))
                raise
            except* (UnknownError, TopicSilent):
                # Led by us until it is gone, so that nobody fills it meanwhile.
                if await self._ways.drop_broken_topic(settings.bootstrap, self._topic):
                    log.warning("topic_dropped", topic=self._topic)
                raise
            finally:
                self._copying = None
                LEADS.labels(settings.service).set(0)
                pool.terminate()

    async def _carry(self, pool: Pool) -> None:
        """Compare ledger and topic, then copy and audit until something fails."""
        settings = self._settings
        self._phase = "comparing"
        era, server = await self._opening.look(pool)
        self._topic = topic_of(settings.service, era, settings.prefix)
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self._opening.patience if server else None):
                await self._look_for_later_eras(era)
                await self._ways.apply_topics(settings.bootstrap, [self._topic])
                producer = await stack.enter_async_context(self._ways.producing(settings.bootstrap, self._topic))
                scanner = await stack.enter_async_context(self._ways.scanning(settings.bootstrap, self._topic))
                audit = Audit(scanner, pool, era)
                await audit.check_ends(_PARTITIONS)
            await audit.begin(_PARTITIONS)
            if server:
                await self._compare_for_a_while(audit)
                await self._opening.open(pool, server)
            reaches = await audit.take(_PARTITIONS, every_mark=True)
            copying = Copying(pool, producer, service=settings.service, era=era, topic=self._topic)
            for lane in copying.lanes:
                reach = reaches[lane.partition]
                lane.reach, lane.next_offset = reach.position, reach.next_offset
            self._copying, self._phase, self._alarm, self._interrupted_by = copying, "copying", None, []
            log.info("mirror_leads", topic=self._topic, reach=sum(lane.reach for lane in copying.lanes))
            async with asyncio.TaskGroup() as group:
                group.create_task(copying.run(poll_seconds=settings.poll_seconds))
                group.create_task(self._audit_again(audit, copying))
                group.create_task(self._glance_again(pool, era, copying))

    async def _look_for_later_eras(self, era: int) -> None:
        """
        See whether the ledger has been in a later era already, as a backup from before it does not know.

        Raises:
            StaysShut: It has: the topic of its own era may hold nothing that it lacks.
        """
        settings = self._settings
        latest = max(await self._ways.find_eras(settings.bootstrap, settings.service, settings.prefix), default=era)
        if latest > era:
            later = topic_of(settings.service, latest, settings.prefix)
            raise StaysShut("era_forgotten", f"the ledger is in era {era}, and there is a topic {later}")

    async def _compare_for_a_while(self, audit: Audit) -> None:
        """Compare what the topic got since the last mark, unless that takes long: its last records were compared."""
        try:
            async with asyncio.timeout(self._settings.away_seconds):
                await audit.take(_PARTITIONS, every_mark=True)
        except TimeoutError:
            log.warning("ledger_opened_before_end_of_comparison", topic=self._topic)

    async def _audit_again(self, audit: Audit, copying: Copying) -> None:
        while True:
            try:
                async with asyncio.timeout(self._settings.audit_seconds):
                    await copying.suspects.wait()
            except TimeoutError:
                pass
            is_suspected = copying.suspects.is_set()
            copying.suspects.clear()
            await self._audit_when_possible(audit, copying, every_mark=is_suspected)
            await asyncio.sleep(_AUDIT_PAUSE_SECONDS)

    async def _audit_when_possible(self, audit: Audit, copying: Copying, *, every_mark: bool) -> None:
        """Audit, later where leaders move: partitions that have one are not kept waiting for those that have none."""
        until = time.monotonic() + self._settings.audit_seconds
        while True:
            try:
                return await self._audit(audit, copying, every_mark=every_mark)
            except UnknownTopicOrPartitionError:
                # The scanner has asked again for seconds: there is no leader to wait for, but no topic.
                log.error("topic_gone", topic=self._topic)  # noqa: TRY400  # the broker's error says no more
                raise TopicLost(self._topic) from None
            except KafkaError as error:
                if not error.retriable or time.monotonic() > until:
                    raise
                log.warning("audit_put_off", topic=self._topic, error=type(error).__name__)
            await asyncio.sleep(_AUDIT_PAUSE_SECONDS)

    async def _audit(self, audit: Audit, copying: Copying, *, every_mark: bool) -> None:
        """
        Look at what was confirmed so far.

        Raises:
            TopicLost: Some of it is not in the topic. Who lost records also lost what it knew of the producer, so all
                begins anew, with another one.
        """
        before = [(lane, lane.turn, lane.reach) for lane in copying.lanes]
        strays = audit.strays
        reaches = await audit.take(_PARTITIONS, every_mark=every_mark)
        self._audits += 1
        AUDITS.labels(self._settings.service).inc()
        if audit.strays > strays:
            sound(self._settings.service, "records_without_number", topic=self._topic, count=audit.strays - strays)
        lost = {
            lane.partition: (reaches[lane.partition].position, reach)
            for lane, turn, reach in before
            if lane.turn == turn and reaches[lane.partition].position < reach
        }
        if lost:
            self._heals += len(lost)
            HEALS.labels(self._settings.service).inc(len(lost))
            log.error("topic_lost_records", topic=self._topic, found_and_confirmed=lost)
            raise TopicLost(self._topic)

    async def _glance_again(self, pool: Pool, era: int, copying: Copying) -> None:
        while True:
            [row] = await pool.fetch(load("rapport_events", "mirror/glance"))
            if row["era"] != era or not row["is_compared"]:
                msg = "the ledger has another era or another server"
                raise LedgerMoved(msg)
            for lane, head in zip(copying.lanes, row["heads"], strict=True):
                LAG.labels(self._settings.service, lane.partition).set(max(0, head - lane.reach))
            reach = [lane.reach for lane in copying.lanes]
            await pool.execute(load("rapport_events", "mirror/tell_reach"), era, reach)
            await asyncio.sleep(self._settings.glance_seconds)

    def _hear_wake(self, _payload: str) -> None:
        self.wake()

    def _hear_resend(self, payload: str) -> None:
        partition, _, after = payload.partition(":")
        if partition.isdecimal() and after.isdecimal():
            self.resend(int(partition), int(after))

    async def _stop(self, cause: Exception) -> None:
        self._phase, self._alarm = "stopped", type(cause).__name__
        sound(self._settings.service, self._alarm, topic=self._topic, cause=str(cause))
        await asyncio.sleep(self._settings.stopped_seconds)
        self._opening.start_over()


async def ask_resend(connection: Connection, partition: int, after: int) -> None:
    """Ask the mirror that leads, in whatever process, to send a partition again from after a position."""
    await connection.execute(load("rapport_events", "mirror/resend"), partition, after)
