"""The view of cases says how each one stands."""

from uuid import UUID

from rapport_events.ids import CustomerId
from rapport_events.testing import ANN, TENANT, THING
from tests.interactions.wishes import complain, wish
from tests.slices import Slices


async def test_a_new_case_is_open_and_tells_the_complaint(interactions: Slices) -> None:
    said = {"channel_detail": "Form 2", "attributes": {"product": "lamp"}, "pii": {"text": "Broken!"}}
    case = await complain(interactions, "77", severity="high", **said)

    shown = await interactions.ask(f"/v1/cases/{case}")

    assert (shown["id"], shown["customer_id"], shown["status"]) == (case, str(ANN), "open")
    assert (shown["category"], shown["severity"], shown["case_ref"]) == ("delivery", "high", "77")
    assert (shown["channel"], shown["channel_detail"], shown["attributes"]) == ("web", "Form 2", {"product": "lamp"})
    assert (shown["complaint"], shown["responses"], shown["responded_at"]) == ("Broken!", 0, None)


async def test_a_case_goes_on_until_it_is_settled_and_opened_again(interactions: Slices) -> None:
    case = await complain(interactions)
    route = f"/v1/cases/{case}"
    await wish(interactions, f"{route}/classify", category="courier", severity="low", department="care")
    await wish(interactions, f"{route}/assign", agent_id="agent-7")
    await wish(interactions, f"{route}/respond", at="2026-03-02T12:00:00Z", attributes={"timely": "yes"})
    await wish(interactions, f"{route}/respond", at="2026-03-03T12:00:00Z")
    await wish(interactions, f"{route}/resolve", resolution_code="replaced")

    shown = await interactions.ask(route)
    assert (shown["category"], shown["severity"], shown["department"]) == ("courier", "low", "care")
    assert (shown["agent_id"], shown["responses"]) == ("agent-7", 2)
    assert (shown["responded_at"], shown["response_attributes"]) == ("2026-03-02T12:00:00Z", {"timely": "yes"})
    assert (shown["status"], shown["resolution_code"]) == ("resolved", "replaced")

    await wish(interactions, f"{route}/reopen", reason="again")
    shown = await interactions.ask(route)
    assert (shown["status"], shown["resolution_code"], shown["resolved_at"]) == ("open", None, None)
    assert shown["reopenings"] == 1


async def test_a_whole_case_in_one_batch_equals_one_in_several(interactions: Slices) -> None:
    lines = (
        '{"command":"file_complaint","body":{"customer":{"email":"ann@example.org"},"category":"late",'
        '"channel":"web","external":{"system":"shop","id":"1"}}}\n'
        '{"command":"respond_case","body":{"case":{"system":"shop","id":"1"},"external":{"system":"shop","id":"1"}}}\n'
        '{"command":"resolve_case","body":{"case":{"system":"shop","id":"1"},"resolution_code":"paid"}}\n'
    )
    answer = await interactions.client.post(
        "/v1/commands:batch", content=lines, headers={"Content-Type": "application/x-ndjson"}
    )
    await interactions.fold()
    case = answer.text.split('"stream":"case-')[1][:36]

    shown = await interactions.ask(f"/v1/cases/{case}")
    assert (shown["status"], shown["responses"], shown["resolution_code"]) == ("resolved", 1, "paid")


async def test_the_words_of_an_erased_person_are_gone(interactions: Slices) -> None:
    case = await complain(interactions, pii={"text": "Broken!"})
    await interactions.keyring.destroy(TENANT, [CustomerId(UUID(str(ANN)))])

    assert (await interactions.ask(f"/v1/cases/{case}"))["complaint"] == "redacted"


async def test_a_case_of_another_tenant_is_not_there(interactions: Slices) -> None:
    case = await complain(interactions, "1", pii={"text": "Broken!"})
    other = interactions.token("interactions:read personal:read", tenant="bolt")

    for unknown, headers in ((case, other), (str(THING), {})):
        answer = await interactions.client.get(f"/v1/cases/{unknown}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
