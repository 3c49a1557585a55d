"""Alerts and dashboard speak of figures that there are, and every alert says where to read on."""

import json
import re
from pathlib import Path

import yaml

from tests.architecture.tree import ROOT, packages, python_files

_OBSERVE = ROOT / "deploy" / "observe"
_METRIC = re.compile(r"\brapport_[a-z_]+\b")
_MADE = re.compile(r'\b(?P<kind>Counter|Gauge|Histogram)\(\s*"(?P<name>rapport_[a-z_]+)"')
_SUFFIXES = {"Counter": ("_total",), "Gauge": ("",), "Histogram": ("_bucket", "_sum", "_count")}


def figures() -> set[str]:
    """Return the names of all series that the code makes."""
    code = "\n".join(path.read_text(encoding="utf-8") for each in packages(ROOT) for path in python_files(each.path))
    return {made["name"] + suffix for made in _MADE.finditer(code) for suffix in _SUFFIXES[made["kind"]]}


def headings(path: Path) -> set[str]:
    """Return the anchors of a page."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line.lstrip("# ").lower().replace(" ", "-") for line in lines if line.startswith("#")}


def test_alerts_and_dashboard_ask_for_figures_that_there_are() -> None:
    board = json.loads((_OBSERVE / "grafana/dashboards/rapport.json").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    rules = yaml.safe_load((_OBSERVE / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    asked += [rule["expr"] for rule in rules]
    assert {name for text in asked for name in _METRIC.findall(text)} - figures() == set()


def test_every_alert_leads_to_its_part_of_the_guide_and_is_tried() -> None:
    rules = yaml.safe_load((_OBSERVE / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    tried = (_OBSERVE / "alerts_test.yml").read_text(encoding="utf-8")
    for rule in rules:
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert anchor in headings(ROOT / page), rule["alert"]
        assert f'alertname="{rule["alert"]}"' in tried


def test_prometheus_asks_every_container_of_the_suite() -> None:
    jobs = yaml.safe_load((_OBSERVE / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    targets = jobs[0]["static_configs"][0]["targets"]
    assert targets == ["contacts:7701", "interactions:7702", "workflow:7703", "analytics:7704", "console:7700"]
