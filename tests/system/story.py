"""A small company's day, told by every command that there is; told twice, it is still one day."""

from dataclasses import dataclass, field

from tests.system.client import Client, Json

NOON = "2026-03-02T12:00:00Z"
ANN = {"system": "shop", "external_id": "ann"}
BOB = {"system": "shop", "external_id": "bob"}
CLEO = {"email": "cleo@example.test"}
PEOPLE = {"ann": ANN, "bob": BOB, "cleo": CLEO}
IMPORT = "0192a000-0000-7000-8000-000000000007"


@dataclass(slots=True)
class Story:
    """Tells commands, each under a key of its own: the same key is the same wish."""

    client: Client
    with_keys: bool = True
    """Without keys only the outside names of facts tell that something was said before."""
    answers: list[Json] = field(default_factory=list[Json])
    told: list[tuple[str, str, Json]] = field(default_factory=list[tuple[str, str, Json]])

    async def tell(self, service: str, path: str, body: Json) -> str:
        """Wish something, and return the id of what it is about."""
        key = {"idempotency_key": f"story-{len(self.told)}"} if self.with_keys else {}
        done = await self.client.wish(service, path, {"at": NOON, **body}, **key)
        self.answers.append(done.body)
        self.told.append((service, path, body))
        return done.id


async def whole_day(client: Client) -> Story:
    """Tell everything."""
    story = Story(client)
    ann = await known(story)
    await bought(story)
    await complained(story)
    await worked(story, ann)
    return story


async def known(story: Story) -> str:
    """Let everybody become known, and return Ann's id."""
    ids: dict[str, str] = {}
    await story.tell("contacts", "/v1/tenant/configure", {"name": "day", "zone": "Europe/Vienna", "currency": "EUR"})
    for name, person in PEOPLE.items():
        about = {"customer": person, "source": "shop", "pii": {"name": f"{name} example", "phones": ["+43 1 234567"]}}
        ids[name] = await story.tell("contacts", "/v1/customers", about)
    ann = f"/v1/customers/{ids['ann']}"
    await story.tell("contacts", f"{ann}/change_profile", {"attributes": {"vip": True}})
    await story.tell("contacts", f"{ann}/link_identity", {"identity": {"email": "ann@example.test"}})
    await story.tell("contacts", f"{ann}/link_identity", {"identity": {"system": "forum", "external_id": "ann"}})
    await story.tell("contacts", f"{ann}/unlink_identity", {"identity": {"system": "forum", "external_id": "ann"}})
    await story.tell("contacts", f"{ann}/grant_consent", {"purpose": "marketing", "wording_version": "1"})
    await story.tell("contacts", f"{ann}/withdraw_consent", {"purpose": "marketing"})
    return ids["ann"]


async def bought(story: Story) -> None:
    """Let purchases be made, and some be given back."""
    for number in range(8):
        buyer = (ANN, BOB)[number % 3 == 0]
        order = {"system": "shop", "id": f"order {number}"}
        sale = {"customer": buyer, "external": order, "total": f"{number}.10", "currency": "EUR", "channel": "web"}
        await story.tell("interactions", "/v1/purchases", sale)
    refund = {"customer": ANN, "purchase": {"system": "shop", "id": "order 1"}, "amount": "1.10", "currency": "EUR"}
    await story.tell("interactions", "/v1/refunds", refund | {"external": {"system": "shop", "id": "back 1"}})
    friend = {"customer": ANN, "referred": CLEO, "external": {"system": "shop", "id": "friend 1"}}
    await story.tell("interactions", "/v1/referrals", friend)
    call = {"customer": CLEO, "channel": "phone", "direction": "outbound", "outcome": "success"}
    await story.tell("interactions", "/v1/contacts", call | {"external": {"system": "shop", "id": "call 1"}})


async def complained(story: Story) -> None:
    """Let somebody complain, be answered, and not be satisfied at first."""
    number = {"system": "shop", "id": "complaint 1"}
    said = {"customer": BOB, "external": number, "category": "delivery", "channel": "email"}
    case = await story.tell("interactions", "/v1/complaints", said | {"pii": {"text": "Where is it?"}})
    await story.tell("interactions", f"/v1/cases/{case}/classify", {"category": "billing"})
    await story.tell("interactions", f"/v1/cases/{case}/assign", {"department": "billing"})
    answer = {"external": {"system": "shop", "id": "answer 1"}, "pii": {"body": "We are looking."}}
    await story.tell("interactions", f"/v1/cases/{case}/respond", answer)
    await story.tell("interactions", f"/v1/cases/{case}/resolve", {"resolution_code": "paid"})
    await story.tell("interactions", f"/v1/cases/{case}/reopen", {"reason": "not_paid"})
    await story.tell("interactions", f"/v1/cases/{case}/resolve", {"resolution_code": "paid_again"})


async def worked(story: Story, ann: str) -> None:
    """Let people do things, and a file be read."""
    tasks = [await story.tell("workflow", "/v1/tasks", {"customer": {"id": ann}, "kind": "call"}) for _ in range(2)]
    await story.tell("workflow", f"/v1/tasks/{tasks[0]}/assign", {"assignee": "agent-1"})
    await story.tell("workflow", f"/v1/tasks/{tasks[0]}/complete", {"outcome": "reached"})
    await story.tell("workflow", f"/v1/tasks/{tasks[1]}/cancel", {"reason": "no_need"})
    file = {"import_id": IMPORT, "mapping": "day", "mapping_version": "1", "system": "shop"}
    await story.tell("interactions", "/v1/imports", file)
    await story.tell("interactions", f"/v1/imports/{IMPORT}/complete", file | {"rows": 9, "rows_used": 9})


async def figures(client: Client) -> Json:
    """Return the report of a tenant without what tells the time."""
    report = await client.read("analytics", "/v1/report")
    return {name: value for name, value in report.items() if name != "freshness"}
