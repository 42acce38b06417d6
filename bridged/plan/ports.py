"""Planning the ports of a bridge: NICs, and VLANs on a parent interface."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from bridged.desired.bridge import Bridge
from bridged.desired.port import Port, Vlan
from bridged.observe.host import Device, Link
from bridged.plan.actions import (
    Action,
    Activate,
    AddProfile,
    DeleteLink,
    ObjectId,
    SetController,
    SetLink,
    UpdateProfile,
)
from bridged.plan.compare import Differences, Wish, compare, put, wishes
from bridged.plan.context import Context, strip_addresses
from bridged.plan.identity import profile_uuid
from bridged.plan.profiles import (
    ETHERNET,
    Choice,
    choose_nic,
    choose_vlan,
    demote,
    merged,
    refers_to,
)
from bridged.plan.result import Verdict

_PRIORITY = 100
"""Autoconnect priority of our port profiles, above the default of profiles for any NIC."""


@dataclass(frozen=True)
class _Port:
    """One port with everything that was looked up for it."""

    context: Context
    item: ObjectId
    bridge: str
    bridge_spec: Bridge
    spec: Port
    name: str
    link: Link | None
    controller: Link | None
    choice: Choice
    device: Device | None
    needs: frozenset[ObjectId]

    @property
    def plugged(self) -> bool:
        """Whether the kernel has the port in its bridge."""
        return (
            self.link is not None
            and self.controller is not None
            and self.link.controller == self.controller.index
        )

    @property
    def in_use(self) -> bool:
        """Whether NetworkManager has our profile active (or on its way) on the device."""
        return bool(
            self.device and self.choice.profile and self.device.active == self.choice.profile.uuid
        )

    @property
    def uuid(self) -> str:
        """UUID of the profile that does the job, existing or about to be made."""
        return self.choice.profile.uuid if self.choice.profile else profile_uuid(self.item)


def object_id(spec: Port) -> ObjectId:
    """The object that a port is: ``vlan/enp13s0f0.6`` or ``port/enp13s0f0``."""
    return ObjectId("vlan" if isinstance(spec, Vlan) else "port", spec.device)


def plan_port(context: Context, bridge: str, bridge_spec: Bridge, spec: Port) -> Verdict:
    """The verdict on one declared port."""
    port = _look_up(context, bridge, bridge_spec, spec)
    found = Differences()
    blocked = _obstacle(port)
    actions: list[Action] = []
    if context.nm and not (blocked and blocked[2]):
        actions += _profile(port, found)
        actions += demote(port.item, port.choice.rivals, port.needs)
        for rival in port.choice.rivals:
            found.note("profile", "one that autoconnects", network_manager=f"also {rival.id}")
    if blocked:
        reason, remedy, _ = blocked
        if not port.plugged:
            found.note("bridge", bridge, kernel=_where(port))
        return Verdict(
            port.item, "blocked", reason, remedy, tuple(found.drift), tuple(actions), bridge
        )
    actions += _in_kernel(port, found)
    actions += _membership(port, found)
    impossible = "" if actions else found.obstacle
    waiting = "" if actions or impossible or not found.drift else _waiting(port)
    return Verdict(
        port.item,
        "blocked"
        if impossible
        else "pending"
        if waiting
        else "drift"
        if found.drift
        else "converged",
        impossible or waiting,
        drift=tuple(found.drift),
        actions=tuple(actions),
        bridge=bridge,
    )


def _look_up(context: Context, bridge: str, bridge_spec: Bridge, spec: Port) -> _Port:
    link = context.host.link(spec.device)
    name = link.name if link else spec.device
    item = object_id(spec)
    needs = {ObjectId("bridge", bridge)}
    choice = Choice(None)
    if isinstance(spec, Vlan):
        parent = context.ifname(spec.parent)
        needs |= {object_id(p) for _, _, p in context.state.ports() if p.device == spec.parent}
        if spec.parent in (context.state.bridges or {}):
            needs.add(ObjectId("bridge", spec.parent))
        if context.nm:
            choice = choose_vlan(context.nm, name, parent, spec.vlan, bridge)
    elif context.nm:
        choice = choose_nic(context.nm, name, link, bridge)
    return _Port(
        context=context,
        item=item,
        bridge=bridge,
        bridge_spec=bridge_spec,
        spec=spec,
        name=name,
        link=link,
        controller=context.host.link(bridge),
        choice=choice,
        device=context.device(name),
        needs=frozenset(needs),
    )


def _obstacle(port: _Port) -> tuple[str, str, bool] | None:
    """Why the port cannot be had now: reason, remedy, and whether its profile is off limits too."""
    context, spec, link, name = port.context, port.spec, port.link, port.name
    why = context.protected.get(name)
    if why and not port.plugged:
        return (
            f"{name} {why}, so it is not made a port of {port.bridge}",
            "move the node's own traffic to another interface first, or take the port out of the "
            "state file",
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
        return f"{name} is a port of {owner.name}, which is a {owner.kind}", "", True
    return _unmanaged(port)


_RENAME = "connect the card, or write the name that it has now into the state file"


def _vlan_obstacle(port: _Port, spec: Vlan) -> tuple[str, str, bool] | None:
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
    for other in context.host.links:
        same = other.kind == "vlan" and other.parent == parent.index
        if same and other.info.get("vlan_id") == spec.vlan and other.name != port.name:
            return (
                f"VLAN {spec.vlan} of {spec.parent} exists under the name {other.name}",
                f"write name: {other.name} for this port",
                True,
            )
    return _unmanaged(port)


def _unmanaged(port: _Port) -> tuple[str, str, bool] | None:
    if port.device is not None and not port.device.managed and not port.plugged:
        return (
            f"NetworkManager does not manage {port.name} (unmanaged)",
            f"see nmcli device show {port.name} and unmanaged-devices in NetworkManager.conf",
            False,
        )
    return None


def _where(port: _Port) -> str:
    if port.link is None:
        return "missing"
    owner = port.context.host.controller(port.link)
    return f"port of {owner.name}" if owner else "in no bridge"


def _wanted(port: _Port) -> tuple[Wish, ...]:
    return wishes(port.spec)


def _profile(port: _Port, found: Differences) -> list[Action]:
    profile = port.choice.profile
    if profile is None:
        found.note("profile", "present", network_manager="missing")
        return [
            AddProfile(
                object=port.item,
                reason=f"no profile makes {port.name} a port of {port.bridge}",
                needs=port.needs,
                uuid=profile_uuid(port.item),
                settings=_new_profile(port),
            )
        ]
    compared = compare(_wanted(port), None, profile.settings)
    found.drift += compared.drift
    changes = merged(compared.profile, _connection(port, found), _vlan_parent(port, found))
    if not changes:
        return []
    return [
        UpdateProfile(
            object=port.item,
            reason=_because(found),
            needs=port.needs,
            uuid=profile.uuid,
            profile=profile.id,
            changes=changes,
        )
    ]


def _new_profile(port: _Port) -> dict[str, dict[str, Any]]:
    kind = "vlan" if isinstance(port.spec, Vlan) else ETHERNET
    settings: dict[str, dict[str, Any]] = {
        "connection": {
            "id": f"{port.bridge}-{port.name}",
            "uuid": profile_uuid(port.item),
            "type": kind,
            "interface-name": port.name,
            "controller": port.bridge,
            "port-type": "bridge",
            "autoconnect": True,
            "autoconnect-priority": _PRIORITY,
        },
        "802-3-ethernet": {},
        "bridge-port": {},
    }
    if isinstance(port.spec, Vlan):
        settings["vlan"] = {"parent": port.context.ifname(port.spec.parent)}
    for wish in _wanted(port):
        put(settings, wish)
    return settings


def _connection(port: _Port, found: Differences) -> dict[str, dict[str, Any]]:
    profile, nm = port.choice.profile, port.context.nm
    changes: dict[str, Any] = {}
    if profile is None or nm is None:
        return {}
    if profile.port_type != "bridge" or not refers_to(nm, profile, port.bridge):
        changes |= {"controller": port.bridge, "port-type": "bridge"}
        found.note("bridge", port.bridge, network_manager=profile.controller or "none")
    if not profile.autoconnect:
        changes["autoconnect"] = True
        found.note("autoconnect", True, network_manager=False)
    return {"connection": changes} if changes else {}


def _vlan_parent(port: _Port, found: Differences) -> dict[str, dict[str, Any]]:
    profile, nm = port.choice.profile, port.context.nm
    if not isinstance(port.spec, Vlan) or profile is None or nm is None:
        return {}
    parent = str(profile.get("vlan", "parent", ""))
    target = nm.profile(parent)
    wanted = port.context.ifname(port.spec.parent)
    if (target.interface if target else parent) == wanted:
        return {}
    found.note("parent", wanted, network_manager=parent)
    return {"vlan": {"parent": wanted}}


def _because(found: Differences) -> str:
    return "; ".join(
        f"{d.property} is {d.kernel or d.network_manager}, not {d.desired}" for d in found.drift
    )


def _in_kernel(port: _Port, found: Differences) -> list[Action]:
    """Set in place what netlink can set on the port as it stands."""
    link = port.link
    if link is None:
        return []
    # Attributes of a port that is in no bridge or in another one say nothing about ours.
    attributes = link.port if port.plugged else {}
    compared = compare(_wanted(port), link, None, port=attributes)
    if _misplaced(port) or compared.remake:
        found.drift += [d for d in compared.drift if d.kernel is not None]
        if not compared.remake:
            found.note("parent", port.context.ifname(_parent_name(port)), kernel="another")
        return [_remake(port, link, found)]
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
                reason=_because(found),
                device=link.name,
                index=link.index,
                kind=link.kind,
                link=compared.link,
                info=compared.info,
                port=compared.port,
            )
        )
    if port.plugged:
        families = [
            family
            for family, method in ((4, port.bridge_spec.ipv4), (6, port.bridge_spec.ipv6))
            if method == "disabled"
        ]
        addresses = port.context.addresses(link, families)
        for address in addresses:
            found.note(f"ipv{address.family}", "no address", kernel=address.address)
        actions += strip_addresses(port.item, link, addresses)
    return actions


def _parent_name(port: _Port) -> str:
    return port.spec.parent if isinstance(port.spec, Vlan) else ""


def _misplaced(port: _Port) -> bool:
    """Whether a VLAN device sits on another parent than the declared one."""
    if not isinstance(port.spec, Vlan) or port.link is None:
        return False
    parent = port.context.host.link(port.spec.parent)
    return parent is not None and port.link.parent != parent.index


def _remake(port: _Port, link: Link, found: Differences) -> Action:
    return DeleteLink(
        object=port.item,
        reason=f"{_because(found)}; a VLAN device cannot be changed, it is made anew",
        disruption="port",
        needs=port.needs,
        device=link.name,
        index=link.index,
    )


def _membership(port: _Port, found: Differences) -> list[Action]:
    """Get the port into its bridge, by the gentlest way that leads there.

    Where NetworkManager has the profile active, the kernel alone lost the port and netlink puts it
    back, which NetworkManager takes as it is; everything else is an activation of the port's
    profile, which also brings the bridge up and needs no carrier.
    """
    if port.plugged and not _to_be_remade(port):
        return []
    if not port.plugged:
        found.note("bridge", port.bridge, kernel=_where(port))
    if port.context.nm is None or _netlink_suffices(port):
        if port.link is None or port.controller is None or port.controller.kind != "bridge":
            return []
        return [
            SetController(
                object=port.item,
                reason=f"{port.name} is {_where(port)}, not a port of {port.bridge}",
                device=port.link.name,
                index=port.link.index,
                controller=port.bridge,
                controller_index=port.controller.index,
            )
        ]
    if port.device is not None and port.device.activating and port.in_use:
        return []
    return [
        Activate(
            object=port.item,
            reason=f"{port.name} is {_where(port)}, not a port of {port.bridge}",
            disruption="port",
            needs=port.needs,
            uuid=port.uuid,
            device=port.name,
        )
    ]


def _netlink_suffices(port: _Port) -> bool:
    return (
        port.link is not None
        and port.device is not None
        and port.in_use
        and not port.device.activating
    )


def _to_be_remade(port: _Port) -> bool:
    if port.link is None:
        return False
    return _misplaced(port) or compare(_wanted(port), port.link, None, port={}).remake


def _waiting(port: _Port) -> str:
    if port.context.nm is None:
        return port.context.nm_reason
    if port.device is not None and port.device.activating:
        return f"NetworkManager is activating {port.name}"
    return f"waits for {port.bridge}"
