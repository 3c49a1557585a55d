"""
The verb `rapport report`: the figures of a tenant, as analytics folded them.

The JSON has this shape. Money sums are exact decimal strings, counts integers, means and rates numbers (null where
there is nothing to divide by). Lists of objects are keyed by their first member, months are those of the tenant's zone.

    {"freshness": {"lag_seconds", "as_of"}, "tenant": {"zone", "currency"}, "customers",
     "purchases": {"customers", "count", "revenue": {"total", "currency"}, "other_currencies", "mean_value",
                   "top20": {"customers", "revenue", "share"}, "repeat_customers", "repeat_rate",
                   "monthly": [{"month", "purchases", "revenue", "active_customers", "new_customers"}]},
     "refunds": {"count", "customers", "amount": {"total" (negative), "currency"}, "other_currencies", "rate"},
     "net": {"total", "currency"},
     "complaints": {"count", "customers", "answered", "unanswered", "timely", "untimely", "timely_rate",
                    "by_category": [{"category", "count", "answered", "timely", "untimely", "timely_rate"}],
                    "by_channel": [{"channel", …}], "by_channel_detail": [{"value", …}],
                    "by_response_attribute": {name: [{"value", "count"}]}, "by_attribute": {name: [{"value", "count"}]},
                    "left_out": [name], "monthly": [{"month", "count", "answered", "timely", "untimely"}]},
     "contacts": {"count", "customers", "successes", "success_rate",
                  "by_channel": [{"channel", "count", "customers", "successes", "success_rate"}],
                  "by_channel_detail": [{"value", …}], "by_attribute": {name: [{"value", …}]},
                  "by_customer_attribute": {name: [{"value", …}]}, "attribute_sums": {name: n}, "left_out": [name],
                  "monthly": [{"month", …}]},
     "imports": {"completed": [{"import_id", "mapping", "mapping_version", "rows", "rows_used", "skipped", "rejected",
                                "recorded"}], "rows", "rows_used", "skipped": {reason: n}, "rejected": {reason: n}}}
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, DataFolder

if TYPE_CHECKING:
    from rapport_cli.importing.truth import Comparison, Json
    from rapport_cli.wire import Access

_PAUSE_SECONDS = 0.2

HELP = """
Print the figures of a tenant: customers, purchases, complaints, contacts, imports.

With --mapping the figures come under the names of that file's published truth; with --truth they are compared with it
(money exactly, fractions within a relative error of 1e-6).

Exit codes: 0 done; 1 figures differ from the truth; 2 call, mapping or file is wrong; 3 the suite does not answer;
4 the token is missing or not taken.
"""


def report(  # noqa: PLR0913, PLR0917  # each option of the verb is one
    tenant: Annotated[str | None, typer.Option(help="Refuse a token for any other tenant.")] = None,
    mapping: Annotated[
        str | None, typer.Option("--mapping", "-m", help="Name figures as this mapping's truth.")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Compare with this JSON file; needs --mapping.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,  # noqa: FBT002
    url: Annotated[str | None, typer.Option(help="The suite's address; else the service's own.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File with the token; else RAPPORT_TOKEN.")] = None,
    data: DataFolder = DATA_FOLDER,
    after: Annotated[str | None, typer.Option(help="Wait until this `position` of an import was folded.")] = None,
    wait_seconds: Annotated[float, typer.Option(help="How long --after waits at most.")] = 60.0,
) -> None:
    """Print the figures of a tenant."""
    from rapport_cli import wire
    from rapport_cli.importing import mapping as mappings, truth as truths

    if truth is not None and mapping is None:
        typer.echo("--truth needs --mapping, which says which figure answers which", err=True)
        raise typer.Exit(exits.MISUSED)
    code: int = exits.DONE
    message = ""
    try:
        paths = mappings.load(mapping).truth if mapping is not None else {}
        wanted = _read_truth(truth) if truth is not None else None
        found = fetch(wire.find_access(tenant, url, token_file, data=data), after, wait_seconds)
        if wanted is not None:
            comparison = truths.compare(paths, found, wanted)
            _print_comparison(comparison, as_json=as_json)
            code = exits.DONE if comparison.is_equal else exits.LEFT_OVER
        else:
            _print(truths.nested(truths.figures(paths, found)) if paths else found, as_json=as_json)
    except (mappings.MappingRefused, truths.PathRefused, UnreadableTruth) as error:
        code, message = exits.MISUSED, str(error)
    except (wire.Unusable, wire.NotAllowed) as error:
        code, message = exits.NOT_ALLOWED, str(error)
    except wire.Unreachable as error:
        code, message = exits.AWAY, str(error)
    if message:
        typer.echo(message, err=True)
    raise typer.Exit(code)


class UnreadableTruth(Exception):
    """The file to compare with cannot be read."""


def fetch(access: "Access", after: str | None = None, wait_seconds: float = 60.0) -> "Json":
    """
    Ask analytics for the report.

    Args:
        after: A Rapport-Position; the answer shows everything up to there.
        wait_seconds: How long to wait for it.

    Raises:
        Unreachable: Analytics does not answer, or has not folded so far in time.
        NotAllowed: It does not take the token.
    """
    import time
    from http import HTTPStatus

    import orjson

    from rapport_cli.wire import Connection, NotAllowed, Unreachable

    deadline = time.monotonic() + wait_seconds
    path = "/v1/report" + (f"?after={after}" if after else "")
    with Connection(access.base_of("analytics"), lambda: access.token) as connection:
        answer = connection.get(path)
        # A service waits for a few seconds and then says that it is not there yet.
        while after and answer.status == HTTPStatus.SERVICE_UNAVAILABLE and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
            answer = connection.get(path)
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise NotAllowed(f"analytics does not take the token ({answer.code})")
    if answer.status != HTTPStatus.OK:
        raise Unreachable(f"analytics answered {answer.status} ({answer.code})")
    return orjson.loads(answer.body)


def _read_truth(path: Path) -> "Json":
    import json
    from decimal import Decimal

    try:
        return json.loads(path.read_bytes(), parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise UnreadableTruth(f"{path} cannot be read as JSON") from error


def _print(found: "Json", *, as_json: bool) -> None:
    import orjson

    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    for line in _lines(found, ""):
        typer.echo(line)


def _lines(tree: "Json", place: str) -> "list[str]":
    """Write figures one a line; a list of objects one object a line."""
    if isinstance(tree, dict):
        prefix = f"{place}." if place else ""
        members = cast("dict[str, Json]", tree)
        return [line for name, value in members.items() for line in _lines(value, prefix + name)]
    if isinstance(tree, list):
        return [f"{place}: {_row(element)}" for element in cast("list[Json]", tree)]
    return [f"{place}: {tree}"]


def _row(element: "Json") -> str:
    if isinstance(element, dict):
        return ", ".join(f"{name} {value}" for name, value in cast("dict[str, Json]", element).items())
    return str(element)


def _print_comparison(comparison: "Comparison", *, as_json: bool) -> None:
    import orjson

    if as_json:
        typer.echo(orjson.dumps(comparison, option=orjson.OPT_INDENT_2).decode())
        return
    typer.echo(f"{comparison.compared:,} figures compared, {len(comparison.differences):,} differ")
    for difference in comparison.differences:
        typer.echo(f"  {difference.place}: truth {difference.truth}, report {difference.report}")
    for place in comparison.unanswered:
        typer.echo(f"  {place}: no path of the mapping answers it")
