"""Every way contacts says no."""

from rapport_events.errors import Malformed, Missing


class CustomerNotFound(Missing):
    """Nobody is known under this id; create the customer first."""

    code = "customer_not_found"


class QueryTooShort(Malformed):
    """Search for at least two letters or three digits."""

    code = "query_too_short"
