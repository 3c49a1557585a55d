"""What a command is made of: the wish, whom it is about, and the stream in which it is decided."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from rapport_events.contracts.base import Event
from rapport_events.ids import TenantId
from rapport_events.parties import Party

S = TypeVar("S")
C = TypeVar("C", bound="Command")

Name = Annotated[str, Field(min_length=1, max_length=200)]


class ExternalRef(BaseModel, frozen=True, extra="forbid"):
    """The name of a fact in another system; the same name is one fact for ever."""

    system: Name
    id: Name


class CustomerRef(BaseModel, frozen=True, extra="forbid"):
    """
    Names a customer: by `id` (or just the id), by `system` and `external_id`, or by `email`.

    A name from outside always computes the same customer id, so no service waits for another to know it.
    """

    id: UUID | None = None
    system: Name | None = None
    external_id: Name | None = None
    email: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_id(cls, value: object) -> object:
        return {"id": value} if isinstance(value, str | UUID) else value

    @model_validator(mode="after")
    def _is_one_name(self) -> "CustomerRef":
        by_system = self.system is not None and self.external_id is not None
        if (self.system is None) != (self.external_id is None):
            msg = "system and external_id belong together"
            raise ValueError(msg)
        if (self.id is not None) + by_system + (self.email is not None) != 1:
            msg = 'name the customer in one way: {"id"}, {"system", "external_id"} or {"email"}'
            raise ValueError(msg)
        return self

    @property
    def outside_name(self) -> tuple[str, str, str]:
        """
        Kind, system and value of the name by which another system knows the customer.

        Raises:
            LookupError: The customer is named by id.
        """
        if self.identity is None:
            msg = "a customer named by id has no outside name here"
            raise LookupError(msg)
        return self.identity

    @property
    def identity(self) -> tuple[str, str, str] | None:
        """Kind, system and value of an outside name; None where the customer's id is given."""
        if self.email is not None:
            return ("email", "", self.email.strip().lower())
        if self.system is not None and self.external_id is not None:
            return ("external", self.system, self.external_id)
        return None


ThingRef = UUID | ExternalRef
"""Names a thing that exists: by its id, or by the outside name of the fact that began it."""


class Command(BaseModel):
    """A wish. It says all that the decision needs; unknown members are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime | None = None
    """When it happened; the moment of the request where it is not given."""


class Target(msgspec.Struct, frozen=True, gc=False):
    """
    The stream that a command is decided in.

    With `id` or `named` (the outside name of the fact that began it) it must exist; with `under` alone it begins now,
    under that customer. The noun `customer` means the stream of the customer `under`, which may exist or not; the noun
    `tenant` the configuration. A job (an import) is its own subject: `id` with `begins`. `otherwise` stands in when
    nobody knows `named`.
    """

    noun: str
    id: UUID | None = None
    named: ExternalRef | None = None
    under: CustomerRef | None = None
    begins: bool = False
    """The stream is expected to be new, so nothing is read before deciding; a repeat is found when appending."""
    otherwise: "Target | None" = None

    @classmethod
    def of(cls, noun: str, ref: ThingRef) -> "Target":
        """Return the target that a reference names."""
        return cls(noun, id=ref) if isinstance(ref, UUID) else cls(noun, named=ref)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a decision is told besides the wish, so that it needs no clock and makes no ids."""

    tenant: TenantId
    subject: str
    """Id of the customer, the tenant or the job that the stream is about."""
    id: UUID
    """UUID of the stream."""
    at: datetime
    """When it happened (UTC)."""
    now: datetime
    mentioned: Mapping[CustomerRef, UUID] = field(default_factory=dict[CustomerRef, UUID])
    """Ids of the customers whom the wish mentions besides its own."""
    others: Mapping[UUID, Any] = field(default_factory=dict[UUID, Any])
    """States of the customers beside whom it is decided, by id."""
    parties: Mapping[UUID, Party] = field(default_factory=dict[UUID, Party])
    """Parties of these and of its own, as far as this service's read model has come."""

    def customer(self, ref: CustomerRef) -> UUID:
        """Return the id of a customer whom the wish mentions."""
        return ref.id if ref.id is not None else self.mentioned[ref]


def no_claim(_command: object) -> None:
    """Claim nothing."""


def no_customers(_command: object) -> Sequence[CustomerRef]:
    """Name no customer."""
    return ()


def holds_for_ever(_state: object, _identity: UUID) -> bool:
    """Give nothing up."""
    return True


@dataclass(frozen=True, slots=True)
class Handler(Generic[C, S]):
    """One command as data: where it comes in, what it is, and the pure functions that decide it."""

    name: str
    """The command's name in `commands:batch`, for example `record_purchase`."""
    route: str
    """For example `/v1/cases/{case}/resolve`; a parameter fills the command's member of the same name."""
    command: type[C]
    initial: S
    evolve: Callable[[S, Any], S]
    decide: Callable[[C, S, Occasion], Sequence[Event]]
    target: Callable[[C], Target]
    external: Callable[[C], ExternalRef | None] = no_claim
    """The outside name of the fact that this command records: the same name is one fact."""
    fact: str = ""
    """Kind of the claim on the outside name; the target's noun where it is empty."""
    identities: Callable[[C], Sequence[CustomerRef]] = no_customers
    """Outside names that only one customer may hold at a time."""
    holds: Callable[[S, UUID], bool] = holds_for_ever
    """Whether a customer still holds the outside name with this computed id; one that was given up can be claimed."""
    mentions: Callable[[C], Sequence[CustomerRef]] = no_customers
    """Customers besides the stream's own whose ids the decision needs: `occasion.customer(ref)` tells them."""
    beside: Callable[[C], Sequence[CustomerRef]] = no_customers
    """Customers besides the stream's own whose states the decision needs: `occasion.others`, `occasion.parties`."""
    for_party: bool = False
    """Whether what is decided is recorded for each id of the party, all at once; `occasion.others` has them all."""
    awaits_parties: bool = False
    """Whether the decision needs all links and merges that were acknowledged before, not only those of its streams."""
    opens: bool = False
    """Whether the decision looks at personal values of earlier events."""
    tags: tuple[str, ...] = field(default=())


class Request(msgspec.Struct, frozen=True, gc=False):
    """One command of one caller."""

    tenant: TenantId
    actor: str
    handler: Handler[Any, Any]
    command: Command
    correlation_id: str
    key: str | None = None
    """Idempotency key."""
    body: bytes = b""
    """The body as it came: its fingerprint tells a repeat from another use of the key."""
    expected_version: int | None = None
    causation_id: str | None = None
    caused_at: datetime | None = None
    traceparent: str | None = None
