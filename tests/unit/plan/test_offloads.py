"""Offloads of a card: declared ones are kept, in the kernel and in the profile."""

from bridged.plan.actions import ObjectId, SetOffloads
from tests.twins.machine import Machine, reference_machine
from tests.unit.reference import REFERENCE, state

PORT = ObjectId("port", "enp13s0f0")


def declared(**offloads: bool) -> object:
    lan = {"ports": ({"name": "enp13s0f0", "offloads": offloads},)}
    return state(bridges={**REFERENCE["bridges"], "br-lan": lan})


def converged(wanted: object) -> Machine:
    machine = reference_machine()
    assert not machine.converge(wanted)
    machine.faults.writes.clear()
    return machine


def test_declared_offloads_are_set_and_others_are_let_be() -> None:
    machine = converged(declared(tso=False, gro=True))
    assert machine.kernel.offloads["enp13s0f0"]["tso"] is False
    assert machine.kernel.offloads["enp13s0f0"]["rx"] is True
    ours = next(
        p for p in machine.nm.profiles.values() if p["connection"]["id"] == "br-lan-enp13s0f0"
    )
    assert ours["ethtool"] == {"feature-tso": False, "feature-gro": True}


def test_an_offload_that_is_switched_back_is_repaired_in_place() -> None:
    """`ethtool -K enp13s0f0 tso on`"""
    wanted = declared(tso=False)
    machine = converged(wanted)
    machine.kernel.offloads["enp13s0f0"]["tso"] = True
    assert [type(action) for action in machine.plan(wanted)] == [SetOffloads]
    machine.converge(wanted)
    assert machine.kernel.offloads["enp13s0f0"]["tso"] is False


def test_an_offload_that_the_card_has_not_is_said() -> None:
    """Off is what it is then; on cannot be had."""
    machine = converged(declared(ntuple=False))
    plan = machine.converge(declared(ntuple=True))
    verdict = plan.verdict(PORT)
    assert verdict is not None
    assert (verdict.condition, verdict.reason) == ("blocked", "this kernel does not offer ntuple")
