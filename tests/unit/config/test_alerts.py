"""The rules for Prometheus: accepted, tried with time that passes, and explained in the runbook."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bridged.serve.catalogue import METRICS
from tests.unit.config.support import (
    ALERTS,
    PROMETHEUS,
    RECORDS,
    ROOT,
    Rule,
    expressions,
    metrics,
    need,
    rules,
)

TRIED = tuple(sorted((Path(__file__).parent / "rules").glob("*.yml")))
ALL = {rule["alert"]: rule for rule in rules(ALERTS)}


def promtool(*words: str | Path) -> None:
    """Runs it; fails with what it said."""
    need("promtool")
    done = subprocess.run(["promtool", *words], text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_and_the_example_are_accepted() -> None:
    promtool("check", "rules", ALERTS, RECORDS)
    promtool("check", "config", PROMETHEUS / "prometheus.yml")


@pytest.mark.parametrize("path", TRIED, ids=lambda path: path.stem)
def test_alerts_fire_and_end_when_they_should(path: Path) -> None:
    promtool("test", "rules", path)


def test_every_alert_is_tried_before_it_fires_firing_and_resolved() -> None:
    """In the files that promtool runs: silent first, then firing, silent last."""
    tried: dict[str, list[bool]] = {name: [] for name in ALL}
    for path in TRIED:
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for case in test["alert_rule_test"]:
                tried[case["alertname"]].append(bool(case.get("exp_alerts")))
    for name, fired in tried.items():
        assert any(fired), f"{name} is never seen firing"
        assert not fired[0], f"{name} is not seen before it fires"
        assert not fired[-1], f"{name} is not seen resolved"


@pytest.mark.parametrize("rule", ALL.values(), ids=ALL)
def test_every_alert_says_how_bad_what_and_what_next(rule: Rule) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "runbook_url"}
    assert re.search(r"[Oo]n the node|[Ll]ook at", notes["description"]), "what is the next step?"
    assert notes["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"


def test_the_runbook_has_one_section_for_each_alert_and_no_other() -> None:
    text = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == list(ALL), "in the rules' order"
    for section in text.split("\n## ")[1:]:
        parts = re.findall(r"^\*\*(\w+)\.\*\* \S", section, re.MULTILINE)
        assert parts == ["Means", "Look", "Likely", "Do"], section


def test_only_metrics_and_labels_that_exist_are_asked_for() -> None:
    """Prometheus answers a question about a metric that nobody has with silence."""
    known = {metric.name: set(metric.labels) for metric in METRICS}
    for where, expr in expressions():
        for name, labels in metrics(expr):
            assert name in known, f"{where}: {name}"
            assert labels <= known[name] | {"job", "instance", "le"}, f"{where}: {name}"


def finding_codes() -> Iterator[str]:
    """The codes of all findings that the sources make."""
    for path in (ROOT / "bridged").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "Finding(" not in text:
            continue
        tree = ast.parse(text)
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                code = node.args[0]
                if isinstance(code, ast.Name):
                    code = constants[code.id]
                yield ast.literal_eval(code)


def told_apart(alert: str) -> set[str]:
    """The codes that an alert names, to be for them only or for all others."""
    found = re.search(r'code[=!]~"([^"]*)"', ALL[alert]["expr"])
    assert found is not None
    return set(found[1].split("|"))


def test_findings_that_are_told_apart_exist() -> None:
    """A code that was renamed would be no more than noted."""
    warned, left_out = told_apart("BridgedFinding"), told_apart("BridgedFindingNoted")
    assert left_out <= set(finding_codes())
    assert left_out == warned | {"web-config"}  # that has an alert of its own


def test_every_finding_is_in_the_runbook_under_the_alert_that_it_raises() -> None:
    text = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    sections = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    codes = set(finding_codes()) - {"web-config"}
    assert len(codes) > 20
    for code in codes:
        warned = code in told_apart("BridgedFinding")
        where = "BridgedFinding" if warned else "BridgedFindingNoted"
        assert re.search(rf"`{code}`\s\(", sections[where]), f"{code} is missing under {where}"
