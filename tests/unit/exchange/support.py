"""The owner's node as he set it up by hand, in memory; and loading what was written."""

from typing import Any

from bridged.desired.loader import Loaded, load_sources
from bridged.desired.source import Source
from bridged.exchange.host import Imported, from_host, interest
from bridged.exchange.notes import Notes
from bridged.exchange.yaml_writer import state_text
from bridged.observe.boot_files import BootFile
from tests.twins.machine import Machine, reference_machine

_MODULES = "overlay\nbr_netfilter\nkvm\nvhost_net\ndm-crypt\n"
_SYSCTLS = """\
# Kubernetes
net.ipv4.ip_forward = 1
net.bridge.bridge-nf-call-ip6tables = 1
net.bridge.bridge-nf-call-iptables = 1
net/bridge/bridge-nf-call-arptables = 1
fs.inotify.max_user_watches = 1048576
fs.inotify.max_user_instances = 8192
"""
FILES = (
    BootFile("/etc/modules-load.d/kubernetes.conf", "modules-load.d", _MODULES),
    BootFile("/usr/lib/modules-load.d/fwupd.conf", "modules-load.d", "cros_ec\n", shipped=True),
    BootFile("/usr/lib/sysctl.d/50-default.conf", "sysctl.d", "kernel.sysrq = 16\n", shipped=True),
    BootFile("/etc/sysctl.d/99-kubernetes.conf", "sysctl.d", _SYSCTLS),
)
_OFF = {"method": "disabled"}


def profile(machine: Machine, kind: str, name: str, **sections: dict[str, Any]) -> str:
    """Somebody adds a profile on disk and brings it up; its UUID."""
    number = len(machine.nm.profiles)
    uuid = f"10000000-0000-4000-8000-{number:012d}"
    connection = {"id": f"p-{name}", "uuid": uuid, "type": kind, "interface-name": name}
    machine.nm.add({**sections, "connection": {**connection, **sections.pop("connection", {})}})
    machine.nm.up(uuid)
    return uuid


def bridge(machine: Machine, name: str, **settings: Any) -> None:
    """`nmcli connection add type bridge`, without addresses and spanning tree."""
    profile(machine, "bridge", name, bridge={"stp": False, **settings}, ipv4=_OFF, ipv6=_OFF)


def card(machine: Machine, name: str, controller: str, **settings: Any) -> None:
    """`nmcli connection add type ethernet ... master`."""
    port = {"controller": controller, "port-type": "bridge"}
    profile(machine, "802-3-ethernet", name, connection=port, **{"802-3-ethernet": settings})


def hand_made_machine() -> Machine:
    """The reference node, set up by its owner's nmcli lines."""
    machine = reference_machine()
    for uuid in [u for u, p in machine.nm.profiles.items() if "enp13" in str(p)]:
        del machine.nm.profiles[uuid]
    bridge(machine, "br-lan")
    card(machine, "enp13s0f0", "br-lan")
    bridge(machine, "br-web")
    profile(
        machine,
        "vlan",
        "enp13s0f0.6",
        connection={"id": "vlan-6", "controller": "br-web", "port-type": "bridge"},
        vlan={"parent": "enp13s0f0", "id": 6, "flags": 1},
    )
    bridge(machine, "br-dmz")
    card(machine, "enp13s0f3", "br-dmz")
    for name in ("br-lan", "br-web", "br-dmz"):
        machine.kernel.change(name, address_pinned=False)
    for module in ("overlay", "br_netfilter", "kvm", "vhost_net", "dm_crypt"):
        machine.kernel.load_module(module)
    for line in _SYSCTLS.splitlines()[1:]:
        key, _, value = line.partition(" = ")
        path = key if "/" in key else key.replace(".", "/")
        machine.kernel.parameters[path] = value
    machine.faults.writes.clear()
    return machine


def imported(machine: Machine, files: tuple[BootFile, ...] = FILES) -> tuple[Imported, str, Notes]:
    """What the import of a machine gives: data and comments, the text of the file, the notes."""
    notes = Notes()
    found = from_host(machine.observe(interest(files)), files, notes)
    return found, state_text(found.data, found.comments, "A test."), notes


def loaded(text: str) -> Loaded:
    """The state that a written file declares."""
    return load_sources([Source("state.yaml", text.encode())])
