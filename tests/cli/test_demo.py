"""The made-up company is plausible, the same each time, and said in commands that services take."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from rapport_chassis.service import Service
from rapport_cli.demo.life import write_life
from rapport_cli.demo.person import ADAS_EMAIL
from rapport_cli.demo.season import Year
from rapport_cli.demo.story import Life, Line
from rapport_cli.demo.words import load_words
from rapport_contacts.app import service as contacts
from rapport_interactions.app import service as interactions

COUNT = 400


def write(number: int, seed: int = 7) -> Life:
    words = load_words()
    return write_life(words, Year(2025, words.months), seed, number)


def body_of(line: Line) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", line["body"])


def at(line: Line) -> datetime:
    return datetime.fromisoformat(body_of(line)["at"])


@pytest.fixture(scope="module")
def company() -> list[Life]:
    """Write the lives of a small company."""
    return [write(number) for number in range(COUNT)]


@pytest.mark.parametrize("service", [contacts, interactions], ids=["contacts", "interactions"])
def test_every_line_is_one_that_its_service_takes(service: Service, company: list[Life]) -> None:
    handlers = {handler.name: handler.command for handler in service.handlers}
    lines = [line for life in company for line in (life.contacts if service is contacts else life.interactions)]
    for line in lines:
        handlers[str(line["command"])].model_validate(line["body"])
    assert len(lines) > COUNT


def test_the_same_seed_writes_the_same_lives_and_another_one_others(company: list[Life]) -> None:
    assert [write(number) for number in range(20)] == company[:20]
    assert write(5, seed=8) != company[5]


def test_every_line_can_be_sent_twice(company: list[Life]) -> None:
    """A fact has a name from outside, everything else a key; only what comes first of a customer needs neither."""
    lines = [line for life in company for line in (*life.contacts, *life.interactions)]
    names = [str(line.get("key") or body_of(line)["external"]) + str(line["command"]) for line in lines]
    assert len(names) == len(set(names))


def test_a_life_is_told_in_order_and_within_the_year(company: list[Life]) -> None:
    for life in company:
        for lines in (life.contacts, life.interactions):
            moments = [at(line) for line in lines]
            assert moments == sorted(moments)
            assert all(moment.year == 2025 for moment in moments)
        own = [line for line in life.interactions if line["command"] != "record_referral"]
        assert all(at(line) > at(life.contacts[0]) for line in own)


def test_everything_happens_in_the_company(company: list[Life]) -> None:
    told = Counter(str(line["command"]) for life in company for line in (*life.contacts, *life.interactions))
    every = {handler.name for service in (contacts, interactions) for handler in service.handlers}
    for_operators = {"start_import", "complete_import", "configure_tenant"} | {
        f"{verb}_webhook" for verb in ("disable", "enable", "remove", "replay")
    }
    about_two = {"link_identity", "unlink_identity", "merge_customers", "unmerge_customer"}
    about_privacy = {"request_access", "deliver_export", "erase_customer", "refuse_erasure"}
    not_told = for_operators | about_two | about_privacy
    assert set(told) == every - not_told
    # Of those who complain most get an answer, and some stay unanswered.
    assert 0.7 < told["resolve_case"] / told["file_complaint"] < 1.1
    assert 0.04 < told["file_complaint"] / told["record_purchase"] < 0.13


def test_more_is_bought_before_christmas_than_in_summer(company: list[Life]) -> None:
    months = Counter(
        at(line).month for life in company for line in life.interactions if line["command"] == "record_purchase"
    )
    assert months[12] > 1.5 * months[7]


def test_a_bit_of_everything_happens_to_the_first_customer(company: list[Life]) -> None:
    ada = company[0]
    assert body_of(ada.contacts[0])["pii"]["emails"] == [ADAS_EMAIL]
    happened = {str(line["command"]) for line in (*ada.contacts, *ada.interactions)}
    assert {"grant_consent", "change_profile", "reopen_case", "refund_purchase", "record_contact"} <= happened
    assert company[1].interactions[0]["command"] == "record_referral"


def test_a_year_has_all_its_days() -> None:
    words = load_words()
    year = Year(2024, words.months)
    life = write_life(words, year, 7, 0)
    assert all(year.begin <= at(line) < datetime(2025, 1, 1, tzinfo=UTC) for line in life.interactions)
