"""What is shipped for Prometheus and Grafana, read as the tests need it."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PROMETHEUS = ROOT / "config/prometheus"
GRAFANA = ROOT / "config/grafana"
ALERTS = PROMETHEUS / "bridged.alerts.yml"
RECORDS = PROMETHEUS / "bridged.records.yml"
DASHBOARDS = tuple(sorted(GRAFANA.glob("*.json")))
Rule = dict[str, Any]

_METRIC = re.compile(r"(?<![:\w])(bridged_\w+)(?![:\w])(?:\{([^}]*)\})?")
_MATCHED = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_SUFFIX = re.compile(r"_(bucket|sum|count)$")


def need(tool: str) -> None:
    """Skips the test, saying how to have the tool, where it is not there."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not on this machine: apt-get install prometheus (Debian)")


def rules(path: Path) -> list[Rule]:
    """The rules of a file, of all its groups."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def queries(path: Path) -> Iterator[tuple[str, str]]:
    """(title of the panel, expression) of each query of a dashboard."""
    for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def expressions() -> Iterator[tuple[str, str]]:
    """(where it stands, expression) of all that is asked of Prometheus anywhere."""
    for path in (ALERTS, RECORDS):
        for rule in rules(path):
            yield rule.get("alert") or rule["record"], rule["expr"]
    for path in DASHBOARDS:
        for title, expr in queries(path):
            yield f"{path.name}: {title}", expr


def metrics(expr: str) -> Iterator[tuple[str, set[str]]]:
    """(metric of bridged, labels that are matched) of each selector in an expression."""
    for name, matchers in _METRIC.findall(expr):
        yield _SUFFIX.sub("", name), set(_MATCHED.findall(matchers))
