"""Planning the ports of a bridge: NICs, and VLANs on a parent interface."""

from bridged.desired.bridge import Bridge
from bridged.desired.port import Port, Vlan
from bridged.observe.host import Link
from bridged.plan.actions import (
    Action,
    Activate,
    DeleteLink,
    SetController,
    SetLink,
    SetOffloads,
    SetVlans,
)
from bridged.plan.compare import Differences, compare
from bridged.plan.context import Context, strip_addresses
from bridged.plan.port_obstacles import obstacle
from bridged.plan.port_profiles import plan_profile
from bridged.plan.port_view import PortView, look_up
from bridged.plan.profiles import demote
from bridged.plan.result import Verdict
from bridged.report import Condition

_DEACTIVATING = 110
"""NMDeviceState."""


def plan_port(context: Context, bridge: str, bridge_spec: Bridge, spec: Port) -> Verdict:
    """The verdict on one declared port."""
    port = look_up(context, bridge, bridge_spec, spec)
    found = Differences()
    blocked = obstacle(port)
    actions: list[Action] = []
    if context.nm and not (blocked and blocked[2]):
        actions += plan_profile(port, found)
        actions += demote(port.item, port.choice.rivals, port.needs)
        for rival in port.choice.rivals:
            found.note("profile", "one that autoconnects", network_manager=f"also {rival.id}")
    if blocked:
        reason, remedy, _ = blocked
        if not port.plugged:
            found.note("bridge", bridge, kernel=port.where)
        return Verdict(
            port.item, "blocked", reason, remedy, tuple(found.drift), tuple(actions), bridge
        )
    in_place = _in_kernel(port, found)
    remade = any(isinstance(action, DeleteLink) for action in in_place)
    upon = context.standing(port.name) if remade else ()
    if upon:
        return Verdict(
            port.item,
            "blocked",
            f"{port.name} must be made anew, and {upon[0].name} stands on it",
            f"remove {upon[0].name} first",
            tuple(found.drift),
            bridge=bridge,
        )
    actions += in_place
    if remade or not found.remake:
        actions += _membership(port, found, remade)
    impossible = "" if actions else found.obstacle
    waiting = "" if actions or impossible or not found.drift else _waiting(port, found)
    condition: Condition = "drift" if found.drift else "converged"
    if impossible or waiting:
        condition = "blocked" if impossible else "pending"
    return Verdict(
        port.item,
        condition,
        impossible or waiting,
        drift=tuple(found.drift),
        actions=tuple(actions),
        bridge=bridge,
    )


def _in_kernel(port: PortView, found: Differences) -> list[Action]:
    """Set in place what netlink can set on the port as it stands."""
    link = port.link
    if link is None:
        return []
    # Attributes of a port that is in no bridge or in another one say nothing about ours.
    attributes = link.port if port.plugged else {}
    compared = compare(
        port.wishes,
        link,
        None,
        port=attributes,
        port_vlans=port.plugged and port.filtered,
        offloads=port.context.host.offloads.get(port.spec.device, {}),
    )
    if _misplaced(port) or compared.remake:
        found.drift += [d for d in compared.drift if d.kernel is not None]
        if not compared.remake:
            found.note("parent", port.context.ifname(port.parent_name), kernel="another")
        found.remake = True
        return [] if _lost_for_good(port, found) else [_remake(port, link, found)]
    found.drift += compared.drift
    found.missing += compared.missing
    if not link.up:
        compared.link["up"] = True
        found.note("state", "up", kernel="down")
    actions: list[Action] = []
    if compared.in_kernel():
        actions.append(
            SetLink(
                object=port.item,
                reason=found.because(),
                device=link.name,
                index=link.index,
                kind=link.kind,
                link=compared.link,
                info=compared.info,
                port=compared.port,
            )
        )
    if compared.offloads:
        actions.append(
            SetOffloads(
                object=port.item,
                reason=found.because(),
                device=link.name,
                index=link.index,
                offloads=compared.offloads,
            )
        )
    if compared.vlans is not None:
        actions.append(
            SetVlans(
                object=port.item,
                reason=found.because(),
                device=link.name,
                index=link.index,
                vlans=compared.vlans,
            )
        )
    if port.plugged:
        addresses = port.unwanted_addresses
        for address in addresses:
            found.note(f"ipv{address.family}", "no address", kernel=address.address)
        actions += strip_addresses(port.item, link, addresses)
    return actions


