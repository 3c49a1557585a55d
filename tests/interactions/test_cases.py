"""Complaints, and the cases that they begin."""

import pytest
from pydantic import ValidationError

from rapport_events.command import CustomerRef, ExternalRef
from rapport_events.contracts.interactions import (
    CaseAssigned,
    CaseClassified,
    CaseReopened,
    CaseReopenedPii,
    CaseResolved,
    CaseResponded,
    CustomerComplained,
    CustomerComplainedPii,
)
from rapport_events.testing import ANN, THING, Deciding
from rapport_interactions.commands import (
    assign_case,
    classify_case,
    file_complaint,
    reopen_case,
    resolve_case,
    respond_case,
)
from rapport_interactions.commands.assign_case import AssignCase
from rapport_interactions.commands.classify_case import ClassifyCase
from rapport_interactions.commands.file_complaint import FileComplaint, Words
from rapport_interactions.commands.reopen_case import Reason, ReopenCase
from rapport_interactions.commands.resolve_case import ResolveCase
from rapport_interactions.commands.respond_case import RespondCase
from rapport_interactions.errors import CaseAlreadyResolved
from tests.interactions.wishes import complain, shop, wish
from tests.slices import Slices

COMPLAINED = CustomerComplained(case_id=THING, category="delivery", channel="web")
CLASSIFIED = CaseClassified(case_id=THING, category="courier", severity="high", author_kind="person")
ASSIGNED = CaseAssigned(case_id=THING, agent_id="agent-7", author_kind="rule", author_version="3")
RESPONDED = CaseResponded(case_id=THING, first_response=True)
RESOLVED = CaseResolved(case_id=THING, resolution_code="replaced")


def test_a_complaint_begins_a_case() -> None:
    external = ExternalRef(system="desk", id="77")
    command = FileComplaint(
        customer=CustomerRef(id=ANN), external=external, category="delivery", channel="web", pii=Words(text="Broken!")
    )
    told = {"case_ref": "77", "pii": CustomerComplainedPii(text="Broken!")}

    Deciding(file_complaint.HANDLER).when(command).then(COMPLAINED.model_copy(update=told))


def test_the_same_classification_is_no_news() -> None:
    classifying = Deciding(classify_case.HANDLER)
    command = ClassifyCase(case=THING, category="courier", severity="high")

    classifying.given(COMPLAINED).when(command).then(CLASSIFIED)
    classifying.given(COMPLAINED, CLASSIFIED).when(command).then_nothing()


def test_a_case_is_given_to_somebody_once() -> None:
    assigning = Deciding(assign_case.HANDLER)
    command = AssignCase(case=THING, agent_id="agent-7", author_kind="rule", author_version="3")

    assigning.given(COMPLAINED).when(command).then(ASSIGNED)
    assigning.given(COMPLAINED, ASSIGNED).when(command).then_nothing()


def test_an_assignment_names_somebody() -> None:
    with pytest.raises(ValidationError):
        AssignCase(case=THING)


def test_the_first_answer_is_told_as_the_first() -> None:
    responding = Deciding(respond_case.HANDLER)
    command = RespondCase(case=THING)

    responding.given(COMPLAINED).when(command).then(RESPONDED)
    responding.given(COMPLAINED, RESPONDED).when(command).then(RESPONDED.model_copy(update={"first_response": False}))
    responding.given(COMPLAINED, RESPONDED).when(command.model_copy(update={"first_response": True})).then(RESPONDED)


def test_a_case_is_settled_in_one_way_until_it_is_opened_again() -> None:
    resolving, reopening = Deciding(resolve_case.HANDLER), Deciding(reopen_case.HANDLER)
    command = ResolveCase(case=THING, resolution_code="replaced")
    otherwise = command.model_copy(update={"resolution_code": "refunded"})
    reopened = CaseReopened(case_id=THING, reason="broken_again", pii=CaseReopenedPii(text="Again!"))

    resolving.given(COMPLAINED).when(command).then(RESOLVED)
    resolving.given(COMPLAINED, RESOLVED).when(command).then_nothing()
    refusal = resolving.given(COMPLAINED, RESOLVED).when(otherwise).then_refuses(CaseAlreadyResolved)
    assert refusal.facts == {"case_id": THING, "resolution_code": "replaced"}

    reopening.given(COMPLAINED, RESOLVED).when(
        ReopenCase(case=THING, reason="broken_again", pii=Reason(text="Again!"))
    ).then(reopened)
    resolving.given(COMPLAINED, RESOLVED, reopened).when(otherwise).then(
        RESOLVED.model_copy(update={"resolution_code": "refunded"})
    )


def test_an_open_case_cannot_be_opened_again() -> None:
    Deciding(reopen_case.HANDLER).given(COMPLAINED).when(ReopenCase(case=THING)).then_nothing()


async def test_a_case_is_found_by_the_complaints_outside_name(interactions: Slices) -> None:
    case = await complain(interactions, "77")
    route, body = "/v1/commands:batch", '{"command":"respond_case","body":{"case":{"system":"shop","id":"77"}}}\n'

    answer = await interactions.client.post(route, content=body, headers={"Content-Type": "application/x-ndjson"})

    assert f'"stream":"case-{case}"' in answer.text


async def test_the_same_answer_is_one_fact(interactions: Slices) -> None:
    case = await complain(interactions)
    for _ in range(2):
        await wish(interactions, f"/v1/cases/{case}/respond", external=shop("a1"))

    assert (await interactions.ask(f"/v1/cases/{case}"))["responses"] == 1


async def test_a_case_that_nobody_knows_is_refused(interactions: Slices) -> None:
    answer = await interactions.wish(f"/v1/cases/{THING}/resolve", {"resolution_code": "replaced"})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
