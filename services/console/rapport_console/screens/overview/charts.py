"""The charts of the overview, as ECharts wants them."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from rapport_console.suite import Json

CATEGORIES_SHOWN = 10


def charts_of(report: Json | None, pulse: Json | None) -> dict[str, Json]:
    """Return an ECharts option for each chart that has anything to show."""
    charts: dict[str, Json] = {}
    if report and (months := report["purchases"]["monthly"]):
        charts["revenue"] = _bars(
            [row["month"] for row in months],
            [float(row["revenue"]) for row in months],
            report["tenant"]["currency"] or "",
        )
    if report and (categories := report["complaints"]["by_category"][:CATEGORIES_SHOWN]):
        charts["complaints"] = _lying_bars(categories)
    if pulse and pulse["minutes"]:
        charts["pulse"] = _minutes(pulse["minutes"], datetime.fromisoformat(pulse["freshness"]["as_of"]))
    return charts


def _bars(names: list[str], values: list[float], unit: str) -> Json:
    return {
        "tooltip": {"trigger": "axis", "renderMode": "richText"},
        "grid": {"left": 8, "right": 8, "top": 28, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": names},
        "yAxis": {"type": "value", "name": unit},
        "series": [{"type": "bar", "name": f"revenue, {unit}", "data": values, "barMaxWidth": 48}],
    }


def _lying_bars(categories: list[Json]) -> Json:
    shown = categories[::-1]
    return {
        "tooltip": {"trigger": "axis", "renderMode": "richText"},
        "grid": {"left": 8, "right": 24, "top": 8, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "value"},
        "yAxis": {
            "type": "category",
            "data": [row["category"] for row in shown],
            "axisLabel": {"width": 160, "overflow": "truncate"},
        },
        "series": [{"type": "bar", "name": "complaints", "data": [row["count"] for row in shown], "barMaxWidth": 24}],
    }


def _minutes(minutes: list[Json], now: datetime) -> Json:
    series: dict[str, list[list[Any]]] = defaultdict(list)
    for row in minutes:
        series[row["source"]].append([row["minute"], row["events"]])
    return {
        "tooltip": {"trigger": "axis", "renderMode": "richText"},
        "legend": {"top": 0},
        "grid": {"left": 8, "right": 16, "top": 32, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "time", "min": (now - timedelta(hours=1)).isoformat(), "max": now.isoformat()},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {"type": "bar", "stack": "all", "name": source, "data": points, "barMaxWidth": 12}
            for source, points in series.items()
        ],
    }
