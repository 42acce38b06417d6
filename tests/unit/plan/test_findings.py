"""Dangers of the layout are found, with their remedy, and none where there is none."""

from dataclasses import replace

import pytest

from bridged.observe.host import Assignment
from bridged.plan.actions import ObjectId
from bridged.report import Finding
from tests.twins.machine import Machine, reference_machine
from tests.unit.reference import REFERENCE, state

BRIDGES = REFERENCE["bridges"]
QUIET = {**REFERENCE["sysctls"], **{k: 0 for k in REFERENCE["sysctls"] if "bridge" in k}}


@pytest.fixture
def machine() -> Machine:
    return reference_machine()


def findings(machine: Machine, **changes: object) -> dict[str, Finding]:
    plan = machine.converge(state(**changes))
    return {finding.code: finding for finding in plan.findings}


def isolated() -> dict[str, object]:
    return {**BRIDGES, "br-lan": {"ports": ({"name": "enp13s0f0"},), "isolate": True}}


def test_the_reference_layout_lets_guests_into_the_web_vlan(machine: Machine) -> None:
    found = findings(machine)["vlan-injection"]
    assert "VLAN 6" in found.message
    assert found.remedy == "write isolate: true under br-lan"
    assert found.object == "bridge/br-lan"


def test_isolate_closes_it_by_vlan_filtering(machine: Machine) -> None:
    assert "vlan-injection" not in findings(machine, bridges=isolated())
    assert machine.kernel.need("br-lan").info["br_vlan_filtering"] == 1
    assert machine.kernel.need("br-dmz").info["br_vlan_filtering"] == 0


def test_guests_frames_that_pass_the_firewall_are_told(machine: Machine) -> None:
    assert "iptables" in findings(machine)["bridge-nf-call"].message
    assert "bridge-nf-call" not in findings(machine, sysctls=QUIET)


def test_a_boot_file_that_wins_is_named(machine: Machine) -> None:
    """Case 12: somebody's file sorts behind ours and says otherwise."""
    machine.kernel.boot_sysctls = {
        "net/ipv4/ip_forward": (
            Assignment("/etc/sysctl.d/zz-bridged.conf", "1", "zz-bridged.conf"),
            Assignment("/etc/sysctl.d/zzz.conf", "0", "zzz.conf"),
        )
    }
    found = findings(machine)["boot-sysctl"]
    assert "/etc/sysctl.d/zzz.conf sets net.ipv4.ip_forward to 0" in found.message


def test_a_boot_file_that_agrees_or_loses_is_no_finding(machine: Machine) -> None:
    machine.kernel.boot_sysctls = {
        "net/ipv4/ip_forward": (
            Assignment("/etc/sysctl.d/99-sysctl.conf", "0", "99-sysctl.conf"),
            Assignment("/etc/sysctl.d/zz-bridged.conf", "1", "zz-bridged.conf"),
        )
    }
    assert "boot-sysctl" not in findings(machine)


def test_case_11_kvm_without_its_device_node(machine: Machine) -> None:
    """The module is as declared; that there is no /dev/kvm is told apart from it."""
    assert "device-node" not in findings(machine)
    machine.kernel.nodes.discard("/dev/kvm")
    plan = machine.plan(state())
    assert [f.object for f in plan.findings if f.code == "device-node"] == ["module/kvm"]
    assert not plan


def test_case_28_a_port_profile_of_a_bridge_that_nobody_makes(machine: Machine) -> None:
    machine.nm.add(
        {
            "connection": {
                "id": "old port",
                "uuid": "22222222-0000-4000-8000-000000000001",
                "type": "802-3-ethernet",
                "interface-name": "enp9s0",
                "controller": "br-lna",
                "port-type": "bridge",
            }
        }
    )
    found = findings(machine)["dangling-profile"]
    assert "old port" in found.message
    assert "br-lna" in found.message


