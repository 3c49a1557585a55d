"""What every published fact has in common, and how a field says that it may be read by anyone."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, TypeVar, cast

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, GetJsonSchemaHandler
from pydantic.annotated_handlers import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from rapport_events.contracts.exact import Exact

T = TypeVar("T")

JsonSchema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Declared:
    """Marks a string that is not personal: what it is, and why it identifies nobody."""

    what: Literal["id", "code", "enum", "number", "time"]
    why: str


class _Opaque:
    """A value that pydantic takes as it is, and JSON shows as its text."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(
            cls, serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value.text)
        )


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
class PersonalField:
    """Marks a member of `pii`: sealed on the wire, open only for those who hold the person's key."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        """Say that the wire holds a sealed string, and beside it what the string holds when it is opened."""
        plain = cast("core_schema.UnionSchema", schema)["choices"][0]
        return {
            "type": "string",
            "format": "sealed",
            "contentSchema": handler(plain[0] if isinstance(plain, tuple) else plain),
        }


Personal = Annotated[T | Sealed | Redacted, PersonalField()]
"""A personal value: plain before sealing and after opening, else `Sealed`, or `Redacted` once the key is destroyed."""

# Strings that anybody may read. Each says why it identifies nobody; a plain `str` outside `pii` fails the test of the
# contracts.
PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
"""For declared strings: no controls, so that such a value is always safe in a log and in a table."""
STORABLE = r"^[^\x00]*$"
"""For personal text: PostgreSQL keeps no NUL."""

Code = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=PRINTABLE),
    Declared("code", "a value of a list that the tenant or its mapping keeps, never typed in about a person"),
]
Reference = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=PRINTABLE, examples=["536365"]),
    Declared("id", "the number of a thing in another system, such as an order; never that of a person"),
]
Actor = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=PRINTABLE, examples=["agent-7"]),
    Declared("id", "an opaque id of an employee or a machine, issued by the identity provider"),
]
CatalogueText = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=PRINTABLE, examples=["White hanging heart"]),
    Declared("code", "what the tenant's catalogue calls a product, the same for everybody who buys it"),
]
Version = Annotated[
    str,
    Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._+-]{0,63}$", examples=["3"]),
    Declared("number", "the version of a published definition"),
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"]), Declared("code", "ISO 4217")]
Zone = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_+/-]{1,64}$", examples=["Europe/Berlin"]),
    Declared("code", "a name of the IANA time zone database"),
]
Language = Annotated[
    str,
    Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$", examples=["de"]),
    Declared("code", "a BCP 47 language tag"),
]

Channel = Literal[
    "phone", "email", "chat", "in_person", "social", "post", "app", "web", "mail", "fax", "sms", "referral", "unknown"
]
"""How something passed. `social` is a message in a network, `post` a public posting, `mail` a letter."""
AuthorKind = Literal["person", "rule", "model"]
"""Who decided: an employee, a rule, or a statistical model."""


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Money = Annotated[Decimal, Exact(18, 10)]
"""Exact decimal, a string in JSON; the currency stands beside it."""
PositiveMoney = Annotated[Decimal, Exact(18, 10, least=Decimal(0))]
"""Like `Money`, and not below zero."""
Quantity = Annotated[Decimal, Exact(14, 6)]
"""Exact decimal, a string in JSON; negative where goods came back."""
Share = Annotated[Decimal, Exact(1, 6, least=Decimal(0), most=Decimal(1))]
"""Exact decimal between 0 and 1, a string in JSON."""
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Number = Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment in UTC, to the microsecond."""
Attributes = Annotated[
    dict[Code, Code | bool | Number], Field(max_length=32, examples=[{"product_line": "garden", "calls": 3}])
]
"""At most 32 coded facts that a mapping declares; they stay after an erasure, so they never identify a person."""


class Value(BaseModel, frozen=True, extra="ignore", use_attribute_docstrings=True):
    """A part of an event."""


class Pii(BaseModel, frozen=True, extra="ignore", use_attribute_docstrings=True):
    """The personal part of an event: every member is `Personal[...]`, and is sealed as a whole."""


class Event(BaseModel, frozen=True, extra="ignore", use_attribute_docstrings=True):
    """
    A fact that a service publishes.

    Its customer, tenant or job is the envelope's `subject`, and when it happened the envelope's `time`. Unknown members
    are ignored, so that an old reader can read a newer event.
    """

    schema_version: ClassVar[str] = "1.0"
    """Version of the contract; its first number is that in `type`, the second grows with each optional field."""

    type: str
