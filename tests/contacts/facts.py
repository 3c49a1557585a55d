"""Facts about Ann for tests of decisions."""

from rapport_events.contracts.contacts import (
    CustomerCreated,
    CustomerCreatedPii,
    CustomerIdentityLinked,
    CustomerIdentityUnlinked,
    Names,
)
from rapport_events.ids import CustomerId
from rapport_events.testing import ANN, BOB

ANN_CREATED = CustomerCreated(
    customer_id=CustomerId(ANN),
    kind="person",
    source="shop",
    attributes={"job": "clerk"},
    pii=CustomerCreatedPii(names=Names(display="Ann Young"), emails=("ann@example.org",)),
)
BOB_LINKED = CustomerIdentityLinked(
    linked_id=CustomerId(BOB), kind="external", system="shop", strength="strong", method="declared"
)
BOB_UNLINKED = CustomerIdentityUnlinked(linked_id=CustomerId(BOB), kind="external", system="shop")
