"""Why a declared port cannot be had now: what a person or time must mend first."""

from difflib import get_close_matches

from bridged.desired.port import Vlan
from bridged.observe.host import Address, Link
from bridged.plan.matching import why_unresolved
from bridged.plan.port_view import PortView, leaves
from bridged.plan.profiles import MAKERS


def obstacle(port: PortView) -> tuple[str, str, bool] | None:
    """Why the port cannot be had now: reason, remedy, and whether its profile is off limits too."""
    context, spec, link, name = port.context, port.spec, port.link, port.name
    if not spec.known:
        unresolved = why_unresolved(context.state, context.host, spec)
        return unresolved.reason, unresolved.remedy, True
    bridge, first = port.first_claim
    if first not in {"", spec.device}:
        return (
            f"{spec.device} is {name}, and that is declared as a port of {bridge} already",
            "take one of the two out of the state file",
            True,
        )
    why = context.protected.get(name)
    if why and not port.plugged:
        return (
            f"{name} {why}, so it is not made a port of {port.bridge}",
            "move the node's own traffic to another interface first, or take the port out of the "
            "state file",
            True,
        )
    if why and any(not _is_link_local(address) for address in port.unwanted_addresses):
        return (
            f"{name} {why}, so its addresses are not taken away",
            f"write ipv4: keep and ipv6: keep under {port.bridge}, or move the node's own traffic "
            "to another interface first",
            True,
        )
    if isinstance(spec, Vlan):
        return _vlan_obstacle(port, spec)
    if link is None:
        present = [
            other.name for other in context.host.links if not other.kind or other.kind == "veth"
        ]
        near = get_close_matches(name, present, 3, 0.7)
        hint = f"; similar interfaces: {', '.join(near)}" if near else ""
        return f"port missing: there is no interface {name}{hint}", _RENAME, False
    if link.kind == "bridge":
        return f"{name} is a bridge, and a bridge cannot be a port of another", "", True
    owner = context.host.controller(link)
    if owner is not None and owner.kind != "bridge":
        return _owned(port, owner)
    return _stood_on(port, link) or _unmanaged(port) or _unmade(port, link)


def _is_link_local(address: Address) -> bool:
    """An address that a port has by itself: nobody reaches the node by it alone."""
    return address.family == 6 and address.address.startswith("fe80:")


def _stood_on(port: PortView, link: Link) -> tuple[str, str, bool] | None:
    """What takes the frames that the bridge would get: the kernel refuses one of the two."""
    over = port.context.taking(link)
    if over is None or port.plugged:
        return None
    return (
        f"{over.name}, a {over.kind}, stands on {port.name}, which the kernel does not allow on a "
        "port of a bridge",
        f"remove {over.name}, or put it on {port.bridge} instead",
        False,
    )


def _owned(port: PortView, owner: Link) -> tuple[str, str, bool]:
    return f"{port.name} is a port of {owner.name}, which is a {owner.kind}", "", True


_RENAME = "connect the card, or write the name that it has now into the state file"


def _vlan_obstacle(port: PortView, spec: Vlan) -> tuple[str, str, bool] | None:
    context, link = port.context, port.link
    parent = context.host.link(spec.parent)
    if parent is None:
        return f"port missing: there is no parent interface {spec.parent}", _RENAME, False
    if link is not None and link.kind != "vlan":
        return (
            f"{port.name} exists and is not a VLAN",
            "rename or remove that interface, or give the VLAN another name",
            True,
        )
    for other in port.in_the_way:
        if not leaves(context, other):
            return (
                f"VLAN {spec.vlan} of {spec.parent} exists under the name {other}",
                f"write name: {other} for this port",
                True,
            )
    if link is None:
        return None
    owner = context.host.controller(link)
    if owner is not None and owner.kind != "bridge":
        return _owned(port, owner)
    return _stood_on(port, link)


def _unmade(port: PortView, link: Link) -> tuple[str, str, bool] | None:
    """A profile for a card would not fit what is none, and ours for what it is would be a guess."""
    if port.plugged or not port.unmade or port.context.nm is None or port.out_of_reach:
        return None
    return (
        f"no profile makes {port.name}, a {link.kind}, so none can make it a port of {port.bridge}",
        f"nmcli connection add type {MAKERS[link.kind]} ifname {port.name}, as it is to be",
        False,
    )


def _unmanaged(port: PortView) -> tuple[str, str, bool] | None:
    """NetworkManager was told to leave the port alone (or has not looked at it yet, just after it
    appeared)."""
    if port.plugged or port.device is None or port.device.managed:
        return None
    return (
        f"NetworkManager does not manage {port.name} (unmanaged)",
        f"see nmcli device show {port.name} and unmanaged-devices in NetworkManager.conf",
        False,
    )
