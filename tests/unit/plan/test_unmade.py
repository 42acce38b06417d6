"""Ports that are neither cards nor VLANs: with the profile that makes them, or not at all."""

import pytest

from bridged.plan.actions import AddProfile, ObjectId
from tests.twins.machine import Machine, reference_machine
from tests.unit.reference import state

GRE = ObjectId("port", "gre1")
LAN = state(bridges={"br-lan": {"ports": ({"name": "gre1"},)}}, modules=(), sysctls={})


@pytest.fixture
def machine() -> Machine:
    return reference_machine()


def by_hand(machine: Machine, kind: str, **connection: object) -> None:
    common = {"id": "hand", "uuid": "hand", "type": kind, "interface-name": "gre1"}
    machine.nm.add({"connection": {**common, **connection}, kind: {}})


def ports_of_ours(machine: Machine) -> list[AddProfile]:
    """The profiles that would be made for the port."""
    added = (action for action in machine.plan(LAN) if isinstance(action, AddProfile))
    return [action for action in added if action.object == GRE]


@pytest.mark.parametrize("connection", [{}, {"controller": "br-lan", "port-type": "bridge"}])
def test_a_tunnel_is_a_port_with_the_profile_that_makes_it(
    machine: Machine, connection: dict[str, str]
) -> None:
    machine.kernel.add_link("gre1", "gretap", up=True)
    by_hand(machine, "ip-tunnel", **connection)
    assert not machine.converge(LAN)
    assert machine.kernel.ports("br-lan") == {"gre1"}
    assert machine.nm.active["gre1"] == "hand"
    found = machine.nm.profiles["hand"]["connection"]
    assert (found["controller"], found["port-type"]) == ("br-lan", "bridge")


@pytest.mark.parametrize(
    ("kind", "maker"), [("gretap", "ip-tunnel"), ("bond", "bond"), ("macvtap", "macvlan")]
)
def test_what_no_profile_makes_is_named_and_gets_none_for_a_card(
    machine: Machine, kind: str, maker: str
) -> None:
    machine.kernel.add_link("gre1", kind, up=True)
    assert not ports_of_ours(machine)
    verdict = machine.converge(LAN).verdict(GRE)
    assert verdict is not None
    assert (verdict.condition, verdict.actions) == ("blocked", ())
    assert verdict.reason.startswith(f"no profile makes gre1, a {kind}")
    assert verdict.remedy.startswith(f"nmcli connection add type {maker} ifname gre1")
    by_hand(machine, maker)
    assert not machine.converge(LAN)
    assert machine.kernel.ports("br-lan") == {"gre1"}


def test_what_is_plugged_in_already_is_left_as_it_was_made(machine: Machine) -> None:
    machine.converge(LAN)
    machine.kernel.add_link("gre1", "bond", up=True)
    machine.kernel.plug("gre1", "br-lan")
    before = set(machine.nm.profiles)
    machine.nm.profiles.pop(next(u for u in before if "gre1" in str(machine.nm.profiles[u])))
    machine.faults.writes.clear()
    assert not machine.converge(LAN)
    assert machine.faults.writes == []


def test_one_for_a_card_that_was_made_before_it_was_there_does_not_stand_in_the_way(
    machine: Machine,
) -> None:
    assert ports_of_ours(machine)
    machine.converge(LAN)
    machine.kernel.add_link("gre1", "bond", up=True)
    machine.faults.writes.clear()
    verdict = machine.converge(LAN).verdict(GRE)
    assert verdict is not None
    assert verdict.reason.startswith("no profile makes gre1, a bond")
    assert machine.faults.writes == []
    by_hand(machine, "bond")
    assert not machine.converge(LAN)
    assert machine.nm.active["gre1"] == "hand"


@pytest.mark.parametrize("kind", ["", "veth", "dsa", "netdevsim"])
def test_what_networkmanager_takes_for_a_card_gets_a_profile_for_one(
    machine: Machine, kind: str
) -> None:
    machine.kernel.add_link("gre1", kind, up=True)
    (added,) = ports_of_ours(machine)
    assert added.settings["connection"]["type"] == "802-3-ethernet"
    assert not machine.converge(LAN)
    assert machine.kernel.ports("br-lan") == {"gre1"}
