"""Findings: what is as declared and still dangerous, with the remedy."""

from collections.abc import Callable, Iterator

from bridged.desired.names import sysctl_key, sysctl_value
from bridged.desired.port import Vlan
from bridged.desired.state import Minimum
from bridged.observe.host import NetworkManager, Profile
from bridged.plan.boot import MINIMUMS, SYSCTLS
from bridged.plan.context import Context
from bridged.plan.declared import ports_of
from bridged.plan.kernel import LOCK, satisfied
from bridged.plan.port_view import object_id
from bridged.plan.profiles import brings_ports
from bridged.plan.runtime import find_swap
from bridged.report import Finding

NODES = {"kvm": "/dev/kvm", "vhost_net": "/dev/vhost-net", "vhost_vsock": "/dev/vhost-vsock"}
"""Device nodes that people load a module for; the module alone does not prove them."""
READY_NODES = frozenset({"/dev/kvm", "/dev/vhost-net", "/dev/net/tun"})
"""What virtual machines are started with; looked at whatever is declared."""
_NF_KEYS = ("iptables", "ip6tables", "arptables")


def _vlan_injection(context: Context) -> Iterator[Finding]:
    """A guest that tags its own frames gets them into a VLAN that another bridge carries.

    Measured: the frame leaves by the shared card with the guest's tag; with VLAN filtering on the
    guest's bridge nothing gets through and everything else goes on.
    """
    cards = {context.ifname(port.device): name for name, _, port in context.state.ports()}
    for other, _, port in context.state.ports():
        bridge = cards.get(context.ifname(port.parent)) if isinstance(port, Vlan) else None
        if bridge is None or bridge == other or not isinstance(port, Vlan):
            continue
        spec = (context.state.bridges or {})[bridge]
        if not spec.filters_vlans:
            yield Finding(
                "vlan-injection",
                f"a guest on {bridge} that tags its frames with VLAN {port.vlan} sends them into "
                f"{other}, for both use {port.parent}",
                f"write isolate: true under {bridge}",
                f"bridge/{bridge}",
            )


def _filtered_frames(context: Context) -> Iterator[Finding]:
    if not context.state.bridges:
        return
    on = [
        key
        for name in _NF_KEYS
        if (seen := context.host.sysctls.get(key := f"net/bridge/bridge-nf-call-{name}"))
        and seen.value == "1"
    ]
    if on:
        yield Finding(
            "bridge-nf-call",
            "frames between guests of the same bridge pass the host's firewall "
            f"({', '.join(key.rpartition('/')[2] for key in on)} = 1): a FORWARD policy of DROP "
            "cuts them off",
            "Kubernetes wants it so; where no container network needs it, declare 0",
        )


def _losing_boot_files(context: Context) -> Iterator[Finding]:
    """A file that sorts behind ours has the last word at boot."""
    for path, wish in (context.state.sysctls or {}).items():
        assignments = context.host.boot_sysctls.get(path, ())
        last = assignments[-1] if assignments else None
        if last is None or last.file in {SYSCTLS, MINIMUMS} or path == LOCK:
            continue  # no file of ours sets the last
        if satisfied(wish, last.value, path):
            continue
        ours = MINIMUMS if isinstance(wish, Minimum) else SYSCTLS
        if last.name > ours.rpartition("/")[2] or not isinstance(wish, Minimum):
            yield Finding(
                "boot-sysctl",
                f"{last.file} sets {sysctl_key(path)} to {sysctl_value(last.value)} at boot, after "
                f"{ours}; it is put right as soon as bridged runs",
                f"take the line out of {last.file}",
                f"sysctl/{sysctl_key(path)}",
            )


def _missing_nodes(context: Context) -> Iterator[Finding]:
    for module, node in NODES.items():
        loaded = context.host.modules.get(module) in {"loaded", "builtin"}
        if loaded and context.host.nodes.get(node) is False:
            hint = "look whether virtualisation is on in the firmware, and load the vendor's module"
            yield Finding(
                "device-node",
                f"{module} is loaded, and still there is no {node}",
                f"{hint} (kvm_intel or kvm_amd)" if module == "kvm" else "see dmesg",
                f"module/{module}",
            )


