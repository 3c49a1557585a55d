"""What goes wrong with a purchase, and what the company makes of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from rapport_cli.demo.shopping import Bought
from rapport_cli.demo.story import HELPDESK, SHOP, Story, money

_PROMPT: Final = timedelta(days=3)
_CHANNELS: Final = ("email", "phone", "chat", "in_person", "social")
_CHANNEL_SHARES: Final = (45, 70, 87, 95, 100)
_AGAIN: Final = "It happened again, with the very next parcel."
_MYSELF: Final = "I am looking after this myself now and will call you tomorrow."
_REFUNDED: Final = frozenset({"damaged", "billing", "quality"})


def complain(story: Story, bought: Bought) -> None:
    """Tell of a complaint about a purchase, and of what followed until the year ended."""
    words, dice = story.words, story.random
    trouble = dice.choices(words.troubles, cum_weights=words.trouble_shares)[0]
    at = bought.at + _wait(story, 0.5, 9)
    case = Case(story, f"{bought.order}-c", dice.choices(_CHANNELS, cum_weights=_CHANNEL_SHARES)[0], trouble)
    said = {
        "external": {"system": HELPDESK, "id": case.number},
        "category": trouble["category"],
        "severity": trouble["severity"],
        "channel": case.channel,
        "about": {"kind": "product", "code": bought.sku},
        "demanded_remedy": trouble["remedy"],
        "pii": {"text": trouble["text"]},
    }
    story.tell_of_customer(at, "file_complaint", said)
    case.handle(at)
    if trouble["category"] in _REFUNDED and story.happens(0.5):
        _refund(story, bought, at + _wait(story, 1, 6), trouble["category"])


class Case:
    """A complaint on its way through the company."""

    def __init__(self, story: Story, number: str, channel: str, trouble: Mapping[str, str]) -> None:
        self.number = number
        self.channel = channel
        self._story = story
        self._trouble = trouble
        self._agent = story.random.choice(story.words.agents)

    def handle(self, began: datetime) -> None:
        """Tell of all that is done about it."""
        story, trouble = self._story, self._trouble
        at = began + _wait(story, 0.01, 0.4)
        kind = {name: trouble[name] for name in ("category", "severity", "department")}
        self._tell(at, "classify_case", kind)
        at += _wait(story, 0.01, 0.3)
        self._tell(at, "assign_case", {"agent_id": self._agent, "department": trouble["department"]})
        if not story.happens(0.93):
            return
        at += _wait(story, 0.1, 5)
        self._respond(at, 1, trouble["answer"], {"timely": "yes" if at - began <= _PROMPT else "no"})
        if not story.happens(0.9):
            return
        at += _wait(story, 0.3, 6)
        self._resolve(at)
        if story.happens(0.12):
            at += _wait(story, 1, 8)
            self._tell(at, "reopen_case", {"reason": "not_settled", "pii": {"text": _AGAIN}})
            at += _wait(story, 0.2, 2)
            self._respond(at, 2, _MYSELF, {})
            at += _wait(story, 0.5, 4)
            self._resolve(at)

    def _respond(self, at: datetime, turn: int, text: str, attributes: Mapping[str, str]) -> None:
        external = {"system": HELPDESK, "id": f"{self.number}-{turn}"}
        said = {"channel": self.channel, "agent_id": self._agent, "attributes": attributes, "pii": {"body": text}}
        self._tell(at, "respond_case", {"external": external, **said})

    def _resolve(self, at: datetime) -> None:
        settled = {"resolution_code": self._trouble["remedy"], "agent_id": self._agent}
        self._tell(at, "resolve_case", {**settled, "pii": {"note": self._trouble["note"]}})

    def _tell(self, at: datetime, command: str, body: Mapping[str, object]) -> None:
        self._story.tell(at, command, {"case": {"system": HELPDESK, "id": self.number}, **body})


def _refund(story: Story, bought: Bought, at: datetime, reason: str) -> None:
    share = story.random.choice((100, 100, 50, 25))
    story.tell_of_customer(
        at,
        "refund_purchase",
        {
            "external": {"system": SHOP, "id": f"{bought.order}-r"},
            "purchase": {"system": SHOP, "id": bought.order},
            "amount": money(bought.cents * share // 100),
            "currency": str(story.words.tenant["currency"]),
            "reason": reason,
        },
    )


def _wait(story: Story, least: float, most: float) -> timedelta:
    """Let some days pass."""
    return timedelta(seconds=int(86_400 * story.random.uniform(least, most)))
