"""The nodes that the benchmark makes: what is declared is what is awaited."""

import re

import pytest

from tests.bench.emulated import sizes
from tests.bench.layouts import many, vlans
from tests.unit.desired.support import load


def test_vlans_are_declared_typed_and_awaited_alike() -> None:
    layout = vlans(3)
    bridges = load(layout.state).state.bridges or {}
    declared = {
        name: f"{port.parent}.{port.vlan}" for name, row in bridges.items() for port in row.ports
    }
    assert declared == dict(layout.ports)
    typed = re.findall(r"con-name (vlan-\d+) dev (\S+) id (\d+)", layout.script)
    assert [f"{card}.{vlan}" for _, card, vlan in typed] == list(layout.ports.values())
    assert layout.cards == ["enp13s0f0"]
    assert f"delete {layout.cards[0]}" not in layout.script, "it keeps its profile"


def test_a_card_each_is_declared_and_awaited_alike() -> None:
    layout = many(3)
    assert layout.cards == list(layout.ports.values())


def test_the_numbers_of_vlans_are_sorted_and_possible() -> None:
    assert sizes("50,10") == (10, 50)
    for wrong in ("0", "5000", "ten", ""):
        with pytest.raises(ValueError, match=r"."):
            sizes(wrong)
