"""Facts for tests of analytics, told in order, and folded by all of its views."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from rapport_analytics.app import service
from rapport_events.contracts.analytics import Condition, SegmentDefined, SegmentRetired
from rapport_events.contracts.base import Channel, Event
from rapport_events.contracts.contacts import (
    ConsentGranted,
    ConsentWithdrawn,
    CustomerCreated,
    CustomerIdentityLinked,
    CustomerMerged,
    CustomerProfileChanged,
    CustomerUnmerged,
    ProfileChange,
    TenantConfigured,
)
from rapport_events.contracts.interactions import (
    CaseResponded,
    CustomerComplained,
    CustomerContacted,
    CustomerPurchased,
    PurchaseRefunded,
    ReferralMade,
)
from rapport_events.contracts.platform import ImportCompleted
from rapport_events.database import Pool
from rapport_events.envelope import Recorded
from rapport_events.ids import CustomerId, new_id, partition_of_customer
from rapport_events.testing import NOON, TENANT, Lines, fold


class Story:
    """Tells facts about customers; each is recorded a second after the one before."""

    def __init__(self) -> None:
        self.events: list[Recorded] = []
        self._lines = Lines()

    def _tell(self, event: Event, stream: str, subject: str, at: datetime) -> Recorded:
        recorded = self._lines.next(event, stream=stream, subject=subject, at=at)
        self.events.append(recorded)
        return recorded

    def _about(self, customer: UUID, noun: str, event: Event, at: datetime, thing: UUID | None = None) -> Recorded:
        thing = thing or self.thing(customer)
        return self._tell(event, f"{noun}-{thing}", str(customer), at)

    def thing(self, customer: UUID) -> UUID:
        """Make the id of a thing that begins under a customer."""
        return new_id(partition_of_customer(TENANT, CustomerId(customer)))

    def configured(self, zone: str, currency: str) -> None:
        """Set zone and currency."""
        event = TenantConfigured(name="Acme", zone=zone, currency=currency)
        self._tell(event, f"tenant-{TENANT}", str(TENANT), NOON)

    def imported(
        self, source: str, run: UUID, recorded: dict[str, int], *, rows: int = 9, skipped: dict[str, int]
    ) -> None:
        """Complete an import in the ledger of a service; one row could not be used."""
        event = ImportCompleted(
            import_id=run,
            mapping="sales",
            mapping_version="1",
            system="till",
            rows=rows,
            rows_used=rows - sum(skipped.values()) - 1,
            skipped=skipped,
            rejected={"malformed": 1},
            recorded=recorded,
        )
        stream = f"import-{run}"
        self.events.append(self._lines.next(event, stream=stream, subject=str(run), at=NOON, source=source))

    def created(self, customer: UUID, **attributes: str | bool | int) -> Recorded:
        """Make a customer known."""
        event = CustomerCreated(customer_id=CustomerId(customer), kind="person", source="test", attributes=attributes)
        return self._tell(event, f"customer-{customer}", str(customer), NOON)

    def bought(self, customer: UUID, total: str, at: datetime = NOON, currency: str = "EUR") -> Recorded:
        """Let a customer buy."""
        thing = self.thing(customer)
        event = CustomerPurchased(purchase_id=thing, total=Decimal(total), currency=currency)
        return self._about(customer, "purchase", event, at, thing)

    def refunded(self, customer: UUID, amount: str, at: datetime = NOON) -> Recorded:
        """Give money back."""
        thing = self.thing(customer)
        event = PurchaseRefunded(refund_id=thing, amount=Decimal(amount), currency="EUR")
        return self._about(customer, "refund", event, at, thing)

    def referred(self, customer: UUID, other: UUID, at: datetime = NOON) -> Recorded:
        """Let a customer recommend us to another."""
        thing = self.thing(customer)
        event = ReferralMade(referral_id=thing, referrer_id=CustomerId(customer), referred_id=CustomerId(other))
        return self._about(customer, "referral", event, at, thing)

    def contacted(
        self, customer: UUID, channel: Channel = "phone", at: datetime = NOON, **attributes: str | bool | int
    ) -> Recorded:
        """Let a customer and us be in touch."""
        thing = self.thing(customer)
        event = CustomerContacted(
            interaction_id=thing,
            channel=channel,
            direction="outbound",
            attributes=attributes,
        )
        return self._about(customer, "contact", event, at, thing)

    def complained(self, customer: UUID, category: str, at: datetime = NOON) -> UUID:
        """Let a customer complain, and return the case."""
        case = self.thing(customer)
        self._about(customer, "case", CustomerComplained(case_id=case, category=category, channel="web"), at, case)
        return case

    def responded(self, customer: UUID, case: UUID, *, timely: str) -> None:
        """Answer a complaint."""
        event = CaseResponded(case_id=case, first_response=True, attributes={"timely": timely})
        self._about(customer, "case", event, NOON + timedelta(hours=1), case)

    def defined(self, segment_id: str, condition: Condition, version: int = 1) -> Recorded:
        """Define a segment."""
        event = SegmentDefined(segment_id=segment_id, version=version, name=segment_id, condition=condition)
        return self._tell(event, f"tenant-{TENANT}", str(TENANT), NOON)

    def retired(self, segment_id: str) -> None:
        """Retire it."""
        self._tell(SegmentRetired(segment_id=segment_id, version=1), f"tenant-{TENANT}", str(TENANT), NOON)

    def agreed(self, customer: UUID, at: datetime = NOON, valid_until: datetime | None = None) -> Recorded:
        """Let a customer agree to news."""
        event = ConsentGranted(purpose="news", wording_version="1", valid_until=valid_until)
        return self._tell(event, f"customer-{customer}", str(customer), at)

    def withdrew(self, customer: UUID, at: datetime = NOON) -> Recorded:
        """Let a customer agree no more."""
        return self._tell(ConsentWithdrawn(purpose="news"), f"customer-{customer}", str(customer), at)

    def described(self, customer: UUID, **attributes: str | bool | int | None) -> Recorded:
        """Change attributes."""
        changes = tuple(ProfileChange(field=f"attributes.{name}", new=value) for name, value in attributes.items())
        return self._tell(CustomerProfileChanged(changes=changes), f"customer-{customer}", str(customer), NOON)

    def linked(self, customer: UUID, other: UUID) -> None:
        """Make two ids one party."""
        event = CustomerIdentityLinked(
            linked_id=CustomerId(other), kind="external", system="shop", strength="strong", method="declared"
        )
        self._tell(event, f"customer-{customer}", str(customer), NOON)

    def merged(self, customer: UUID, survivor: UUID, at: datetime = NOON) -> None:
        """Merge a customer into another."""
        event = CustomerMerged(customer_id=CustomerId(customer), survivor_id=CustomerId(survivor))
        self._tell(event, f"customer-{customer}", str(customer), at)

    def unmerged(self, customer: UUID, survivor: UUID) -> None:
        """Take it back."""
        event = CustomerUnmerged(customer_id=CustomerId(customer), survivor_id=CustomerId(survivor))
        self._tell(event, f"customer-{customer}", str(customer), NOON)


async def fold_all(pool: Pool, events: Sequence[Recorded]) -> None:
    """Let every view of analytics fold the facts that it reads."""
    for view in service.views:
        concerned = [event for event in events if view.concerns(event.type)]
        if concerned:
            async with pool.acquire() as connection:
                await fold(view, connection, concerned)
