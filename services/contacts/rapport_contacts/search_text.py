"""What search compares: letters without accents and case, addresses in lower case, digits alone."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from rapport_contacts.personal import Kept, Keys, Personal, open_kept
from rapport_events.contracts.base import REDACTED, Redacted, Sealed
from rapport_events.ids import TenantId

SEARCHED: Final = ("names", "emails", "phones")
"""The fields that search looks at, in the order of its columns."""

_NOT_DIGITS = re.compile(r"\(0\)|\D")
_PHONE = re.compile(r"[\d\s()/.+-]+")
_DIGITS_MIN = 3
_LETTERS_MIN = 2


@dataclass(frozen=True, slots=True)
class Pattern:
    """What to look for: patterns for LIKE, None where that column is not looked at."""

    words: list[str] | None = None
    mail: str | None = None
    digits: str | None = None


def is_searched(personal: Personal) -> bool:
    """Say whether a customer has anything to be found by, or had it before it was unset."""
    return any(name in personal and personal[name][2] != REDACTED.text for name in SEARCHED)


def search_text(field: str, kept: Kept | None, tenant: TenantId, keys: Keys) -> str | None:
    """
    Return what search compares for a field; empty where it is unset or its person was erased.

    Returns:
        None where the key is missing.
    """
    value = open_kept(kept, field, tenant, keys) if kept else None
    if isinstance(value, Sealed):
        return None
    if isinstance(value, Redacted):
        return ""
    if field == "names":
        return folded(str(value["display"])) if isinstance(value, dict) else ""
    lines = _lines(value)
    return " ".join(line.lower() for line in lines) if field == "emails" else " ".join(map(digits_of, lines))


def folded(text: str) -> str:
    """Return a text as names are compared: without accents, case and doubled spaces."""
    letters = unicodedata.normalize("NFKD", text)
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).casefold().split())


def digits_of(text: str) -> str:
    """Return the digits of a phone number, without the zero in parentheses that is not dialled from abroad."""
    return _NOT_DIGITS.sub("", text)


def pattern_of(query: str) -> Pattern | None:
    """
    Return what to look for, None where the query is too short.

    Digits alone are part of a phone number; their leading zeros are not, because numbers are kept as dialled from
    anywhere. What holds an @ is part of an e-mail address, everything else part of a name or of an address.
    """
    if _PHONE.fullmatch(query):
        digits = digits_of(query).lstrip("0")
        return Pattern(digits=_like(digits)) if len(digits) >= _DIGITS_MIN else None
    if "@" in query:
        return Pattern(mail=_like(query.strip().lower()))
    words = sorted(folded(query).split(), key=len, reverse=True)
    if not words or len(words[0]) < _LETTERS_MIN:
        return None
    mail = _like(query.strip().lower()) if len(words) == 1 else None
    return Pattern(words=[_like(word) for word in words], mail=mail)


def _like(part: str) -> str:
    escaped = part.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"


def _lines(value: JsonValue) -> Iterable[str]:
    return [line for line in value if isinstance(line, str)] if isinstance(value, list) else []
