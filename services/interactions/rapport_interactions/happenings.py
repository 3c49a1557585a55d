"""What the timeline takes of each event: some members in clear, and at most one sealed text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast

import msgspec

from rapport_events.contracts.analytics import CustomerStageReached, SegmentEntered, SegmentLeft
from rapport_events.contracts.base import Event
from rapport_events.contracts.contacts import (
    ConsentGranted,
    ConsentWithdrawn,
    CustomerCreated,
    CustomerIdentityLinked,
    CustomerIdentityUnlinked,
    CustomerMerged,
    CustomerProfileChanged,
    CustomerUnmerged,
)
from rapport_events.contracts.interactions import (
    CaseAssigned,
    CaseClassified,
    CaseReopened,
    CaseResolved,
    CaseResponded,
    CustomerComplained,
    CustomerContacted,
    CustomerPurchased,
    PurchaseRefunded,
    ReferralMade,
)
from rapport_events.contracts.privacy import (
    PrivacyAccessRequested,
    PrivacyErasureCompleted,
    PrivacyErasureRefused,
    PrivacyErasureRequested,
    PrivacyExportDelivered,
)
from rapport_events.contracts.workflow import (
    EffectFailed,
    EffectPerformed,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    SendApproved,
    SendBlocked,
    TaskAssigned,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskDueChanged,
    TaskOverdue,
)

_RAW: Final = msgspec.Raw()
REFERRED: Final = "referred"
"""Role of the customer to whom somebody recommended us."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of an event: names of members, separated by spaces."""

    summary: str
    preview: str = ""
    """Members of `pii`, the most telling first; the first that there is becomes the text."""


TOLD: Final[Mapping[type[Event], Told]] = {
    CustomerCreated: Told("kind source attributes"),
    CustomerProfileChanged: Told("changes reason"),
    CustomerIdentityLinked: Told("linked_id kind system strength method", "value"),
    CustomerIdentityUnlinked: Told("linked_id kind system reason"),
    CustomerMerged: Told("survivor_id"),
    CustomerUnmerged: Told("survivor_id reason"),
    ConsentGranted: Told("purpose channel wording_version valid_until"),
    ConsentWithdrawn: Told("purpose channel wording_version"),
    PrivacyAccessRequested: Told("request_id due_at"),
    PrivacyExportDelivered: Told("request_id artefact_hash"),
    PrivacyErasureRequested: Told("request_id reason"),
    PrivacyErasureCompleted: Told("request_id erased_at certificate_hash"),
    PrivacyErasureRefused: Told("request_id legal_basis"),
    CustomerContacted: Told("channel channel_detail direction agent_id outcome attributes", "subject body"),
    CustomerPurchased: Told("order_ref total currency channel channel_detail store coupon attributes"),
    PurchaseRefunded: Told("purchase_id purchase_ref refund_ref amount currency reason attributes"),
    CustomerComplained: Told("case_id case_ref category severity channel channel_detail attributes", "text"),
    CaseClassified: Told("case_id category severity department author_kind"),
    CaseAssigned: Told("case_id agent_id department author_kind"),
    CaseResponded: Told("case_id first_response channel agent_id attributes", "body"),
    CaseResolved: Told("case_id resolution_code agent_id attributes", "note"),
    CaseReopened: Told("case_id reason", "text"),
    ReferralMade: Told("referred_id purchase_id"),
    TaskCreated: Told("task_id kind about assignee due_at rule", "title note"),
    TaskAssigned: Told("task_id assignee previous"),
    TaskDueChanged: Told("task_id due_at previous"),
    TaskCompleted: Told("task_id outcome", "note"),
    TaskCancelled: Told("task_id reason"),
    TaskOverdue: Told("task_id due_at"),
    RunStarted: Told("run_id rule rule_version about"),
    RunCompleted: Told("run_id"),
    RunFailed: Told("run_id step reason"),
    RunCancelled: Told("run_id reason"),
    SendApproved: Told("send_id run_id channel purpose template"),
    SendBlocked: Told("send_id run_id channel purpose reason"),
    EffectPerformed: Told("effect_key kind"),
    EffectFailed: Told("effect_key kind reason"),
    CustomerStageReached: Told("stage previous rule_version"),
    SegmentEntered: Told("segment_id version"),
    SegmentLeft: Told("segment_id version"),
}


class Party(msgspec.Struct):
    """Another customer who took part."""

    id: str
    role: str


class Happening(msgspec.Struct):
    """An event as the timeline decodes it: values stay the JSON that they are."""

    texts: ClassVar[tuple[str, ...]] = ()
    """Personal members, the most telling first."""

    def summary(self) -> str:
        """Return the members that are told, as JSON; of items only how many there are."""
        values = ((name, bytes(getattr(self, name))) for name in self.__struct_fields__ if name not in _APART)
        parts = [b'"%s":%s' % (name.encode(), value) for name, value in values if value and value != b"{}"]
        if lines := len(getattr(self, "items", ())):
            parts.append(b'"lines":%d' % lines)
        return (b"{%s}" % b",".join(parts)).decode()

    def preview(self) -> tuple[str | None, str | None]:
        """Return the pointer and the sealed text of the most telling personal member that there is."""
        sealed: Mapping[str, str] = getattr(self, "pii", {})
        return next(((f"/pii/{name}", sealed[name]) for name in self.texts if name in sealed), (None, None))

    def others(self) -> list[Party]:
        """Return who took part besides the event's subject."""
        referred: msgspec.Raw | None = getattr(self, "referred_id", None)
        if referred is not None:
            return [Party(bytes(referred).decode().strip('"'), REFERRED)]
        return getattr(self, "parties", [])


_APART = frozenset({"pii", "parties", "items"})


def happening(event: type[Event], told: Told) -> type[Happening]:
    """Make the struct into which the timeline decodes an event."""
    fields: list[tuple[str, Any, Any]] = [(name, msgspec.Raw, _RAW) for name in told.summary.split()]
    if told.preview:
        fields.append(("pii", dict[str, str], msgspec.field(default_factory=dict[str, str])))
    if "parties" in event.model_fields:
        fields.append(("parties", list[Party], msgspec.field(default_factory=list[Party])))
    if "items" in event.model_fields:
        fields.append(("items", list[msgspec.Raw], msgspec.field(default_factory=list[msgspec.Raw])))
    texts = {"texts": tuple(told.preview.split())}
    made = msgspec.defstruct(event.__name__, fields, bases=(Happening,), module=__name__, namespace=texts)
    return cast("type[Happening]", made)