def test_a_vlan_larger_than_its_parent_is_told(machine: Machine) -> None:
    bridges = {
        **BRIDGES,
        "br-web": {"ports": ({"vlan": 6, "parent": "enp13s0f0", "mtu": 9000},)},
    }
    assert "enp13s0f0 has 1500" in findings(machine, bridges=bridges)["vlan-mtu"].message


def test_what_this_kernel_does_not_offer_is_said(machine: Machine) -> None:
    """A kernel built without VLAN filtering: isolation is declared, and not there."""
    machine.converge(state())
    bridge = machine.kernel.need("br-lan")
    info = {k: v for k, v in bridge.info.items() if k != "br_vlan_filtering"}
    machine.kernel.links[bridge.index] = replace(bridge, info=info)
    machine.nm.kernel_lacks = {"br_vlan_filtering"}
    plan = machine.converge(state(bridges=isolated()))
    verdict = plan.verdict(ObjectId("bridge", "br-lan"))
    assert verdict is not None
    assert verdict.condition == "blocked"
    assert verdict.reason == "this kernel does not offer vlan-filtering"
    assert not plan.verdict(ObjectId("bridge", "br-dmz")).drift


def test_case_31_a_bridge_that_networkmanager_leaves_alone_gets_its_ports_by_netlink(
    machine: Machine,
) -> None:
    """`unmanaged-devices=type:bridge`, or made by `ip link add` and not configured: NetworkManager
    refuses to activate it, so it is done without, and what the next boot will not do is said."""
    machine.kernel.add_link("br-dmz", "bridge", up=True, disable_ipv6=True)
    machine.nm.unmanaged.add("br-dmz")
    plan = machine.converge(state())
    verdict = plan.verdict(ObjectId("port", "enp13s0f3"))
    assert verdict is not None
    assert verdict.condition == "converged"
    assert machine.kernel.ports("br-dmz") == {"enp13s0f3"}
    assert "br-dmz" in next(f for f in plan.findings if f.code == "unmanaged").message
    assert machine.kernel.ports("br-lan") == {"enp13s0f0"}
    machine.nm.unmanaged.clear()
    assert machine.converge(state()).verdict(ObjectId("port", "enp13s0f3")).condition == (
        "converged"
    )


def other_bridge(machine: Machine, brings: int, port: str = "enp13s0f0", by: str = "br-old") -> str:
    """Somebody's bridge that is down, with a profile of its port; the UUID of that."""
    common = {"autoconnect": False}
    bridge = {"id": "br-old", "uuid": "o" * 36, "type": "bridge", "interface-name": "br-old"}
    machine.nm.add({"connection": {**bridge, **common, "autoconnect-ports": brings}, "bridge": {}})
    connection = {"id": "old port", "uuid": "p" * 36, "type": "802-3-ethernet", **common}
    connection |= {"interface-name": port, "controller": by, "port-type": "bridge"}
    return machine.nm.add({"connection": connection, "802-3-ethernet": {}})


@pytest.mark.parametrize("by", ["br-old", "o" * 36])
def test_a_profile_that_another_bridge_brings_along_is_told(machine: Machine, by: str) -> None:
    """NetworkManager does not ask whether the port's profile may activate itself."""
    uuid = other_bridge(machine, 1, by=by)
    found = findings(machine)["port-of-another"]
    assert found.message == (
        "profile old port takes enp13s0f0 away from br-lan whenever br-old comes up"
    )
    assert found.remedy == f"nmcli connection delete {uuid}"
    assert found.object == "port/enp13s0f0"


@pytest.mark.parametrize(
    ("brings", "port", "by"),
    [(0, "enp13s0f0", "br-old"), (1, "enp8s0", "br-old"), (1, "enp13s0f0", "br-lan")],
)
def test_a_profile_that_no_other_bridge_brings_along_is_not(
    machine: Machine, brings: int, port: str, by: str
) -> None:
    other_bridge(machine, brings, port, by)
    assert "port-of-another" not in findings(machine)
