"""The profile of a port: made new, or changed where it differs."""

from typing import Any

from bridged.desired.port import Nic, Vlan
from bridged.desired.properties import MAC_BYTES
from bridged.plan.actions import Action, AddProfile, UpdateProfile
from bridged.plan.compare import Differences, compare, put
from bridged.plan.identity import profile_uuid
from bridged.plan.port_view import PortView
from bridged.plan.profiles import (
    ETHERNET,
    WIRED,
    choose_bridge,
    merged,
    priority,
    priority_of_others,
    restored,
    taken,
    volatile,
)

_PRIORITY = 100
"""Autoconnect priority of our port profiles, above the default of profiles for any NIC."""
_LOWEST, _HIGHEST = -999, 999
"""What NetworkManager takes."""


def plan_profile(port: PortView, found: Differences) -> list[Action]:
    """What takes the port's profile to what is declared, and notes what differs in `found`."""
    nm, profile = port.context.nm, port.choice.profile
    if nm is None or profile is None:
        return _plan_profile(port, found)
    parent = port.context.ifname(port.parent_name)
    by = (profile, port.spec, port.bridge, port.hardware, parent)
    if nm.is_settled(port.link_id, by):
        return []
    noted = len(found.drift)
    actions = _plan_profile(port, found)
    if not actions and len(found.drift) == noted:
        nm.settle(port.link_id, by)
    return actions


def _plan_profile(port: PortView, found: Differences) -> list[Action]:
    profile = port.choice.profile
    if profile is None:
        if port.unmade:
            return []
        found.note("profile", "present", network_manager="missing")
        found.taken = taken(port.context.nm, port.link_id)
        if found.taken:
            return []
        return [
            AddProfile(
                object=port.item,
                reason=f"no profile makes {port.name} a port of {port.bridge}",
                needs=port.needs,
                uuid=profile_uuid(port.link_id),
                settings=_new_profile(port),
            )
        ]
    compared = compare(port.wishes, None, profile.settings)
    found.drift += compared.drift
    changes = merged(
        compared.profile,
        restored(profile, port.link_id, found),
        _connection(port, found),
        _vlan_parent(port, found),
        _hardware(port, found),
    )
    if not volatile(profile, found) and not changes:
        return []
    return [
        UpdateProfile(
            object=port.item,
            reason=found.because(),
            needs=port.needs,
            uuid=profile.uuid,
            profile=profile.id,
            changes=changes,
        )
    ]


def _new_profile(port: PortView) -> dict[str, dict[str, Any]]:
    kind = "vlan" if isinstance(port.spec, Vlan) else ETHERNET
    settings: dict[str, dict[str, Any]] = {
        "connection": {
            "id": f"{port.bridge}-{port.name}",
            "uuid": profile_uuid(port.link_id),
            "type": kind,
            "interface-name": port.name,
            "controller": port.bridge,
            "port-type": "bridge",
            "autoconnect": True,
            "autoconnect-priority": max(_PRIORITY, _winning(port)),
        },
        "802-3-ethernet": {"mac-address": MAC_BYTES.encode(port.hardware)} if port.hardware else {},
        "bridge-port": {},
    }
    if isinstance(port.spec, Vlan):
        settings["vlan"] = {"parent": port.context.ifname(port.spec.parent)}
    for wish in port.wishes:
        put(settings, wish)
    return settings


def _connection(port: PortView, found: Differences) -> dict[str, dict[str, Any]]:
    profile, nm = port.choice.profile, port.context.nm
    changes: dict[str, Any] = {}
    if profile is None or nm is None:
        return {}
    bridge = choose_bridge(nm, port.bridge).profile
    # By the UUID of another profile of the bridge it could not be activated while this one is.
    controllers = {port.bridge, bridge.uuid if bridge else ""}
    if profile.port_type != "bridge" or profile.controller not in controllers:
        changes |= {"controller": port.bridge, "port-type": "bridge"}
        found.note("bridge", port.bridge, network_manager=profile.controller or "none")
    if not profile.autoconnect:
        changes["autoconnect"] = True
        found.note("autoconnect", True, network_manager=False)
    ours = profile.uuid == profile_uuid(port.link_id) and isinstance(port.spec, Nic)
    wanted = max(_winning(port), _PRIORITY if ours else _LOWEST)
    if priority(profile) < wanted:
        changes["autoconnect-priority"] = wanted
        found.note("autoconnect-priority", wanted, network_manager=priority(profile))
    return {"connection": changes} if changes else {}


def _winning(port: PortView) -> int:
    """The least autoconnect priority with which the card's profile comes before those for any card
    at the next boot.  Of two with the same, the one that was used last comes first."""
    nm, profile = port.context.nm, port.choice.profile
    if nm is None or isinstance(port.spec, Vlan) or (profile and profile.type not in WIRED):
        return _LOWEST
    others = priority_of_others(nm, port.name, port.bridge, port.uuid)
    return _LOWEST if others is None else min(others + 1, _HIGHEST)


def _hardware(port: PortView, found: Differences) -> dict[str, dict[str, Any]]:
    """The card's address in the profile of a port that is told by it: were the names of two cards
    exchanged before a boot, the profile alone would plug in the wrong one.  One that we wrote goes
    when the port is told by its name again."""
    profile = port.choice.profile
    if isinstance(port.spec, Vlan) or profile is None:
        return {}
    raw = profile.get(ETHERNET, "mac-address")
    have = MAC_BYTES.decode(raw) if raw else ""
    ours = profile.uuid == profile_uuid(port.link_id)
    if have == port.hardware or not (port.hardware or ours):
        return {}
    found.note("match", port.hardware or "by name", network_manager=have or "by name")
    return {ETHERNET: {"mac-address": MAC_BYTES.encode(port.hardware) or None}}


def _vlan_parent(port: PortView, found: Differences) -> dict[str, dict[str, Any]]:
    profile, nm = port.choice.profile, port.context.nm
    if not isinstance(port.spec, Vlan) or profile is None or nm is None:
        return {}
    parent = str(profile.get("vlan", "parent", ""))
    target = nm.profile(parent)
    wanted = port.context.ifname(port.spec.parent)
    present = target.interface if target else parent
    link = port.context.host.link
    if present == wanted or not (link(wanted) or link(present)):
        return {}  # of two names that nobody has now, both may be that card's
    found.note("parent", wanted, network_manager=parent)
    return {"vlan": {"parent": wanted}}
