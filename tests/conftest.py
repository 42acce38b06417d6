"""Options, markers and reports that all tests share."""

from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.node import Node

SUITES = ("trixie", "bookworm")
_HERE = Path(__file__).resolve().parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--suite",
        action="append",
        help="run the namespace laboratory's tests on this Debian suite only (repeatable); "
        f"{' and '.join(SUITES)} if there is none",
    )
    parser.addoption(
        "--part",
        metavar="I/N",
        help="run the I-th of N parts of the test files only, so that N processes share the tests",
    )
    parser.addoption(
        "--record",
        action="store_true",
        help="write docs/sandbox.md from what the virtual machine shows, instead of comparing it",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests below tests/netns and tests/vm bear the marker of that name; --part picks some."""
    if part := config.getoption("--part"):
        index, count = (int(number) for number in part.split("/"))
        # By file, for what a file's tests share is made once.
        files = sorted({item.path for item in items})[index - 1 :: count]
        config.hook.pytest_deselected(items=[item for item in items if item.path not in files])
        items[:] = [item for item in items if item.path in files]
    for item in items:
        for name in ("netns", "vm"):
            if _HERE / name in item.path.parents:
                item.add_marker(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure on a node comes with what that node says."""
    report = yield
    if report.when == "call" and report.failed:
        nodes = {id(n): n for n in getattr(item, "funcargs", {}).values() if isinstance(n, Node)}
        for node in nodes.values():
            report.sections.extend(_diagnosis(node))
    return report


def _diagnosis(node: Node) -> list[tuple[str, str]]:
    try:
        return node.diagnosis()
    except Exception as error:  # the node may be gone, and that must not hide the failure
        return [("the node", f"does not answer: {error}")]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tests that did not run are said so where nobody can overlook it."""
    reasons: dict[str, int] = defaultdict(int)
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        reasons[str(reason).removeprefix("Skipped: ")] += 1
    if reasons:
        terminalreporter.section("NOT RUN", sep="!", red=True, bold=True)
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"{count:4} skipped: {reason}", red=True)
