"""What all pages share: templates, how values are shown, and what a browser may load."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from typing import Any, Final, cast

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from rapport_console.session import Visitor

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
STATIC: Final = files("rapport_console").joinpath("static")

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)")
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def money(value: str | None, currency: str | None = None) -> str:
    """Show an exact sum with thousands apart and two decimals; more only where they are not zero."""
    if value is None:
        return "–"
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return str(value)
    decimals = max(2, -int(amount.normalize().as_tuple().exponent))
    shown = f"{amount:,.{decimals}f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{shown}\N{NO-BREAK SPACE}{currency}" if currency else shown


def count(value: int | None) -> str:
    """Show a count with thousands apart."""
    return "–" if value is None else f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def percent(value: float | None) -> str:
    """Show a rate."""
    return "–" if value is None or math.isnan(value) else f"{value * 100:.2f}\N{NARROW NO-BREAK SPACE}%"


def moment(value: str | None) -> str:
    """Show a time in UTC, to the minute."""
    if not value:
        return "–"
    return datetime.fromisoformat(value).astimezone(UTC).strftime("%d %b %Y, %H:%M")


def freshness(value: Mapping[str, Any] | None) -> str:
    """Say in words how current an answer is."""
    if value is None:
        return "freshness unknown"
    lag = value.get("lag_seconds")
    if lag is None:
        return "freshness unknown: an owner of facts does not answer"
    if lag < 1:
        return "up to date"
    for unit, seconds in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if lag >= seconds:
            return f"{lag / seconds:.0f} {unit} behind"
    return f"{lag:.0f} s behind"


def words(value: str | None) -> str:
    """Show a code as words."""
    return (value or "–").replace("_", " ")


def told(value: object) -> str:
    """Show a member of an event: codes as words, a list by its parts, a change by its field, a time to the minute."""
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(told(part) for part in cast("list[object]", value))
        case {"field": str(field)}:
            return words(field)
        case str() if _TIME.fullmatch(value):
            return moment(value)
        case _:
            return words(str(value))


def initials(value: str | None) -> str:
    """Take up to two first letters of a name."""
    return "".join(part[0] for part in (value or "?").split()[:2]).upper()


_environment = Environment(
    loader=PackageLoader("rapport_console", "screens"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(
    money=money,
    count=count,
    percent=percent,
    moment=moment,
    freshness=freshness,
    words=words,
    told=told,
    initials=initials,
)


def page(request: Request, template: str, visitor: Visitor | None, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401  # whatever the template shows
    """Render a page; asked for by htmx, only the part that changes."""
    is_part = request.headers.get("hx-request") == "true" and request.headers.get("hx-boosted") != "true"
    text = _environment.get_template(template).render(
        request=request, visitor=visitor, is_part=is_part, path=request.url.path, **values
    )
    return HTMLResponse(text, status, HEADERS)
