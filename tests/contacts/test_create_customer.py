"""Creating a customer."""

from dataclasses import replace

from rapport_contacts.commands.create_customer import HANDLER, CreateCustomer, Person
from rapport_events.command import CustomerRef
from rapport_events.contracts.contacts import CustomerCreated, CustomerCreatedPii, ExternalId, Names
from rapport_events.ids import CustomerId
from rapport_events.testing import ANN, Deciding
from tests.contacts.facts import ANN_CREATED
from tests.contacts.wishes import create
from tests.slices import Slices

_DECIDING = Deciding(HANDLER)
creating = replace(_DECIDING, occasion=replace(_DECIDING.occasion, id=ANN))


def test_a_customer_becomes_known_with_all_that_was_said() -> None:
    person = Person(name="Ann Young", emails=("ann@example.org",))
    command = CreateCustomer(customer=CustomerRef(id=ANN), source="shop", attributes={"job": "clerk"}, pii=person)

    creating.when(command).then(ANN_CREATED)


def test_an_outside_name_is_a_personal_value() -> None:
    command = CreateCustomer(customer=CustomerRef(system="shop", external_id="17850"), source="shop")
    pii = CustomerCreatedPii(external_ids=(ExternalId(system="shop", value="17850"),))

    creating.when(command).then(CustomerCreated(customer_id=CustomerId(ANN), kind="person", source="shop", pii=pii))


def test_an_address_that_names_the_customer_is_one_of_the_addresses() -> None:
    command = CreateCustomer(customer=CustomerRef(email=" Ann@example.org"), source="web", pii=Person(given="Ann"))
    pii = CustomerCreatedPii(names=Names(display="Ann", given="Ann"), emails=("Ann@example.org",))

    creating.when(command).then(CustomerCreated(customer_id=CustomerId(ANN), kind="person", source="web", pii=pii))


def test_a_customer_of_whom_nothing_personal_is_known_has_no_personal_part() -> None:
    command = CreateCustomer(customer=CustomerRef(id=ANN), source="web", kind="organization")

    creating.when(command).then(CustomerCreated(customer_id=CustomerId(ANN), kind="organization", source="web"))


def test_a_known_customer_is_no_news() -> None:
    command = CreateCustomer(customer=CustomerRef(id=ANN), source="elsewhere")

    creating.given(ANN_CREATED).when(command).then_nothing()


async def test_the_same_outside_name_is_one_customer_however_often_it_is_created(contacts: Slices) -> None:
    first = await create(contacts, "17850", name="Ann Young")
    again = await create(contacts, "17850", name="Ann Old")

    assert again == first
    assert sum((await contacts.ledger.state()).heads) == 1


async def test_a_batch_may_hold_the_same_customer_twice(contacts: Slices) -> None:
    line = '{"command":"create_customer","body":{"customer":{"email":"ann@example.org"},"source":"web"}}\n'
    answer = await contacts.client.post(
        "/v1/commands:batch", content=line * 3, headers={"Content-Type": "application/x-ndjson"}
    )

    assert [text.split('"outcome":"')[1].split('"')[0] for text in answer.text.splitlines()] == [
        "recorded",
        "nothing_new",
        "nothing_new",
    ]
