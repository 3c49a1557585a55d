"""An un-merge is exact: every current answer of every service equals the world without the merge."""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings, strategies as st

from rapport_events.testing import ANN, BOB, CLEO
from tests.conftest import MakeServiceDatabase
from tests.parties.houses import House, Json, World, open_house

PEOPLE: Final = {"Ann": ANN, "Bob": BOB, "Cleo": CLEO}
NAMES: Final = ("1", "2")
"""What the shop calls people; whose names they are is said by links alone."""
UNTOLD: Final = ("crm.customer.merged.v1", "crm.customer.unmerged.v1")
"""What stays as history on a timeline."""

_numbers = count(1)
who = st.sampled_from([*PEOPLE, *NAMES])
person = st.sampled_from([*PEOPLE])
channel = st.sampled_from(["email", "phone", None])
deeds = st.one_of(
    st.tuples(st.just("buy"), who, st.integers(1, 99)),
    st.tuples(st.just("contact"), who, st.sampled_from(["email", "phone"])),
    st.tuples(st.just("complain"), who, st.sampled_from(["delivery", "price"])),
    st.tuples(st.just("refer"), who, person),
    st.tuples(st.just("task"), who, st.sampled_from(["call_back", "visit"])),
    st.tuples(st.just("grant"), person, channel),
    st.tuples(st.just("withdraw"), person, channel),
    st.tuples(st.just("rename"), person, st.integers(1, 99)),
    st.tuples(st.just("label"), person, st.sampled_from(["baker", "clerk"])),
    st.tuples(st.just("link"), person, st.sampled_from(NAMES)),
    st.tuples(st.just("unlink"), person, st.sampled_from(NAMES)),
)
Deed = tuple[str, str, Any]
merges = st.permutations([*PEOPLE]).flatmap(
    lambda order: st.sampled_from([[(order[0], order[1])], [(order[0], order[1]), (order[1], order[2])]])
)
choices = st.lists(st.sampled_from(["names", "emails", "phones", "attributes.job"]), unique=True, max_size=3)


@pytest.fixture
async def house(make_service_database: MakeServiceDatabase) -> AsyncIterator[House]:
    """Bring all services to life."""
    async with open_house(make_service_database) as house:
        yield house


@settings(
    max_examples=12, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    before=st.lists(deeds, max_size=5),
    merged=merges,
    chosen=choices,
    during=st.lists(deeds, min_size=1, max_size=6),
    after=st.lists(deeds, max_size=2),
)
async def test_after_an_unmerge_every_answer_is_that_of_the_world_without_the_merge(
    house: House,
    before: list[Deed],
    merged: list[tuple[str, str]],
    chosen: list[str],
    during: list[Deed],
    after: list[Deed],
) -> None:
    number = next(_numbers)
    worlds = [World(house, f"merging{number}"), World(house, f"plain{number}")]
    statuses: list[list[int]] = []
    for world in worlds:
        is_merging = world is worlds[0]
        happened = [await _begin(world)]
        happened += [await _do(world, *deed) for deed in before]
        await house.carry()
        for customer, survivor in merged:
            await _merge(world, customer, survivor, chosen, is_real=is_merging)
        happened += [await _do(world, *deed) for deed in during]
        await house.carry()
        if is_merging:
            await _are_one(world, merged)
        for customer, _ in merged:
            await _unmerge(world, customer, is_real=is_merging)
        happened += [await _do(world, *deed) for deed in after]
        await house.carry()
        statuses.append(happened)

    event(f"{len(merged)} merges")
    assert statuses[0] == statuses[1]
    with_merge, without = [await _everything(world) for world in worlds]
    assert {what: (with_merge[what], told) for what, told in without.items() if with_merge[what] != told} == {}
    stages = [await house.published(world.tenant) for world in worlds]
    assert [stages[0].get(str(id_)) for id_ in PEOPLE.values()] == [stages[1].get(str(id_)) for id_ in PEOPLE.values()]


async def _begin(world: World) -> int:
    for name, id_ in PEOPLE.items():
        pii = {"name": f"{name} Young", "emails": [f"{name}@example.org"], "phones": [f"555 01{len(name)}0"]}
        body = {"customer": {"id": str(id_)}, "source": name, "attributes": {"team": name}, "pii": pii}
        assert await world.wish("contacts", "/v1/customers", body) == 201
        world.name(str(id_), name)
    for name in NAMES:
        await world.learn(name)
    return len(PEOPLE)


