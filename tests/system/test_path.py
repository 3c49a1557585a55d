"""One fact travels the whole house: HTTP, ledger, mirror, broker, and the read models of every service."""

from tests.system.client import POSITION, Client, Json
from tests.system.suites import Suite
from tests.waiting import until

ANN = {"system": "shop", "external_id": "ann"}
SECONDS = 20


async def create_ann(client: Client) -> tuple[str, str]:
    """Create Ann, and return her id and the position of that."""
    done = await client.wish(
        "contacts",
        "/v1/customers",
        {"customer": ANN, "source": "shop", "pii": {"name": "Ann Example", "emails": ["ann@example.test"]}},
    )
    return done.id, done.position


async def test_a_read_after_a_position_shows_the_write(client: Client) -> None:
    ann, created = await create_ann(client)
    bought = await client.wish(
        "interactions", "/v1/purchases", {"customer": ANN, "total": "30.10", "currency": "EUR", "channel": "web"}
    )
    complained = await client.wish(
        "interactions",
        "/v1/complaints",
        {"customer": ANN, "category": "delivery", "channel": "email", "pii": {"text": "It never came."}},
    )

    card = await client.read("contacts", f"/v1/customers/{ann}", after=created)
    totals = await client.read("analytics", f"/v1/customers/{ann}/totals", after=bought.position)
    tasks = await client.read("workflow", "/v1/tasks", customer=ann, after=complained.position)
    case = await client.read("interactions", f"/v1/cases/{complained.id}", after=complained.position)

    assert card["name"] == "Ann Example"
    assert totals["totals"][0]["revenue"] == "30.10"
    assert case["category"] == "delivery"
    # The reaction's own view shows the task a moment later: it is a fact of another ledger.
    assert [task["kind"] for task in tasks["tasks"]] in ([], ["answer_complaint"])


async def test_one_customer_is_seen_by_every_service(client: Client) -> None:
    ann, _ = await create_ann(client)
    await client.wish("interactions", "/v1/purchases", {"customer": ANN, "total": "30.10", "currency": "EUR"})
    case = await client.wish(
        "interactions", "/v1/complaints", {"customer": ANN, "category": "delivery", "channel": "email"}
    )

    async def has_arrived() -> bool:
        return len(await timeline(client, ann)) == 7 and await stage(client, ann) == "first_time"

    await until(has_arrived, seconds=SECONDS, what="facts of all services are on Ann's timeline")
    entries = await timeline(client, ann)
    (task,) = (await client.read("workflow", "/v1/tasks", customer=ann))["tasks"]
    listed = await client.read("contacts", "/v1/customers", q="exampl")
    report = await client.read("analytics", "/v1/report")

    assert {entry["type"] for entry in entries} == {
        "crm.customer.created.v1",
        "crm.customer.purchased.v1",
        "crm.customer.complained.v1",
        "crm.run.started.v1",
        "crm.task.created.v1",
        "crm.customer.stage_reached.v1",
    }
    assert {entry["source"] for entry in entries} == {"contacts", "interactions", "workflow", "analytics"}
    assert (task["kind"], task["about_id"], task["state"]) == ("answer_complaint", case.id, "open")
    assert [customer["id"] for customer in listed["customers"]] == [ann]
    assert report["purchases"]["revenue"]["total"] == "30.10"
    assert report["complaints"]["by_category"][0]["category"] == "delivery"


async def test_the_console_shows_the_same_customer(suite: Suite, client: Client, tenant: str) -> None:
    ann, created = await create_ann(client)

    through_the_door = await client.read("console", f"/api/contacts/v1/customers/{ann}", after=created)
    shown = await suite.verb("customer", "show", ann, "--json", tenant=tenant)

    assert through_the_door["name"] == "Ann Example"
    assert shown.code == 0, shown.error
    assert "Ann Example" in shown.out


async def test_a_repeat_of_a_command_gives_its_first_answer(client: Client) -> None:
    body = {"customer": ANN, "total": "30.10", "currency": "EUR"}

    first, again = [
        await client.post("interactions", "/v1/purchases", body, idempotency_key="one-purchase") for _ in range(2)
    ]

    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert again.headers[POSITION] == first.headers[POSITION]


async def timeline(client: Client, customer: str) -> list[Json]:
    """Return what is on a customer's timeline."""
    entries: list[Json] = (await client.read("interactions", f"/v1/customers/{customer}/timeline"))["entries"]
    return entries


async def stage(client: Client, customer: str) -> str | None:
    """Return the stage that a customer has reached."""
    current: str | None = (await client.read("analytics", f"/v1/customers/{customer}/stage"))["current"]
    return current
