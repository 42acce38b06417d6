"""Planning the end of what bridged made and the state no longer declares.

Only profiles with our own UUID and links that came from them are ever removed.  Adopted profiles
and everybody else's are left as they are.
"""

from collections.abc import Iterator

from bridged.desired.port import Nic
from bridged.observe.host import Profile
from bridged.plan.actions import Action, DeleteLink, DeleteProfile, Disruption, ObjectId
from bridged.plan.context import Context
from bridged.plan.identity import owned
from bridged.plan.matching import unresolved
from bridged.plan.port_view import object_id
from bridged.plan.result import Verdict
from bridged.report import PropertyDrift


def plan_removals(context: Context) -> list[Verdict]:
    """The verdicts on objects of ours that are no longer declared, ports before bridges.

    A state file that says nothing about bridges (no such section) removes none.
    """
    if context.state.bridges is None:
        return []
    verdicts = []
    left: set[str] = set()
    waiting = {bridge for bridge, _ in unresolved(context.state)}
    declared = context.state.devices()
    if context.nm is not None:
        orphans = sorted(_orphans(context), key=lambda pair: pair[0].kind == "bridge")
        absent = _absent(context) if orphans else set()
        for item, profile in orphans:
            left.add(profile.interface)
            if item.kind != "bridge" and profile.controller in waiting:
                continue  # it may be the very card that is looked for
            here = context.host.link(item.name) is not None
            if item.kind == "port" and profile.controller in absent and not here:
                continue  # the same: declared by an alternative name, which is not known now
            verdicts.append(_delete_profile(context, item, profile))
    for name, index in context.memory.made.items():
        link = context.host.link(name)
        if name in left or name in declared or link is None or link.index != index:
            continue
        bridge = context.host.controller(link)
        if link.kind != "bridge" and bridge is not None and bridge.name in waiting:
            continue
        if link.kind == "bridge" and _profile_on(context, name) in declared:
            continue  # it was renamed, and is what is declared still
        item = ObjectId("bridge" if link.kind == "bridge" else "vlan", name)
        action = DeleteLink(
            object=item,
            reason=f"{name} is no longer declared and bridged made it",
            disruption="guests" if link.kind == "bridge" or context.standing(name) else "port",
            device=name,
            index=index,
        )
        verdicts.append(_verdict(context, item, action, name if link.kind == "bridge" else ""))
    return verdicts


def _absent(context: Context) -> set[str]:
    """The bridges of declared cards of which none is here: it may have had another name too."""
    return {
        bridge
        for bridge, _, port in context.state.ports()
        if isinstance(port, Nic) and context.host.link(port.device) is None
    }


def _orphans(context: Context) -> Iterator[tuple[ObjectId, Profile]]:
    declared = {ObjectId("bridge", name) for name in context.state.bridges or {}}
    declared |= {
        ObjectId(object_id(port).kind, context.ifname(port.device))
        for _, _, port in context.state.ports()
    }
    for item, profile in owned(context.nm) if context.nm else ():
        if item not in declared:
            yield item, profile


def _profile_on(context: Context, name: str) -> str:
    """The interface that the profile is for which is active on another one, empty for none."""
    device = context.device(name)
    profile = context.nm.profile(device.active) if context.nm and device else None
    return profile.interface if profile else ""


def _delete_profile(context: Context, item: ObjectId, profile: Profile) -> Verdict:
    """A port of a bridge that goes too is the uplink of that bridge's guests."""
    bridge = item.name if item.kind == "bridge" else profile.controller
    stays = item.kind != "bridge" and bridge in (context.state.bridges or {})
    device = context.device(item.name)
    in_use = device is not None and device.active == profile.uuid
    if item.kind == "vlan" and context.standing(item.name):
        stays = False  # what stands on it goes with it, whatever becomes of the bridge
    disruption: Disruption = "none" if not in_use else "port" if stays else "guests"
    action = DeleteProfile(
        object=item,
        reason=f"{item} is no longer declared",
        disruption=disruption,
        uuid=profile.uuid,
        profile=profile.id,
    )
    return _verdict(context, item, action, bridge)


def _verdict(context: Context, item: ObjectId, action: Action, bridge: str) -> Verdict:
    drift = (PropertyDrift("presence", "absent", "present"),)
    why = context.protected.get(item.name)
    if why:
        return Verdict(
            item,
            "blocked",
            f"no longer declared, but {item.name} {why}, so it is left as it is",
            "move the node's own traffic to another interface first, or declare it again",
            drift=drift,
            bridge=bridge,
        )
    return Verdict(
        item,
        "drift",
        "no longer declared",
        drift=drift,
        actions=(action,),
        bridge=bridge,
    )
