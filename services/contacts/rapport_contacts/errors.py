"""Every way contacts says no."""

from rapport_events.errors import Clash, Malformed, Missing


class CustomerNotFound(Missing):
    """Nobody is known under this id; create the customer first."""

    code = "customer_not_found"


class CustomerNotKnownThen(Missing):
    """Nobody was known under this id at that moment; ask for a later one, or for now."""

    code = "customer_not_known_then"


class SearchHasNoPast(Malformed):
    """Search finds people by what they are called now; leave out q to list who was known then."""

    code = "search_has_no_past"


class QueryTooShort(Malformed):
    """Search for at least two letters or three digits."""

    code = "query_too_short"


class CannotMergeIntoItself(Clash):
    """A customer cannot be merged into itself; name another survivor."""

    code = "cannot_merge_into_itself"


class SurvivorNotFound(Missing):
    """Nobody is known under the survivor's id; create the survivor first, or merge the other way round."""

    code = "survivor_not_found"


class CustomerAlreadyMerged(Clash):
    """The customer is merged already; un-merge it first, or merge its survivor."""

    code = "customer_already_merged"


class AlreadyOneParty(Clash):
    """The two are one party already: the one was linked or merged into the other's party."""

    code = "already_one_party"


class PartyCircle(Clash):
    """This would close a circle: the other is a part of this customer's own party; do it the other way round."""

    code = "party_circle"


class CustomerIsLinked(Clash):
    """The customer is an outside name of another; merge that one, or unlink the name first."""

    code = "customer_is_linked"


class SurvivorIsPart(Clash):
    """The survivor was merged into or linked to another customer itself; merge into that one."""

    code = "survivor_is_part"


class IdentityIsMerged(Clash):
    """The customer who is known by this name was merged into another; merge the two, or un-merge it first."""

    code = "identity_is_merged"


class CustomerErased(Clash):
    """This customer was erased, or is being erased; somebody who comes back is a new customer."""

    code = "customer_erased"


class PartyNotAsShown(Clash):
    """All ids of a person are erased together, and these are not all or not only theirs; look at the preview again."""

    code = "party_not_as_shown"
