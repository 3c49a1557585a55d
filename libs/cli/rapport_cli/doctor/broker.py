"""The broker, and whether each topic is as it was made."""

from collections.abc import Iterator, Mapping
from typing import Final

from aiokafka.errors import KafkaError

from rapport_cli.doctor.case import Case, Finding
from rapport_events.envelope import topic_of
from rapport_events.ids import PARTITIONS
from rapport_events.kafka import REPLICAS_MAX, TOPIC_CONFIGS, BrokerState, TopicState, look_at_broker
from rapport_events.statements import load

_SUBJECT: Final = "broker"
_APPLY: Final = "`rapport topics apply` makes it"


async def check(case: Case) -> list[Finding]:
    """Look at the topics of all ledgers that can be asked for their era."""
    address = case.settings.get("RAPPORT_KAFKA")
    if not address:
        return []  # the check of the settings says so
    prefix = case.settings.get("RAPPORT_TOPIC_PREFIX") or "crm"
    topics: list[str] = []
    for name, connection in case.reached.items():
        row = await connection.fetchrow(load("rapport_events", "ledger/state"))
        topics.append(topic_of(name, row["era"] if row else 1, prefix))
    try:
        state = await look_at_broker(address, topics)
    except (KafkaError, OSError, TimeoutError) as error:
        what = f"{address} does not answer ({type(error).__name__})"
        return [Finding("fail", _SUBJECT, what, "start it, or correct RAPPORT_KAFKA; until then the mirrors wait")]
    return list(judge(address, state, topics))


def judge(address: str, state: BrokerState, topics: list[str]) -> Iterator[Finding]:
    """Say what to think of a broker and its topics."""
    word = "broker" if state.brokers == 1 else "brokers"
    yield Finding("ok", _SUBJECT, f"{address} answers, {state.brokers} {word}")
    for topic in topics:
        found = state.topics.get(topic)
        faults = [] if found is None else list(_faults(found, state.brokers))
        if found is None:
            yield Finding("fail", f"topic {topic}", "it is not there", _APPLY)
        elif not faults:
            yield Finding("ok", f"topic {topic}", f"{found.partitions} partitions, kept for ever, never compacted")
        yield from (Finding(each.state, f"topic {topic}", each.what, each.fix) for each in faults)


def _faults(topic: TopicState, brokers: int) -> Iterator[Finding]:
    if topic.partitions != PARTITIONS:
        fix = "a topic has 32 for ever: take another RAPPORT_TOPIC_PREFIX; the mirror fills the new topics"
        yield Finding("fail", "", f"{topic.partitions} partitions instead of {PARTITIONS}", fix)
    if topic.leaderless:
        yield Finding("fail", "", f"{topic.leaderless} partitions have no leader", "start the brokers that are away")
    wanted = min(REPLICAS_MAX, brokers)
    if topic.replicas < wanted:
        fix = f"add replicas with kafka-reassign-partitions, up to {wanted}"
        yield Finding("warn", "", f"{topic.replicas} replicas on {brokers} brokers", fix)
    if topic.behind:
        yield Finding("warn", "", f"replicas of {topic.behind} partitions are behind", "see that all brokers run")
    yield from _drift(topic.configs)


def _drift(configs: Mapping[str, str | None]) -> Iterator[Finding]:
    wanted = {**TOPIC_CONFIGS, "retention.bytes": "-1"}
    for name, value in wanted.items():
        if name in configs and configs[name] != value:
            fix = f"set {name}={value} with kafka-configs: readers that are rebuilt need every record"
            yield Finding("fail", "", f"{name} is {configs[name]}", fix)
