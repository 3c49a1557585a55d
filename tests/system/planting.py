"""Twenty names that must never be seen, put into every place that takes a person's words."""

from typing import Final

from tests.system.client import Client, Json

PLANTED: Final = (
    *("Quarzolino", "Brimvasque", "Tolkendrax", "Yvorgental", "Mexplubier"),
    *("Zhandoviro", "Kapstrumel", "Wendliquor", "Fjordansky", "Ulpograven"),
    *("Drostokain", "Hexamirole", "Jumprantil", "Nivquester", "Oblongarde"),
    *("Plauzinsky", "Rubixander", "Svalbegone", "Trompelard", "Vexillorum"),
)
DIGITS: Final = "6609781523941"
"""A phone number's digits, which a search may keep without the signs between them."""
CONTROL: Final = "not_personal_at_all"
"""A code, which is no person's: where it is not found either, the search is broken."""


async def plant(client: Client) -> str:
    """Tell the suite all of these names, and return the id of a customer who has most of them."""
    names = iter(PLANTED)
    email = f"{next(names)}@example.test"
    customer = {"system": "shop", "external_id": f"{next(names)}-17"}
    ann = (
        await client.wish(
            "contacts",
            "/v1/customers",
            {
                "customer": customer,
                "source": CONTROL,
                "pii": {
                    "name": f"Ann {next(names)}",
                    "given": next(names),
                    "family": next(names),
                    "emails": [email, f"second@{next(names)}.test"],
                    "phones": [f"+{DIGITS[:2]} {DIGITS[2:6]} {DIGITS[6:]}", next(names)],
                    "addresses": [{"lines": [f"1 {next(names)} Street"], "city": next(names)}],
                },
            },
            Idempotency_Key=f"import-of-{next(names)}",
        )
    ).id
    profile = {"pii": {"names": {"display": f"Ann Married {next(names)}"}}}
    await client.wish("contacts", f"/v1/customers/{ann}/change_profile", profile)
    linked = {"identity": {"email": f"{next(names)}@example.test"}}
    await client.wish("contacts", f"/v1/customers/{ann}/link_identity", linked)
    said = {"subject": f"about {next(names)}", "body": f"Dear {next(names)}, thank you."}
    contact = {"customer": customer, "channel": "email", "direction": "inbound", "outcome": CONTROL, "pii": said}
    await client.wish("interactions", "/v1/contacts", contact)
    await _complain(client, customer, next(names), next(names), next(names))
    titled = {
        "customer": {"id": ann},
        "kind": CONTROL,
        "title": f"Call {next(names)}",
        "note": f"ask for {next(names)}",
    }
    task = await client.wish("workflow", "/v1/tasks", titled)
    noted = {"outcome": CONTROL, "note": f"spoke with {next(names)}"}
    await client.wish("workflow", f"/v1/tasks/{task.id}/complete", noted)
    assert next(names, None) is None, "every name was told"
    return ann


async def _complain(client: Client, customer: Json, text: str, body: str, note: str) -> None:
    complaint = {"customer": customer, "category": CONTROL, "channel": "web", "pii": {"text": f"Where is {text}?"}}
    case = (await client.wish("interactions", "/v1/complaints", complaint)).id
    await client.wish("interactions", f"/v1/cases/{case}/respond", {"pii": {"body": f"Sorry, {body}."}})
    resolved = {"resolution_code": CONTROL, "pii": {"note": f"paid to {note}"}}
    await client.wish("interactions", f"/v1/cases/{case}/resolve", resolved)


def hits(text: bytes) -> list[str]:
    """Name what is found of the planted ones, however it is written."""
    lowered = text.lower()
    return [name for name in (*PLANTED, DIGITS) if name.lower().encode() in lowered]
