"""The list of cases names tests that exist."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
_NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
_ROW = re.compile(r"^\| (L?\d+) \|.*\| (.+) \|$", re.MULTILINE)


def cases() -> str:
    """The document."""
    return (TESTS / "CASES.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted({path for path, _ in _NAMED.findall(cases())}))
def test_every_test_that_is_named_exists(path: str) -> None:
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    named = {name for where, name in _NAMED.findall(cases()) if where == path}
    assert named <= defined, f"not in {path}: {sorted(named - defined)}"


def test_every_case_has_one_row_with_a_test_or_a_reason() -> None:
    rows = _ROW.findall(cases())
    numbers = [number for number, _ in rows]
    assert len(numbers) == len(set(numbers))
    for number, what in rows:
        assert _NAMED.search(what) or len(what.split()) > 4, f"case {number}: {what}"
