"""Which NetworkManager profile does the job of an object, and which ones are in its way.

Profiles made by hand, by nmstate or by Ansible are adopted where they stand: they are recognised
by what they are, never by their name.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bridged.observe.host import Link, NetworkManager, Profile
from bridged.plan.actions import Action, Changes, ObjectId, UpdateProfile
from bridged.plan.identity import profile_uuid

ETHERNET = "802-3-ethernet"
_MADE = {"bond", "team", "vlan", "macvlan", "vxlan", "macsec", "dummy", "tun", "hsr"}
"""Types of profiles that make an interface themselves, which can be a port of a bridge."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The profile that does the job (None where one must be made), and its rivals: profiles that
    NetworkManager might activate on the same device instead."""

    profile: Profile | None
    rivals: tuple[Profile, ...] = ()


def choose_bridge(nm: NetworkManager, name: str) -> Choice:
    """The profile of the bridge `name`."""

    def choose() -> Choice:
        same = [p for p in nm.candidates(name) if p.type == "bridge" and p.interface == name]
        return _choose(nm, ObjectId("bridge", name), name, same, lambda p: not _is_mirror(p))

    return nm.once(("bridge", name), choose)


def choose_made(nm: NetworkManager, device: str, link: Link | None) -> Choice | None:
    """The profile that makes the interface `device` itself, as that of a bond, None where it is a
    card: it becomes the port's profile as it stands, for no other would fit."""
    if link is not None and link.kind in {"", "veth"}:
        return None
    made = [p for p in nm.candidates(device) if p.interface == device and p.type in _MADE]
    choice = _choose(nm, ObjectId("port", device), device, made, lambda p: not _is_mirror(p))
    return choice if choice.profile else None


def choose_nic(nm: NetworkManager, device: str, link: Link | None, bridge: str) -> Choice:
    """The profile that makes the NIC `device` a port of `bridge`.

    A profile that is tied to neither a name nor an address would serve other NICs too, so it is
    no rival to be put out of the way: ours wins by its autoconnect priority.
    """
    mac = (link.permanent_address or link.address).lower() if link else ""
    wired = {ETHERNET, "veth"}

    def choose() -> Choice:
        same = [p for p in nm.candidates(device) if p.type in wired and _bound(p, device, mac)]
        item = ObjectId("port", device)
        return _choose(nm, item, device, same, lambda p: _serves(nm, p, item, bridge))

    return nm.once(("port", device, mac, bridge), choose)


def choose_vlan(
    nm: NetworkManager,
    device: str,
    parent: str,
    vlan: int,
    bridge: str,
    protocol: str = "802.1Q",
) -> Choice:
    """The profile that makes the VLAN `device` a port of `bridge`."""

    def matches(profile: Profile) -> bool:
        if profile.type != "vlan":
            return False
        if profile.interface:
            return profile.interface == device
        same = profile.get("vlan", "id"), profile.get("vlan", "protocol", "802.1Q")
        return same == (vlan, protocol) and _parent(nm, profile) == parent

    def choose() -> Choice:
        item = ObjectId("vlan", device)
        same = [p for p in nm.candidates(device) if matches(p)]
        return _choose(nm, item, device, same, lambda p: _serves(nm, p, item, bridge))

    return nm.once(("vlan", device, parent, vlan, bridge, protocol), choose)


def _choose(
    nm: NetworkManager,
    item: ObjectId,
    device: str,
    same: Iterable[Profile],
    fits: Callable[[Profile], bool],
) -> Choice:
    """Prefer the fitting profile in use, then ours, then the likeliest to be activated."""
    known = nm.device(device)
    active = known.active if known else ""
    own = profile_uuid(item)

    def rank(profile: Profile) -> tuple[Any, ...]:
        return (
            profile.uuid != active,
            profile.uuid != own,
            not profile.autoconnect,
            -int(profile.get("connection", "autoconnect-priority", 0)),
            -int(profile.get("connection", "timestamp", 0)),
            profile.uuid,
        )

    same = list(same)
    fitting = sorted((p for p in same if fits(p)), key=rank)
    chosen = fitting[0] if fitting else None
    rivals = (p for p in same if p is not chosen and p.autoconnect and not _is_mirror(p))
    return Choice(chosen, tuple(sorted(rivals, key=lambda p: p.uuid)))


def _is_mirror(profile: Profile) -> bool:
    """A profile that NetworkManager made up to describe what exists in the kernel only."""
    return profile.generated and profile.type not in {ETHERNET}


def _bound(profile: Profile, device: str, mac: str) -> bool:
    if profile.interface:
        return profile.interface == device
    raw = profile.get(ETHERNET, "mac-address")
    return bool(raw and mac and ":".join(f"{byte:02x}" for byte in raw) == mac)


def _serves(nm: NetworkManager, profile: Profile, item: ObjectId, bridge: str) -> bool:
    """Whether the profile is a port of `bridge`; ours may be turned into one in any case."""
    if profile.uuid == profile_uuid(item):
        return True
    return (
        profile.port_type == "bridge" and refers_to(nm, profile, bridge) and not (profile.generated)
    )


def refers_to(nm: NetworkManager, profile: Profile, bridge: str) -> bool:
    """Whether the profile's controller is `bridge`, by interface name or by a profile's UUID."""
    controller = profile.controller
    if controller == bridge:
        return True
    target = nm.profile(controller)
    return target is not None and target.type == "bridge" and target.interface == bridge


def _parent(nm: NetworkManager, profile: Profile) -> str:
    parent = str(profile.get("vlan", "parent", ""))
    target = nm.profile(parent)
    return target.interface if target else parent


def demote(item: ObjectId, rivals: Iterable[Profile], needs: frozenset[ObjectId]) -> list[Action]:
    """Turn off autoconnect of the rivals: reversible, and their files stay."""
    return [
        UpdateProfile(
            object=item,
            reason=f"profile {rival.id} ({rival.uuid}) would take {item.name} away",
            needs=needs,
            uuid=rival.uuid,
            profile=rival.id,
            changes={"connection": {"autoconnect": False}},
            in_memory=rival.in_memory,
        )
        for rival in rivals
    ]


def merged(*parts: Changes) -> dict[str, dict[str, Any]]:
    """Several changes as one, later ones winning key by key."""
    result: dict[str, dict[str, Any]] = {}
    for part in parts:
        for setting, keys in part.items():
            result.setdefault(setting, {}).update(keys)
    return result
