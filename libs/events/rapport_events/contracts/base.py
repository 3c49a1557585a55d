"""What every published fact has in common, and how a field says that it may be read by anyone."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Declared:
    """Marks a string that is not personal: what it is, and why it identifies nobody."""

    what: Literal["id", "code", "enum", "number", "time"]
    why: str


class _Opaque:
    """A value that pydantic takes as it is, and JSON shows as its text."""

    text: str

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(
            cls, serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value.text)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "sealed"}


@dataclass(frozen=True, slots=True)
class Sealed(_Opaque):
    """A personal value as it stands in ledger and topic: `s1.<key id>.<nonce>.<ciphertext>`."""

    text: str


@dataclass(frozen=True, slots=True)
class Redacted(_Opaque):
    """A personal value whose key was destroyed. Every fold must be able to meet it."""

    text: str = "redacted"


REDACTED = Redacted()


@dataclass(frozen=True, slots=True)
class PersonalField(Generic[T]):
    """Marks a member of `pii`: sealed on the wire, open only for those who hold the person's key."""


Personal = Annotated[T | Sealed | Redacted, PersonalField()]

# Strings that anybody may read. Each says why it identifies nobody; a plain `str` outside `pii` fails the architecture test.
Code = Annotated[
    str,
    Field(min_length=1, max_length=200),
    Declared("code", "a value of a closed list that the tenant configures, never typed in about a person"),
]
Reference = Annotated[
    str, Field(min_length=1, max_length=200), Declared("id", "an opaque number of a thing in another system, not of a person")
]
Actor = Annotated[
    str, Field(min_length=1, max_length=200), Declared("id", "an opaque id of an employee or machine, issued by the identity provider")
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$"), Declared("code", "ISO 4217")]
Zone = Annotated[str, Field(min_length=1, max_length=64), Declared("code", "a name of the IANA time zone database")]

Money = Annotated[Decimal, Field(max_digits=28, decimal_places=10, allow_inf_nan=False)]
"""Exact decimal, a string in JSON; the currency stands beside it."""
Quantity = Annotated[Decimal, Field(max_digits=20, decimal_places=6, allow_inf_nan=False)]
Attributes = Annotated[dict[Code, Code], Field(max_length=32)]
"""At most 32 coded facts that a mapping declares; they stay after an erasure, so they never identify a person."""


class Event(BaseModel):
    """A fact that a service publishes. Unknown members are ignored, so that an old reader can read a newer event."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str


class Pii(BaseModel):
    """The personal part of an event: every member is `Personal[...]`."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Value(BaseModel):
    """A part of an event."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Moment = AwareDatetime