def _large_vlans(context: Context) -> Iterator[Finding]:
    for _, _, port in context.state.ports():
        if not isinstance(port, Vlan) or port.mtu is None:
            continue
        parent = context.host.link(port.parent)
        if parent is not None and port.mtu > parent.mtu:
            yield Finding(
                "vlan-mtu",
                f"{port.device} is declared with an MTU of {port.mtu}, and its parent "
                f"{port.parent} has {parent.mtu}: the kernel refuses that",
                f"declare an mtu of at least {port.mtu} for {port.parent}",
                f"vlan/{port.device}",
            )


def _dangling_profiles(context: Context) -> Iterator[Finding]:
    """Port profiles whose bridge nobody makes: a typo, or a leftover."""
    for profile in _without_bridge(context.nm) if context.nm else ():
        if context.host.link(profile.controller) is None:
            yield Finding(
                "dangling-profile",
                f"profile {profile.id} makes {profile.interface or 'a card'} a port of "
                f"{profile.controller}, which does not exist",
                f"nmcli connection delete {profile.uuid}",
            )


def _without_bridge(nm: NetworkManager) -> tuple[Profile, ...]:
    """Port profiles of a bridge that no profile makes."""

    def conclude() -> tuple[Profile, ...]:
        bridges = {
            name
            for profile in nm.profiles
            if profile.type == "bridge"
            for name in (profile.interface, profile.uuid)
        }
        return tuple(
            profile
            for profile in nm.profiles
            if profile.port_type == "bridge"
            and profile.controller
            and profile.controller not in bridges
        )

    return nm.once(("without bridge",), conclude)


def _ports_of_others(context: Context) -> Iterator[Finding]:
    """A bridge that brings its ports along activates their profiles without asking whether they
    may activate themselves, so turning that off keeps none of them away."""
    for profile, bridge in _brought_along(context.nm) if context.nm else ():
        link = context.host.link(profile.interface)
        names = (link.name, *link.altnames) if link else (profile.interface,)
        for name, _, port in ports_of(context.state, names):
            if name != bridge and context.ifname(port.device) == names[0]:
                yield Finding(
                    "port-of-another",
                    f"profile {profile.id} takes {port.device} away from {name} whenever {bridge} "
                    "comes up",
                    f"nmcli connection delete {profile.uuid}",
                    str(object_id(port)),
                )


def _brought_along(nm: NetworkManager) -> tuple[tuple[Profile, str], ...]:
    """Port profiles that are not in use, and come up with their bridge: each with its name."""

    def conclude() -> tuple[tuple[Profile, str], ...]:
        bringing = {
            key: profile.interface
            for profile in nm.profiles
            if profile.type == "bridge" and brings_ports(profile) == 1
            for key in (profile.interface, profile.uuid)
        }
        return tuple(
            (profile, bringing[profile.controller])
            for profile in nm.profiles
            if profile.port_type == "bridge"
            and profile.controller in bringing
            and profile.interface
            and not ((known := nm.device(profile.interface)) and known.active == profile.uuid)
        )

    return nm.once(("brought along",), conclude)


def _unmanaged_links(context: Context) -> Iterator[Finding]:
    """Right now, and on its own after the next boot."""
    if context.nm is None or all(device.managed for device in context.nm.devices):
        return
    for name, _, port in context.state.ports():
        link, bridge = context.host.link(port.device), context.host.link(name)
        plugged = link is not None and bridge is not None and link.controller == bridge.index
        if plugged and _is_unmanaged(context, port.device):
            yield _unmanaged(port.device, f"make it a port of {name}")
    for name in context.state.bridges or {}:
        if context.host.link(name) is not None and _is_unmanaged(context, name):
            yield _unmanaged(name, "make the bridge")


def _is_unmanaged(context: Context, name: str) -> bool:
    device = context.device(context.ifname(name))
    return device is not None and not device.managed


def _unmanaged(name: str, what: str) -> Finding:
    return Finding(
        "unmanaged",
        f"NetworkManager does not manage {name}, so the next boot does not {what}",
        f"see unmanaged-devices in NetworkManager.conf; nmcli device set {name} managed yes",
    )


DANGERS: tuple[Callable[[Context], Iterator[Finding]], ...] = (
    _vlan_injection,
    _filtered_frames,
    _losing_boot_files,
    _missing_nodes,
    _large_vlans,
    _dangling_profiles,
    _ports_of_others,
    _unmanaged_links,
    find_swap,
)
"""Each finds one kind of danger of the layout that can be seen."""
