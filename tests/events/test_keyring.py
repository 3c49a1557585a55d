"""What every keyring does, in memory or in PostgreSQL."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from rapport_events.ids import CustomerId, TenantId
from rapport_events.keyring import Erased, Keyring, SealKey
from rapport_events.memory_keyring import MemoryKeyring
from rapport_events.testing import ANN as ANN_ID, BOB as BOB_ID, CLEO as CLEO_ID
from tests.events.keyrings import StartProcess

ACME, BETA = TenantId("acme"), TenantId("beta")
ANN, BOB, CLEO = CustomerId(ANN_ID), CustomerId(BOB_ID), CustomerId(CLEO_ID)


@pytest.fixture(params=["memory", "postgres"])
async def keyring(request: pytest.FixtureRequest, start_process: StartProcess) -> Keyring:
    if request.param == "memory":
        return MemoryKeyring()
    return (await start_process()).keyring


async def key_of(keyring: Keyring, customer: CustomerId, tenant: TenantId = ACME) -> SealKey:
    key = (await keyring.seal_keys(tenant, [customer]))[customer]
    assert isinstance(key, SealKey)
    return key


async def test_a_tenant_keeps_its_keys(keyring: Keyring) -> None:
    first = await keyring.tenant_keys(ACME)

    assert await keyring.tenant_keys(ACME) == first
    assert (len(first.wrap), len(first.ident)) == (32, 32)
    assert first.wrap != first.ident


async def test_tenants_share_no_key(keyring: Keyring) -> None:
    acme, beta = await keyring.tenant_keys(ACME), await keyring.tenant_keys(BETA)

    assert len({acme.wrap, acme.ident, beta.wrap, beta.ident}) == 4


async def test_each_customer_has_one_key_for_good(keyring: Keyring) -> None:
    first = await keyring.seal_keys(ACME, [ANN, BOB])
    second = await keyring.seal_keys(ACME, [CLEO, BOB, ANN, ANN])

    assert set(second) == {ANN, BOB, CLEO}
    assert {ANN: second[ANN], BOB: second[BOB]} == first
    keys = [key for key in second.values() if isinstance(key, SealKey)]
    assert len({key.key for key in keys}) == len({key.key_id for key in keys}) == 3
    assert {(len(key.key_id), len(key.key)) for key in keys} == {(22, 32)}


async def test_a_key_is_found_by_its_id(keyring: Keyring) -> None:
    ann, bob = await key_of(keyring, ANN), await key_of(keyring, BOB)

    opened = await keyring.open_keys(ACME, [ann.key_id, bob.key_id, ann.key_id])

    assert opened == {ann.key_id: ann.key, bob.key_id: bob.key}


async def test_an_unknown_key_id_opens_nothing_and_makes_nothing(keyring: Keyring) -> None:
    unknown = "A" * 22

    assert await keyring.open_keys(ACME, [unknown]) == {unknown: None}
    assert await keyring.open_keys(ACME, [unknown]) == {unknown: None}


async def test_a_tenant_cannot_open_with_the_key_of_another(keyring: Keyring) -> None:
    ann = await key_of(keyring, ANN)

    assert await keyring.open_keys(BETA, [ann.key_id]) == {ann.key_id: None}


async def test_the_same_customer_id_in_two_tenants_is_two_persons(keyring: Keyring) -> None:
    here, there = await key_of(keyring, ANN, ACME), await key_of(keyring, ANN, BETA)

    await keyring.destroy(ACME, [ANN])

    assert here.key != there.key
    assert isinstance((await keyring.seal_keys(ACME, [ANN]))[ANN], Erased)
    assert await key_of(keyring, ANN, BETA) == there
    assert await keyring.erased_at(BETA, [ANN]) == {}


async def test_a_destroyed_key_opens_nothing_and_neighbours_keep_theirs(keyring: Keyring) -> None:
    ann, bob = await key_of(keyring, ANN), await key_of(keyring, BOB)
    await keyring.open_keys(ACME, [ann.key_id, bob.key_id])

    await keyring.destroy(ACME, [ANN])

    assert await keyring.open_keys(ACME, [ann.key_id, bob.key_id]) == {ann.key_id: None, bob.key_id: bob.key}
    assert await key_of(keyring, BOB) == bob


async def test_a_destroyed_key_never_comes_back(keyring: Keyring) -> None:
    ann = await key_of(keyring, ANN)
    await keyring.destroy(ACME, [ANN])
    erased = (await keyring.seal_keys(ACME, [ANN]))[ANN]

    await keyring.destroy(ACME, [ANN, BOB])

    assert isinstance(erased, Erased)
    assert timedelta(0) <= datetime.now(UTC) - erased.at < timedelta(minutes=1)
    assert (await keyring.seal_keys(ACME, [ANN, CLEO]))[ANN] == erased
    assert await keyring.open_keys(ACME, [ann.key_id]) == {ann.key_id: None}


async def test_one_who_never_had_a_key_is_erased_too(keyring: Keyring) -> None:
    await keyring.destroy(ACME, [ANN])

    assert isinstance((await keyring.seal_keys(ACME, [ANN]))[ANN], Erased)


async def test_only_the_erased_have_a_time_of_erasure(keyring: Keyring) -> None:
    await key_of(keyring, BOB)
    await keyring.destroy(ACME, [ANN, ANN])
    erased = (await keyring.seal_keys(ACME, [ANN]))[ANN]

    assert isinstance(erased, Erased)
    assert await keyring.erased_at(ACME, [ANN, BOB, CLEO]) == {ANN: erased.at}
    assert await keyring.erased_at(ACME, [ANN, BOB, CLEO]) == {ANN: erased.at}


async def test_asking_when_somebody_was_erased_makes_no_key_and_hides_none(keyring: Keyring) -> None:
    assert await keyring.erased_at(ACME, [ANN]) == {}

    assert await key_of(keyring, ANN) == await key_of(keyring, ANN)


async def test_nobody_asked_for_is_nobody_answered(keyring: Keyring) -> None:
    await keyring.destroy(ACME, [])

    assert await keyring.seal_keys(ACME, []) == {}
    assert await keyring.open_keys(ACME, []) == {}
    assert await keyring.erased_at(ACME, []) == {}


async def test_more_customers_than_one_round_trip_takes(keyring: Keyring) -> None:
    many = [CustomerId(UUID(int=number)) for number in range(4_500)]

    keys = await keyring.seal_keys(ACME, many)
    opened = await keyring.open_keys(ACME, [key.key_id for key in keys.values() if isinstance(key, SealKey)])

    assert set(keys) == set(many)
    assert {key_id: key for key_id, key in opened.items() if key} == {
        key.key_id: key.key for key in keys.values() if isinstance(key, SealKey)
    }
    assert len(opened) == 4_500


async def test_keys_are_never_printed(keyring: Keyring) -> None:
    ann = await key_of(keyring, ANN)
    acme = await keyring.tenant_keys(ACME)

    printed = f"{ann!r} {acme!r} {ann} {acme} {[ann]}"

    assert not any(repr(key)[2:-1] in printed or key.hex() in printed for key in (ann.key, acme.wrap, acme.ident))


async def test_a_tombstone_tells_the_key_that_was_there_and_how_long_it_is_gone(keyring: Keyring) -> None:
    ann = await key_of(keyring, ANN)
    await key_of(keyring, CLEO)
    await keyring.destroy(ACME, [ANN, BOB])

    left = await keyring.tombstones(ACME, [ANN, BOB, CLEO])

    assert {customer: tombstone.key_id for customer, tombstone in left.items()} == {ANN: ann.key_id, BOB: None}
    assert {customer: tombstone.at for customer, tombstone in left.items()} == await keyring.erased_at(ACME, [ANN, BOB])
    assert all(0 <= tombstone.age_seconds < 60 for tombstone in left.values())
    assert await keyring.tombstones(BETA, [ANN]) == {}
