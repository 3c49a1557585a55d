"""What a mapping may say about each type of event: which service takes it, by which command, with which fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from rapport_events.contracts.base import Channel

Check = Literal["code", "choice", "number", "currency", "boolean", "reference", "subject_line", "text"]
Service = Literal["contacts", "interactions"]

SERVICES: Final[tuple[Service, ...]] = ("contacts", "interactions")
ITEM_FIELDS: Final = ("sku", "product_id", "description", "qty", "unit_price", "line_total", "discount", "cost")
ITEM_NUMBERS: Final = ("qty", "unit_price", "line_total", "discount", "cost")
ITEM_LENGTH_MAX: Final = 200

_CHANNELS: Final[tuple[str, ...]] = get_args(Channel)


@dataclass(frozen=True, slots=True)
class Member:
    """One field of a command: what its text must be, and whether it may be absent."""

    check: Check
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of event as an import sees it."""

    type: str
    """As the event is called on the wire."""
    service: Service
    command: str
    fields: Mapping[str, Member]
    pii: Mapping[str, int] = field(default_factory=dict[str, int])
    """Personal members and their greatest length."""
    lists: tuple[str, ...] = ()
    """Personal members that hold several values."""
    takes_items: bool = False
    once_per_subject: bool = False
    """Only the first usable row of a subject makes the event."""
    needs_subject: bool = True
    has_external: bool = True
    follows: bool = False
    """Whether it is about another fact, which must be recorded before."""


_CHANNEL = Member("choice", choices=_CHANNELS)
_CODE = Member("code")
_NUMBER = Member("number")

KINDS: Final[Mapping[str, Kind]] = {
    "customer.created": Kind(
        type="crm.customer.created.v1",
        service="contacts",
        command="create_customer",
        fields={"kind": Member("choice", required=True, choices=("person", "organization")), "source": _CODE},
        pii={"name": 320, "emails": 320, "phones": 320},
        lists=("emails", "phones"),
        once_per_subject=True,
        has_external=False,
    ),
    "customer.contacted": Kind(
        type="crm.customer.contacted.v1",
        service="interactions",
        command="record_contact",
        fields={
            "channel": Member("choice", required=True, choices=_CHANNELS),
            "channel_detail": _CODE,
            "direction": Member("choice", required=True, choices=("inbound", "outbound", "unknown")),
            "outcome": _CODE,
            "agent_id": Member("reference"),
        },
        pii={"subject": 1_000, "body": 65_536},
    ),
    "customer.purchased": Kind(
        type="crm.customer.purchased.v1",
        service="interactions",
        command="record_purchase",
        fields={
            "total": _NUMBER,
            "currency": Member("currency"),
            "tax": _NUMBER,
            "coupon": _CODE,
            "store": _CODE,
            "channel": _CHANNEL,
            "channel_detail": _CODE,
        },
        takes_items=True,
    ),
    "purchase.refunded": Kind(
        type="crm.purchase.refunded.v1",
        service="interactions",
        command="refund_purchase",
        fields={
            "amount": _NUMBER,
            "currency": Member("currency"),
            "reason": _CODE,
            "purchase": Member("reference"),
        },
        takes_items=True,
        follows=True,
    ),
    "customer.complained": Kind(
        type="crm.customer.complained.v1",
        service="interactions",
        command="file_complaint",
        fields={
            "category": Member("code", required=True),
            "severity": Member("choice", choices=("low", "normal", "high", "critical")),
            "channel": Member("choice", required=True, choices=_CHANNELS),
            "channel_detail": _CODE,
            "demanded_remedy": _CODE,
        },
        pii={"text": 65_536},
    ),
    "case.responded": Kind(
        type="crm.case.responded.v1",
        service="interactions",
        command="respond_case",
        fields={
            "case": Member("reference"),
            "first_response": Member("boolean"),
            "channel": _CHANNEL,
            "agent_id": Member("reference"),
        },
        pii={"body": 65_536},
        needs_subject=False,
        follows=True,
    ),
}
"""Types that a mapping may name, without `crm.` and version."""

FOLLOWERS: Final = frozenset(kind.type for kind in KINDS.values() if kind.follows)
"""Types on the wire of facts that are about other facts."""
TOTAL_OF: Final = {"customer.purchased": "total", "purchase.refunded": "amount"}
"""The field that is the sum of the items' line totals where a mapping does not give it."""
