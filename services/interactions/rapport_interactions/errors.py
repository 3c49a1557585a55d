"""Every way interactions says no."""

from rapport_events.errors import Clash


class CurrencyDiffers(Clash):
    """A refund is in the currency of its purchase; record it without naming the purchase."""

    code = "currency_differs"


class CaseAlreadyResolved(Clash):
    """The case was settled in another way; reopen it first."""

    code = "case_already_resolved"


class CannotReferOneself(Clash):
    """A customer who recommends us recommends us to somebody else."""

    code = "cannot_refer_oneself"
