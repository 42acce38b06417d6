"""Which profile NetworkManager takes for a declared card at the next boot: the one of its port."""

from typing import Any

import pytest

from bridged.plan.actions import ObjectId
from bridged.plan.identity import profile_uuid
from tests.twins.machine import Machine, reference_machine
from tests.unit.reference import state

CARD = "enp13s0f0"
OURS = profile_uuid(ObjectId("port", CARD))
LAN = state(bridges={"br-lan": {"ports": ({"name": CARD},)}}, modules=(), sysctls={})
PORT = {"controller": "br-lan", "port-type": "bridge"}


@pytest.fixture
def machine() -> Machine:
    return reference_machine()


def wired(machine: Machine, name: str, priority: int = 0, **more: Any) -> dict[str, Any]:
    """Somebody's profile of a card, of any unless `more` ties it to one; its connection."""
    connection = {"id": name, "uuid": name * 6, "type": "802-3-ethernet", "autoconnect": True}
    connection |= {"autoconnect-priority": priority, **more.pop("connection", {})}
    uuid = machine.nm.add({"connection": connection, "802-3-ethernet": {}, **more})
    return machine.nm.profiles[uuid]["connection"]


def priority(machine: Machine, uuid: str = OURS) -> int:
    return int(machine.nm.profiles[uuid]["connection"]["autoconnect-priority"])


def still(machine: Machine) -> bool:
    """Whether a host that is right stays as it is."""
    machine.faults.writes.clear()
    machine.converge(LAN)
    return machine.faults.writes == []


@pytest.mark.parametrize(
    ("theirs", "expected"), [(-999, 100), (0, 100), (99, 100), (100, 101), (200, 201), (999, 999)]
)
@pytest.mark.parametrize("late", [False, True])
def test_ours_comes_before_one_for_any_card(
    machine: Machine, theirs: int, expected: int, late: bool
) -> None:
    """Made so, or changed when the other one came.  That one is for other cards too: it stays."""
    if late:
        assert not machine.converge(LAN)
    other = wired(machine, "theirs", theirs)
    assert not machine.converge(LAN)
    assert priority(machine) == expected
    assert other["autoconnect"] is True
    assert still(machine)


@pytest.mark.parametrize(("theirs", "expected"), [(None, 0), (-1, 0), (0, 1), (10, 11), (999, 999)])
def test_an_adopted_profile_is_raised_where_it_would_lose(
    machine: Machine, theirs: int | None, expected: int
) -> None:
    """Of two with the same priority NetworkManager takes the one that was used last."""
    wired(machine, "hand", connection={"interface-name": CARD, **PORT})
    if theirs is not None:
        wired(machine, "theirs", theirs)
    assert not machine.converge(LAN)
    assert OURS not in machine.nm.profiles
    assert priority(machine, "hand" * 6) == expected
    assert still(machine)


@pytest.mark.parametrize(
    ("connection", "more"),
    [
        ({"autoconnect": False}, {}),
        ({"type": "wifi"}, {}),
        ({}, {"802-3-ethernet": {"mac-address": b"\2\0\0\0\0\1"}}),
        ({}, {"match": {"interface-name": ["enp8s0", "eth*"]}}),
        (PORT, {}),
    ],
)
def test_what_cannot_take_the_card_away_raises_nothing(
    machine: Machine, connection: dict[str, Any], more: dict[str, Any]
) -> None:
    wired(machine, "theirs", 200, connection=connection, **more)
    assert not machine.converge(LAN)
    assert priority(machine) == 100


@pytest.mark.parametrize(
    "names", [["enp8s0", "enp13*"], ["!eth0"], ["|enp13s0f0", "|enp8s0"], [CARD, "enp8s0"]]
)
def test_what_may_take_it_by_a_pattern_is_outdone(machine: Machine, names: list[str]) -> None:
    other = wired(machine, "theirs", 200, match={"interface-name": names})
    assert not machine.converge(LAN)
    assert priority(machine) == 201
    assert other["autoconnect"] is True
    assert still(machine)


def test_a_rival_that_is_tied_to_the_card_by_a_match_is_put_out_of_the_way(
    machine: Machine,
) -> None:
    other = wired(machine, "theirs", 200, match={"interface-name": [CARD]})
    assert not machine.converge(LAN)
    assert other["autoconnect"] is False
    assert priority(machine) == 100
    assert still(machine)


def test_a_profile_that_is_tied_to_the_card_by_a_match_is_adopted(machine: Machine) -> None:
    hand = wired(machine, "hand", connection=PORT, match={"interface-name": [CARD]})
    before = dict(hand)
    assert not machine.converge(LAN)
    assert OURS not in machine.nm.profiles
    assert machine.nm.active[CARD] == "hand" * 6
    assert hand == before
    assert still(machine)


def test_a_priority_of_ours_that_was_lowered_comes_back_and_a_higher_one_stays(
    machine: Machine,
) -> None:
    assert not machine.converge(LAN)
    for given, expected in ((-999, 100), (150, 150)):
        machine.nm.profiles[OURS]["connection"]["autoconnect-priority"] = given
        assert not machine.converge(LAN)
        assert priority(machine) == expected
