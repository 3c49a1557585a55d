"""When a customer's first purchase is a large one, a sequence of thanks begins."""

from collections.abc import Sequence
from typing import ClassVar

from rapport_events.contracts.interactions import CustomerPurchased
from rapport_events.reactions import Known, Reaction, Reply
from rapport_events.view import Fact
from rapport_workflow.heard import Purchased
from rapport_workflow.rules import THANK_FOR_FIRST_PURCHASE
from rapport_workflow.run import start


class ThankForFirstPurchase(Reaction):
    """Starts the run."""

    name = "thank_for_first_purchase"
    reads: ClassVar = {CustomerPurchased: Purchased}

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        """Start it, if the purchase is the first and large enough."""
        return start(THANK_FOR_FIRST_PURCHASE, fact, known)
