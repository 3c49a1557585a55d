"""Whether we may, at a moment, and which event says so."""

from typing import Any

from tests.contacts.wishes import create, link, unlink
from tests.slices import Slices


async def say(contacts: Slices, customer: str, verb: str, day: int, **body: str) -> str:
    """Say a word on news at noon of a day in March, and return its event."""
    wish = {"purpose": "news", "at": f"2026-03-{day:02}T12:00:00Z", **body}
    answer = await contacts.wish(f"/v1/customers/{customer}/{verb}_consent", wish)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["event_ids"][0])


async def grant(contacts: Slices, customer: str, day: int, **body: str) -> str:
    return await say(contacts, customer, "grant", day, **{"wording_version": "1", **body})


async def withdraw(contacts: Slices, customer: str, day: int, **body: str) -> str:
    return await say(contacts, customer, "withdraw", day, **body)


async def ask(contacts: Slices, customer: str, day: int | None = None, **rest: str) -> dict[str, Any]:
    """Ask about news by e-mail, at the end of a day."""
    at = {"at": f"2026-03-{day:02}T23:00:00Z"} if day else {}
    return await contacts.ask(f"/v1/customers/{customer}/consent", purpose="news", **at, **{"channel": "email", **rest})


async def test_the_answer_names_the_event_that_says_so(contacts: Slices) -> None:
    ann = await create(contacts, "1")
    said = await grant(contacts, ann, 2, channel="email", wording_version="7", evidence_ref="form-1")

    answer = await ask(contacts, ann)

    assert (answer["allowed"], answer["state"], answer["because"]) == (True, "granted", said)
    assert answer["since"] == "2026-03-02T12:00:00Z"
    assert (answer["word"]["wording_version"], answer["word"]["evidence_ref"]) == ("7", "form-1")
    assert (await ask(contacts, ann, channel="phone"))["state"] == "never_said"
    assert (await ask(contacts, ann, 1))["because"] is None


async def test_the_word_that_happened_last_decides_however_late_it_was_recorded(contacts: Slices) -> None:
    ann = await create(contacts, "1")
    withdrawn = await withdraw(contacts, ann, 4, channel="email")
    granted = await grant(contacts, ann, 2, channel="email")

    assert (await ask(contacts, ann))["because"] == withdrawn
    assert (await ask(contacts, ann, 3))["because"] == granted


async def test_of_two_words_at_one_moment_the_withdrawal_counts(contacts: Slices) -> None:
    ann = await create(contacts, "1")
    withdrawn = await withdraw(contacts, ann, 2)
    await grant(contacts, ann, 2, channel="email")

    assert (await ask(contacts, ann))["because"] == withdrawn


async def test_a_consent_ends_when_it_is_no_longer_valid(contacts: Slices) -> None:
    ann = await create(contacts, "1")
    said = await grant(contacts, ann, 2, channel="email", valid_until="2026-03-05T00:00:00Z")

    assert (await ask(contacts, ann, 4))["allowed"] is True
    answer = await ask(contacts, ann, 5)
    assert (answer["allowed"], answer["state"], answer["because"]) == (False, "expired", said)


async def test_words_for_all_channels_cover_each_and_single_withdrawals_refuse_all_of_them(contacts: Slices) -> None:
    ann = await create(contacts, "1")
    await grant(contacts, ann, 2)
    everywhere = f"/v1/customers/{ann}/consent"
    assert (await ask(contacts, ann))["allowed"] is True
    assert (await contacts.ask(everywhere, purpose="news"))["allowed"] is True

    await withdraw(contacts, ann, 3, channel="email")

    assert (await ask(contacts, ann))["allowed"] is False
    assert (await ask(contacts, ann, channel="phone"))["allowed"] is True
    assert (await contacts.ask(everywhere, purpose="news"))["allowed"] is False
    shown = (await contacts.ask(f"/v1/customers/{ann}"))["consents"]
    assert [(word["channel"], word["state"]) for word in shown] == [(None, "granted"), ("email", "withdrawn")]


async def test_a_word_under_any_id_of_the_party_counts(contacts: Slices) -> None:
    ann, other = await create(contacts, "1"), await create(contacts, "2")
    await grant(contacts, ann, 2, channel="email")
    await link(contacts, ann, "2")
    withdrawn = await withdraw(contacts, other, 3)

    for customer in (ann, other):
        assert (await ask(contacts, customer))["because"] == withdrawn

    await unlink(contacts, ann, "2")
    assert (await ask(contacts, ann))["allowed"] is True
    assert (await ask(contacts, other))["allowed"] is False