async def _merge(world: World, customer: str, survivor: str, chosen: list[str], *, is_real: bool) -> None:
    if not is_real:
        world.skip()
        return
    choices = [{"field": field, "keep": "merged"} for field in chosen]
    body = {"survivor_id": str(PEOPLE[survivor]), "field_choices": choices}
    assert await world.wish("contacts", f"/v1/customers/{PEOPLE[customer]}/merge", body) == 200
    await world.house.carry()


async def _unmerge(world: World, customer: str, *, is_real: bool) -> None:
    if not is_real:
        world.skip()
        return
    assert await world.wish("contacts", f"/v1/customers/{PEOPLE[customer]}/unmerge", {}) == 200
    await world.house.carry()


async def _do(world: World, verb: str, who_: str, what: object) -> int:
    ref: Json = {"id": str(PEOPLE[who_])} if who_ in PEOPLE else {"system": "shop", "external_id": who_}
    theirs = f"/v1/customers/{PEOPLE.get(who_, UUID(int=0))}"
    known: dict[str, tuple[str, str, Json]] = {
        "buy": ("interactions", "/v1/purchases", {"customer": ref, "total": f"{what}.50", "currency": "EUR"}),
        "contact": ("interactions", "/v1/contacts", {"customer": ref, "channel": what, "direction": "inbound"}),
        "complain": ("interactions", "/v1/complaints", {"customer": ref, "category": what, "channel": "web"}),
        "refer": ("interactions", "/v1/referrals", {"customer": ref, "referred": str(PEOPLE.get(str(what)))}),
        "task": ("workflow", "/v1/tasks", {"customer": ref, "kind": what}),
        "grant": ("contacts", f"{theirs}/grant_consent", {"purpose": "news", "channel": what, "wording_version": "1"}),
        "withdraw": ("contacts", f"{theirs}/withdraw_consent", {"purpose": "news", "channel": what}),
        "rename": ("contacts", f"{theirs}/change_profile", {"pii": {"names": {"display": f"{who_} {what}"}}}),
        "label": ("contacts", f"{theirs}/change_profile", {"attributes": {"job": what}}),
        "link": ("contacts", f"{theirs}/link_identity", {"identity": {"system": "shop", "external_id": what}}),
        "unlink": ("contacts", f"{theirs}/unlink_identity", {"identity": {"system": "shop", "external_id": what}}),
    }
    service, route, body = known[verb]
    return await world.wish(service, route, body)


async def _are_one(world: World, merged: list[tuple[str, str]]) -> None:
    """Look that the merge had an effect, so that there is something to take back."""
    ids = {name: str(id_) for name, id_ in PEOPLE.items()}
    root = ids[merged[-1][1]]
    for customer, _ in merged:
        answer = await world.ask("contacts", f"/v1/customers/{ids[customer]}")
        assert answer.json()["id"] == root


async def _everything(world: World) -> dict[str, object]:
    """Ask every service everything about everybody."""
    found: dict[str, object] = {}
    for who_ in (*PEOPLE, *NAMES):
        id_ = str(PEOPLE[who_]) if who_ in PEOPLE else await world.learn(who_)
        about = f"/v1/customers/{id_}"
        found[f"card of {who_}"] = await world.told("contacts", about)
        found[f"consent of {who_}"] = await world.told(
            "contacts", f"{about}/consent", purpose="news", channel="email", at="2026-04-01T00:00:00Z"
        )
        found[f"timeline of {who_}"] = _without_merges(await world.told("interactions", f"{about}/timeline"))
        found[f"tasks of {who_}"] = await world.told("workflow", "/v1/tasks", customer=id_)
        found[f"totals of {who_}"] = await world.told("analytics", f"{about}/totals")
        found[f"stage of {who_}"] = _without_events(await world.told("analytics", f"{about}/stage"))
    for service, route, parameters in (
        ("contacts", "/v1/customers", {}),
        ("contacts", "/v1/customers", {"q": "example"}),
        ("workflow", "/v1/tasks", {}),
        ("analytics", "/v1/report", {}),
        ("analytics", "/v1/facts/purchases", {}),
    ):
        found[f"{route} {parameters}"] = await world.told(service, route, **parameters)
    return found


def _without_merges(told: Any) -> object:  # noqa: ANN401  # status and JSON
    status, page = told
    return status, [entry for entry in page["entries"] if entry["type"] not in UNTOLD]


def _without_events(told: Any) -> object:  # noqa: ANN401  # status and JSON
    """Leave out which events told of stages: what was published while they were one stays as history."""
    status, answer = told
    return status, answer["current"], [{**stage, "event_id": None} for stage in answer["stages"]]
