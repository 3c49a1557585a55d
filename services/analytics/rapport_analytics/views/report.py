"""Report: the figures of a tenant, from the facts, in its own zone and currency."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import asyncpg
import orjson

from rapport_events.database import Connection
from rapport_events.statements import load

Rows = list[asyncpg.Record]
Json = dict[str, Any]

VALUES_MAX = 200
"""An attribute with more distinct values than this is left out of the groups, and named in `left_out`."""


async def read_report(connection: Connection) -> Json:
    """
    Work out all figures of the tenant whose rows the connection sees.

    Returns:
        Sums of money are exact decimal strings, counts integers, means and rates floats, or None where the
        denominator is 0. Months are `YYYY-MM` in the tenant's zone; only sums in its currency enter the totals.
    """

    async def read(name: str, *parameters: object) -> Rows:
        return await connection.fetch(load("rapport_analytics", name), *parameters)

    (settings,) = await read("report_settings")
    zone, currency = settings["zone"], settings["currency"]
    (sales,) = await read("report_sales", currency)
    others = await read("report_other_currencies", currency)
    return {
        "tenant": {"zone": zone, "currency": currency},
        "customers": settings["customers"],
        **_sales(sales, currency, others, await read("report_sales_monthly", currency, zone)),
        "complaints": _complaints(await read("report_complaints", zone), await read("report_complaint_attributes")),
        "contacts": _contacts(
            await read("report_contacts", zone),
            await read("report_contact_attributes", VALUES_MAX),
            await read("report_contact_sums"),
        ),
        "imports": _imports(await read("report_imports")),
    }


def _sales(sales: asyncpg.Record, currency: str | None, others: Rows, monthly: Rows) -> Json:
    revenue, refunded = sales["revenue"], -sales["refunded"]
    other = {
        kind: {row["currency"]: _money(row["amount"]) for row in others if row["kind"] == kind}
        for kind in ("purchase", "refund")
    }
    return {
        "purchases": {
            "customers": sales["buyers"],
            "count": int(sales["purchases"]),
            "revenue": {"total": _money(revenue), "currency": currency},
            "other_currencies": other["purchase"],
            "mean_value": _rate(revenue, sales["purchases"]),
            "top20": {
                "customers": sales["best_customers"],
                "revenue": _money(sales["best_revenue"]),
                "share": _rate(sales["best_revenue"], revenue),
            },
            "repeat_customers": sales["repeat_customers"],
            "repeat_rate": _rate(sales["repeat_customers"], sales["buyers"]),
            "monthly": [dict(row) | {"revenue": _money(row["revenue"])} for row in monthly],
        },
        "refunds": {
            "count": int(sales["refunds"]),
            "customers": sales["refund_customers"],
            "amount": {"total": _money(refunded), "currency": currency},
            "other_currencies": other["refund"],
            "rate": _rate(sales["refunds"], sales["refunds"] + sales["purchases"]),
        },
        "net": {"total": _money(revenue + refunded), "currency": currency},
    }


def _complaints(groups: Rows, attributes: Rows) -> Json:
    def figures(row: asyncpg.Record) -> Json:
        counts = {name: row[name] for name in ("count", "answered", "timely", "untimely")}
        return counts | {"timely_rate": _rate(row["timely"], row["count"])}

    (everything,) = (row for row in groups if row["grouped"] == "all")
    kept = [row for row in attributes if row["values"] <= VALUES_MAX]
    return {
        **figures(everything),
        "customers": everything["customers"],
        "unanswered": everything["count"] - everything["answered"],
        "by_category": [{"category": row["value"], **figures(row)} for row in _grouped(groups, "category")],
        "by_channel": [{"channel": row["value"], **figures(row)} for row in _grouped(groups, "channel")],
        "by_channel_detail": [{"value": row["value"], **figures(row)} for row in _grouped(groups, "channel_detail")],
        "by_response_attribute": _by_key(row for row in kept if row["part"] == "response"),
        "by_attribute": _by_key(row for row in kept if row["part"] == "complaint"),
        "left_out": sorted({row["key"] for row in attributes if row["values"] > VALUES_MAX}),
        "monthly": [{"month": row["value"], **figures(row)} for row in _monthly(groups)],
    }


def _contacts(groups: Rows, attributes: Rows, sums: Rows) -> Json:
    def figures(row: asyncpg.Record) -> Json:
        counts = {name: row[name] for name in ("count", "customers", "successes")}
        return counts | {"success_rate": _rate(row["successes"], row["customers"])}

    def by_key(part: str) -> Json:
        found: dict[str, list[Json]] = {}
        for row in attributes:
            if row["part"] == part:
                found.setdefault(row["key"], []).append({"value": row["value"], **figures(row)})
        return found

    (everything,) = (row for row in groups if row["grouped"] == "all")
    return {
        **figures(everything),
        "by_channel": [{"channel": row["value"], **figures(row)} for row in _grouped(groups, "channel")],
        "by_channel_detail": [{"value": row["value"], **figures(row)} for row in _grouped(groups, "channel_detail")],
        "by_attribute": by_key("contact"),
        "by_customer_attribute": by_key("customer"),
        "attribute_sums": {row["key"]: _money(row["sum"]) for row in sums if row["sum"] is not None},
        "left_out": [row["key"] for row in sums if row["values"] > VALUES_MAX],
        "monthly": [{"month": row["value"], **figures(row)} for row in _monthly(groups)],
    }


def _imports(imports: Rows) -> Json:
    """Count each import once: its rows are the same in every ledger, what was recorded is told by each ledger alone."""
    completed: dict[str, Json] = {}
    for row in imports:
        entry = completed.setdefault(
            str(row["import_id"]),
            {
                "import_id": str(row["import_id"]),
                "mapping": row["mapping"],
                "mapping_version": row["mapping_version"],
                "rows": row["rows"],
                "rows_used": row["rows_used"],
                "skipped": orjson.loads(row["skipped"]),
                "rejected": orjson.loads(row["rejected"]),
                "recorded": {},
            },
        )
        entry["recorded"] |= orjson.loads(row["recorded"])
    entries = list(completed.values())
    return {
        "completed": entries,
        "rows": sum(entry["rows"] for entry in entries),
        "rows_used": sum(entry["rows_used"] for entry in entries),
        "skipped": _added(entry["skipped"] for entry in entries),
        "rejected": _added(entry["rejected"] for entry in entries),
    }


def _added(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def _grouped(groups: Rows, name: str) -> Rows:
    """Return the rows of one grouping; those without a value are in none of its groups."""
    return [row for row in groups if row["grouped"] == name and row["value"] is not None]


def _monthly(groups: Rows) -> Rows:
    return sorted(_grouped(groups, "month"), key=lambda row: str(row["value"]))


def _by_key(rows: Iterable[asyncpg.Record]) -> Json:
    found: dict[str, list[Json]] = {}
    for row in rows:
        found.setdefault(row["key"], []).append({"value": row["value"], "count": row["count"]})
    return found


def _money(amount: Decimal) -> str:
    return format(amount, "f")


def _rate(part: Decimal | int, whole: Decimal | int) -> float | None:
    return float(part / whole) if whole else None
