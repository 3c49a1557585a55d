"""Print what truth.json holds: the figures of the small shop, from its file alone and without a line of the suite."""

import csv
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

Row = dict[str, str]
FILE = Path(__file__).parent / "shop.csv"


def moment(text: str) -> datetime:
    """Read the shop's own time."""
    return datetime.strptime(text, "%d.%m.%Y %H:%M")  # noqa: DTZ007  # all of them are the shop's own


def month(text: str) -> str:
    """Return the month in the shop."""
    return moment(text).strftime("%Y-%m")


def rate(part: Decimal | int, whole: Decimal | int) -> float:
    """Divide exactly, then round."""
    return float(round(Fraction(part) / Fraction(whole), 10))


def money(values: Iterable[Decimal]) -> str:
    """Add up."""
    return str(sum(values, Decimal(0)))


with FILE.open(newline="") as file:
    header, *lines = csv.reader(file, delimiter=";")

unusable: Counter[str] = Counter()
rows: list[Row] = []
for line in lines:
    if len(line) != len(header):
        unusable["wrong_number_of_cells"] += 1
    else:
        rows.append(dict(zip(header, line, strict=True)))
without = [r for r in rows if r["customer"] == ""]
tests = [r for r in rows if r["customer"] and r["kind"] == "test"]
stocktake = [r for r in rows if r["customer"] and r["kind"] == "stocktake"]
rows = [r for r in rows if r["customer"] and r["kind"] not in ("test", "stocktake")]


def is_price(text: str) -> bool:
    """Say whether a price is one."""
    return text.replace(".", "", 1).isdigit()


# One price that is none spoils its whole receipt.
broken = {r["number"] for r in rows if r["kind"] in ("sale", "return") and not is_price(r["price"])}
for r in rows:
    if r["number"] in broken:
        unusable["with_rejected_row" if is_price(r["price"]) else "not_a_number"] += 1
rows = [r for r in rows if r["number"] not in broken]

town: dict[str, str] = {}
for r in rows:
    town.setdefault(r["customer"], r["town"])

receipts: defaultdict[str, list[Row]] = defaultdict(list)
for r in rows:
    if r["kind"] == "sale":
        receipts[r["number"]].append(r)
sales: list[tuple[str, str, Decimal, datetime]] = []
for found in receipts.values():
    began = min(moment(r["day"]) for r in found)
    worth = sum((Decimal(r["pieces"]) * Decimal(r["price"]) for r in found), Decimal(0))
    sales.append((found[0]["customer"], began.strftime("%Y-%m"), worth, began))
spent: defaultdict[str, Decimal] = defaultdict(Decimal)
times: Counter[str] = Counter()
first: dict[str, datetime] = {}
for customer, _, worth, began in sales:
    spent[customer] += worth
    times[customer] += 1
    first[customer] = min(first.get(customer, began), began)
revenue = sum(spent.values(), Decimal(0))
fifth = -(-len(spent) // 5)
best = sum(sorted(spent.values(), reverse=True)[:fifth], Decimal(0))

returns = [r for r in rows if r["kind"] == "return"]
given_back = sum((Decimal(r["pieces"]) * Decimal(r["price"]) for r in returns), Decimal(0))
return_count = len({r["number"] for r in returns})

complaints = [r for r in rows if r["kind"] == "complaint"]
answers = {r["number"]: r for r in rows if r["kind"] == "answer"}
in_time = {number for number, r in answers.items() if r["in_time"] == "ja"}
late = {number for number, r in answers.items() if r["in_time"] == "nein"}

calls = [r for r in rows if r["kind"] == "call"]
called = {r["customer"] for r in calls}


def called_by(key: Callable[[Row], str]) -> dict[str, set[str]]:
    """Group those who were called."""
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for r in calls:
        groups[key(r)].add(r["customer"])
    return dict(sorted(groups.items()))


def won(customers: set[str]) -> int:
    """Count those who bought."""
    return len([c for c in customers if c in spent])


truth: dict[str, object] = {
    "rows_without_customer": len(without),
    "test_rows": len(tests),
    "stocktake_rows": len(stocktake),
    "unusable": dict(sorted(unusable.items())),
    "customers": len(town),
    "purchases": {
        "customers": len(spent),
        "count": len(sales),
        "revenue": str(revenue),
        "mean": rate(revenue, len(sales)),
        "best_fifth": {"customers": fifth, "revenue": str(best), "share": rate(best, revenue)},
        "repeat_rate": rate(len([c for c in times if times[c] > 1]), len(spent)),
        "monthly": [
            {
                "month": m,
                "purchases": len([s for s in sales if s[1] == m]),
                "revenue": money(s[2] for s in sales if s[1] == m),
                "active": len({s[0] for s in sales if s[1] == m}),
                "new": len([c for c in first if first[c].strftime("%Y-%m") == m]),
            }
            for m in sorted({s[1] for s in sales})
        ],
    },
    "returns": {
        "count": return_count,
        "amount": str(given_back),
        "customers": len({r["customer"] for r in returns}),
        "rate": rate(return_count, return_count + len(sales)),
    },
    "net": str(revenue + given_back),
    "complaints": {
        "count": len(complaints),
        "unanswered": len([r for r in complaints if r["number"] not in answers]),
        "timely_rate": rate(len(in_time), len(complaints)),
        "by_topic": {
            topic: {
                "count": len([r for r in complaints if r["topic"] == topic]),
                "timely_rate": rate(
                    len([r for r in complaints if r["topic"] == topic and r["number"] in in_time]),
                    len([r for r in complaints if r["topic"] == topic]),
                ),
            }
            for topic in sorted({r["topic"] for r in complaints})
        },
        "by_way": dict(sorted(Counter(r["channel"] for r in complaints).items())),
        "by_answer": dict(sorted(Counter(r["result"] for r in answers.values()).items())),
        "monthly": [
            {
                "month": m,
                "count": len([r for r in complaints if month(r["day"]) == m]),
                "untimely": len([r for r in complaints if month(r["day"]) == m and r["number"] in late]),
            }
            for m in sorted({month(r["day"]) for r in complaints})
        ],
    },
    "calls": {
        "count": len(calls),
        "customers": len(called),
        "successes": won(called),
        "success_rate": rate(won(called), len(called)),
        "by_phone": {
            name: {"customers": len(group), "successes": won(group)}
            for name, group in called_by(lambda r: r["channel"] or "not noted").items()
        },
        "by_outcome": {
            name: {"customers": len(group), "success_rate": rate(won(group), len(group))}
            for name, group in called_by(lambda r: r["result"]).items()
        },
        "by_town": {
            name: {"customers": len(group), "successes": won(group)}
            for name, group in called_by(lambda r: town[r["customer"]]).items()
        },
        "tries": sum(int(r["tries"]) for r in calls),
        "monthly": [
            {"month": m, "customers": len(group), "successes": won(group)}
            for m, group in called_by(lambda r: month(r["day"])).items()
        ],
    },
}
truth["first_report"] = list(truth)
truth["expected_events"] = {
    "crm.customer.created.v1": len(town),
    "crm.customer.purchased.v1": len(sales),
    "crm.purchase.refunded.v1": return_count,
    "crm.customer.contacted.v1": len(calls),
    "crm.customer.complained.v1": len(complaints),
    "crm.case.responded.v1": len(answers),
}
sys.stdout.write(json.dumps(truth, indent=1) + "\n")
