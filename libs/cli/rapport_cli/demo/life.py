"""One customer's year with the demonstration company."""

from datetime import datetime, timedelta
from random import Random
from typing import Final

from rapport_cli.demo.person import make_address, make_person
from rapport_cli.demo.season import Year
from rapport_cli.demo.shopping import buy
from rapport_cli.demo.story import ADA, HELPDESK, Life, Story, customer_of
from rapport_cli.demo.trouble import complain
from rapport_cli.demo.words import Habit, Words

_EARLY_DAYS: Final = 30
_EARLY: Final = 0.45
"""Share of those who were known when the year began, or soon after."""
_TROUBLED: Final = 0.08
_WITHDRAWN: Final = 0.08
_RECOMMENDED: Final = 0.12
_ADAS_HABIT: Final = Habit("devoted", (9, 9), 5)


def write_life(words: Words, year: Year, seed: int, number: int) -> Life:
    """Write the life of the customer with this number."""
    story = Story(words, year, seed, number)
    dice = story.random
    habit = dice.choices(words.habits, cum_weights=words.habit_shares)[0]
    habit = _ADAS_HABIT if number == ADA else habit
    joined = _join(story)
    _refer(story, joined)
    for bought in buy(story, joined, dice.randint(*habit.purchases)):
        if dice.random() < _TROUBLED or (number == ADA and bought.order.endswith("-3")):
            complain(story, bought)
    _talk(
        story, joined, habit.contacts if number == ADA else dice.randint(0 if habit.purchases[0] else 1, habit.contacts)
    )
    return story.end()


def _join(story: Story) -> datetime:
    """Tell how the customer became known, and what may be sent to whom."""
    dice, year = story.random, story.year
    joined = _joined_at(story.year, story.seed, story.number)
    story.tell_of_customer(joined, "create_customer", make_person(dice, story.words, story.number))
    if story.happens(0.6):
        wish = {"purpose": "newsletter", "channel": "email", "wording_version": "2024-11"}
        story.tell_of_customer(joined + timedelta(minutes=2), "grant_consent", wish)
        if dice.random() < _WITHDRAWN:
            ended = year.moment(dice, joined)
            story.tell_of_customer(ended, "withdraw_consent", {"purpose": "newsletter", "channel": "email"})
    if story.happens(0.05):
        moved = year.moment(dice, joined)
        new = {"addresses": [make_address(dice, story.words)]}
        story.tell_of_customer(moved, "change_profile", {"pii": new, "reason": "moved"})
    return joined


def _joined_at(year: Year, seed: int, number: int) -> datetime:
    """Say when a customer became known, without writing the whole life: others may have to know."""
    dice = Random(f"{seed}/{number}/joined")  # noqa: S311 - a story, not a secret
    if number == ADA:
        return year.begin + timedelta(days=4, hours=10)
    if dice.random() < _EARLY:
        return year.begin + timedelta(seconds=dice.randrange(_EARLY_DAYS * 86_400))
    return year.day(dice)


def _refer(story: Story, joined: datetime) -> None:
    """Tell who recommended the company to this customer, if somebody did: one who came earlier."""
    dice = story.random
    if story.number == ADA:
        return
    referrer = ADA if story.number == 1 else dice.randrange(story.number)
    came_first = _joined_at(story.year, story.seed, referrer) < joined
    if story.number == 1 or (dice.random() < _RECOMMENDED and came_first):
        body = {
            "customer": customer_of(story.seed, referrer),
            "referred": customer_of(story.seed, story.number),
            "external": {"system": HELPDESK, "id": f"{story.name}-ref"},
        }
        story.tell(joined + timedelta(minutes=1), "record_referral", body)


def _talk(story: Story, joined: datetime, count: int) -> None:
    """Tell of so many times that somebody was in touch."""
    for turn in range(1, count + 1):
        talk = story.random.choice(story.words.talks)
        at = story.year.moment(story.random, joined)
        body: dict[str, object] = {
            "external": {"system": HELPDESK, "id": f"{story.name}-t{turn}"},
            **{name: talk[name] for name in ("channel", "direction", "outcome")},
            "agent_id": story.random.choice(story.words.agents),
            "pii": {"subject": talk["subject"], "body": talk["body"]},
        }
        if talk["channel"] == "phone":
            body["started_at"] = at.isoformat()
            body["ended_at"] = (at + timedelta(seconds=story.random.randrange(20, 900))).isoformat()
        story.tell_of_customer(at, "record_contact", body)
