"""`bridgedctl import` of a host: what somebody set up there, and nothing else."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from bridged.desired.loader import load
from bridged.desired.port import Vlan
from bridged.desired.vlans import PortVlan
from bridged.exchange.yaml_writer import state_text
from bridged.observe.boot_files import BootFile, BootFiles
from bridged.observe.host import Address
from bridged.plan.actions import SetLink, UpdateProfile, WriteFile
from tests.twins.machine import Machine, reference_machine
from tests.unit.exchange.generated import states
from tests.unit.exchange.support import FILES, bridge, card, hand_made_machine, imported, loaded

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
REFERENCE = Path(__file__).parents[3] / "config/state.yaml"


@pytest.fixture
def machine() -> Machine:
    return hand_made_machine()


def test_the_owners_node_gives_the_reference_file(machine: Machine) -> None:
    _, text, notes = imported(machine)
    assert loaded(text).state == load(REFERENCE, trusted=True).state
    assert not notes.found
    assert "  br-web: {ports: [{vlan: 6, parent: enp13s0f0}]}\n" in text
    assert "  net/bridge" not in text, "the spelling that people expect"


def test_every_part_says_where_it_is_from(machine: Machine) -> None:
    _, text, _ = imported(machine)
    assert '  # NetworkManager profile "p-br-lan", /etc/' in text
    assert "# /etc/modules-load.d/kubernetes.conf\nmodules: [overlay, br_netfilter," in text
    assert "# /etc/sysctl.d/99-kubernetes.conf\nsysctls:\n" in text
    assert "# enp8s0 carries the default route\nprotect: [enp8s0]\n" in text


def test_the_plan_for_what_was_imported_is_adoption_only(machine: Machine) -> None:
    """The node moves nothing: each bridge is given the address that it has, in kernel and profile,
    its profile brings the ports up, and our boot files are written."""
    _, text, _ = imported(machine)
    addresses = {link.name: link.address for link in machine.kernel.links.values()}
    left = []
    for action in machine.plan(loaded(text).state):
        match action:
            case UpdateProfile():
                keys = {f"{s}.{k}" for s, part in action.changes.items() for k in part}
                left += keys - {"bridge.mac-address", "connection.autoconnect-ports"}
                left += ["autoconnect"] if "connection.autoconnect" in keys else []
            case SetLink():
                assert action.link == {"address": addresses[action.device]}
                assert not action.info
                assert not action.port
            case WriteFile():
                pass
            case _:
                left.append(action.describe())
    assert left == []


def test_a_node_that_bridged_keeps_gives_its_own_state_and_an_empty_plan() -> None:
    machine = reference_machine()
    state = load(REFERENCE, trusted=True).state
    machine.converge(state)
    files = tuple(
        BootFile(path, "modules-load.d" if "modules" in path else "sysctl.d", text)
        for path, text in machine.kernel.text_files.items()
    )
    _, text, notes = imported(machine, files)
    assert loaded(text).state == state
    assert not notes.lost
    assert not machine.plan(loaded(text).state)


def test_bridges_of_others_are_left_out_with_the_reason(machine: Machine) -> None:
    for name in ("docker0", "virbr0", "cni0", "br-0123456789ab", "br-own"):
        machine.kernel.add_link(name, "bridge")
    found, _, notes = imported(machine)
    assert set(found.data["bridges"]) == {"br-lan", "br-web", "br-dmz"}
    told = {note.path: note.message for note in notes.found}
    assert "Docker" in told["docker0"]
    assert "Docker" in told["br-0123456789ab"]
    assert "libvirt" in told["virbr0"]
    assert "CNI" in told["cni0"]
    assert "no NetworkManager profile" in told["br-own"]
    assert not notes.lost


def test_guests_are_never_ports(machine: Machine) -> None:
    for name, kind in (("vnet0", "tun"), ("veth1", "veth")):
        machine.kernel.add_link(name, kind)
        machine.kernel.plug(name, "br-lan")
    found, _, notes = imported(machine)
    assert found.data["bridges"]["br-lan"] == {"ports": ({"name": "enp13s0f0"},)}
    assert [str(note) for note in notes.found] == [
        "br-lan: guest ports are not declared: vnet0, veth1"
    ]


def test_a_port_that_cannot_be_declared_is_told(machine: Machine) -> None:
    machine.kernel.add_link("bond0", "bond")
    machine.kernel.plug("bond0", "br-lan")
    _, _, notes = imported(machine)
    assert notes.lost
    assert "bond0: is a bond" in str(notes.found[0])


def test_what_differs_from_the_defaults_is_declared(machine: Machine) -> None:
    bridge(
        machine, "br-x", **{"vlan-filtering": True, "ageing-time": 60, "multicast-snooping": False}
    )
    machine.kernel.add_nic("enp9s0")
    card(machine, "enp9s0", "br-x", mtu=9000)
    machine.kernel.change(
        "enp9s0",
        vlans=(PortVlan(1, True, True), *(PortVlan(vid) for vid in (7, 10, 11, 12))),
        port={"brport_isolated": 1, "brport_learning": 0, "brport_priority": 10},
    )
    machine.kernel.change("br-x", info={"br_stp_state": 1, "br_hello_time": 150})
    found, text, notes = imported(machine)
    assert found.data["bridges"]["br-x"] == {
        "ports": (
            {
                "name": "enp9s0",
                "mtu": 9000,
                "priority": 10,
                "isolated": True,
                "learning": False,
                "vlans": (7,),
                "vlan-ranges": ("10-12",),
            },
        ),
        "stp": True,
        "ageing-time": 60,
        "multicast-snooping": False,
        "vlan-filtering": True,
    }
    assert "# in the kernel; the profile has false\n    stp: true" in text
    assert [note.path for note in notes.found] == ["bridges.br-x.hello-time"]
    written = [action for action in machine.plan(loaded(text).state) if isinstance(action, SetLink)]
    assert not any(action.info or action.port for action in written)


def test_addresses_of_a_bridge_are_kept(machine: Machine) -> None:
    index = machine.kernel.need("br-dmz").index
    machine.kernel.addresses.append(Address(index, 4, "192.0.2.1", 24))
    found, text, _ = imported(machine)
    assert found.data["bridges"]["br-dmz"]["ipv4"] == "keep"
    assert "# has 192.0.2.1/24" in text
    plan = machine.plan(loaded(text).state)
    assert not any("192.0.2.1" in action.describe() for action in plan)


def test_boot_files_that_say_what_a_state_cannot(machine: Machine) -> None:
    extra = (
        BootFile("/etc/modules-load.d/x.conf", "modules-load.d", "nbd\n; no\nbad name\n"),
        BootFile(
            "/etc/sysctl.d/10-x.conf",
            "sysctl.d",
            "net.ipv4.conf.*.rp_filter = 0\n-kernel.panic=10\nnet.ipv4.tcp_rmem = 4096\t87380  6\n",
        ),
    )
    found, text, notes = imported(machine, extra + FILES)
    told = {str(note).split(": ")[0] for note in notes.found if note.lost}
    assert told == {
        "/etc/modules-load.d/x.conf:3",
        "/etc/modules-load.d/x.conf",
        "/etc/sysctl.d/10-x.conf:1",
    }
    assert found.data["sysctls"]["kernel/panic"] == 10
    assert found.data["sysctls"]["net/ipv4/tcp_rmem"] == "4096 87380 6"
    assert dict(loaded(text).state.sysctls or {}) == found.data["sysctls"]


def test_boot_files_of_the_distribution_are_known(tmp_path: Path) -> None:
    for path, text in {
        "etc/sysctl.d/10-shipped.conf": "a.b = 1\n",
        "etc/sysctl.d/20-edited.conf": "a.c = 2\n",
        "etc/sysctl.d/50-default.conf": "a.d = 3\n",
        "usr/lib/sysctl.d/50-default.conf": "a.d = 4\n",
        "usr/lib/sysctl.d/60-other.conf": "a.e = 5\n",
        "etc/modules-load.d/own.conf": "kvm\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    digest = hashlib.md5(b"a.b = 1\n").hexdigest()
    status = tmp_path / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text(
        "Conffiles:\n"
        f" /etc/sysctl.d/10-shipped.conf {digest}\n"
        " /etc/sysctl.d/20-edited.conf 00000000000000000000000000000000\n"
    )
    found = {file.path: file.shipped for file in BootFiles(tmp_path).read()}
    assert found == {
        "/etc/modules-load.d/own.conf": False,
        "/etc/sysctl.d/10-shipped.conf": True,
        "/etc/sysctl.d/20-edited.conf": False,
        "/etc/sysctl.d/50-default.conf": False,
        "/usr/lib/sysctl.d/60-other.conf": True,
    }


@patient
@given(states())
def test_any_node_that_bridged_keeps_is_imported_to_an_empty_plan(data: dict[str, Any]) -> None:
    """Whatever was declared: host, import, plan; and a second import writes the same."""
    machine = Machine()
    state = loaded(state_text(data, {}, "")).state
    for _, _, port in state.ports():
        machine.kernel.add_nic(port.parent if isinstance(port, Vlan) else port.device)
    plan = machine.converge(state)
    assert not plan, [action.describe() for action in plan]
    found, text, notes = imported(machine, ())
    assert not notes.lost, notes.found
    plan = machine.plan(loaded(text).state)
    assert not plan, [action.describe() for action in plan]
    assert imported(machine, ())[0] == found