def _misplaced(port: PortView) -> bool:
    """Whether a VLAN device sits on another parent than the declared one."""
    if not isinstance(port.spec, Vlan) or port.link is None:
        return False
    parent = port.context.host.link(port.spec.parent)
    return parent is not None and port.link.parent != parent.index


def _lost_for_good(port: PortView, found: Differences) -> str:
    """Why nobody would make the VLAN again were it deleted, empty where NetworkManager does."""
    if port.context.nm is None:
        return port.context.nm_reason
    if port.left_alone and port.link is not None and port.link.up:
        return f"NetworkManager does not manage {port.name}"
    return found.taken or port.out_of_reach


def _remake(port: PortView, link: Link, found: Differences) -> Action:
    return DeleteLink(
        object=port.item,
        reason=f"{found.because()}; a VLAN device cannot be changed, it is made anew",
        disruption="port",
        needs=port.needs,
        device=link.name,
        index=link.index,
    )


def _membership(port: PortView, found: Differences, remade: bool) -> list[Action]:
    """Get the port into its bridge, by the gentlest way that leads there.

    Where NetworkManager has the profile active, the kernel alone lost the port and netlink puts it
    back, which NetworkManager takes as it is; everything else is an activation of the port's
    profile, which also brings the bridge up and needs no carrier.  `remade` tells that the link is
    about to be deleted, to come back by that.
    """
    if port.plugged and not remade:
        return []
    if not port.plugged:
        found.note("bridge", port.bridge, kernel=port.where)
    if port.in_the_way:
        return []  # the kernel has a VLAN once only, so it comes after those that leave it
    bridge = port.controller
    if bridge is not None and (bridge.kind, bridge.name) != ("bridge", port.bridge):
        return []  # something else has the bridge's name
    device = port.context.device(port.bridge)
    if device is not None and device.state == _DEACTIVATING:
        return []  # its ports are being released: it is gone in a moment
    if port.context.nm is None or (not remade and _netlink_suffices(port)):
        if port.link is None or bridge is None:
            return []
        return [
            SetController(
                object=port.item,
                reason=f"{port.name} is {port.where}, not a port of {port.bridge}",
                device=port.link.name,
                index=port.link.index,
                controller=port.bridge,
                controller_index=bridge.index,
            )
        ]
    if found.taken or (port.device is not None and port.device.activating and port.in_use):
        return []
    return [
        Activate(
            object=port.item,
            reason=f"{port.name} is {port.where}, not a port of {port.bridge}",
            disruption="port",
            needs=port.needs,
            uuid=port.uuid,
            device=port.name,
        )
    ]


def _netlink_suffices(port: PortView) -> bool:
    """NetworkManager has the port's profile active; or it leaves the bridge or the VLAN alone
    (unmanaged by configuration, or made by `ip link add` and not configured), and would refuse to
    activate it, or take the bridge away from its guests for it."""
    if port.out_of_reach or port.left_alone:
        return True
    return (
        port.link is not None
        and port.device is not None
        and port.in_use
        and not port.device.activating
    )


def _waiting(port: PortView, found: Differences) -> str:
    if port.context.nm is None:
        return port.context.nm_reason
    if found.remake and (why := _lost_for_good(port, found)):
        return why
    if port.in_the_way:
        return f"waits for {', '.join(port.in_the_way)} to become another VLAN"
    if port.device is not None and port.device.activating:
        return f"NetworkManager is activating {port.name}"
    return f"waits for {port.bridge}"
