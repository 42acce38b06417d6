"""Which NetworkManager profile does the job of an object, and which ones are in its way.

Profiles made by hand, by nmstate or by Ansible are adopted where they stand: they are recognised
by what they are, never by their name.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from bridged.observe.host import Link, NetworkManager, Profile
from bridged.plan.actions import Action, Changes, ObjectId, UpdateProfile
from bridged.plan.compare import Differences
from bridged.plan.identity import makes, profile_uuid

ETHERNET = "802-3-ethernet"
WIRED = frozenset({ETHERNET, "veth"})
_OPERATORS = frozenset("!&|\\")
"""With one of these before it a name in match.interface-name is more than a pattern."""
MAKERS: Mapping[str, str] = {
    **{kind: kind for kind in ("bond", "team", "vlan", "macvlan", "vxlan", "macsec", "dummy")},
    "tun": "tun",
    "hsr": "hsr",
    "macvtap": "macvlan",
    "gretap": "ip-tunnel",
    "ip6gretap": "ip-tunnel",
}
"""Types of profiles that make an interface themselves, which can be a port of a bridge, by the
kernel's kind of it.  NetworkManager takes every other kind for a card, or for nothing it knows."""
_MADE = frozenset(MAKERS.values())


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
    # Not ours, which is for a card: it was made while nobody could see what the interface is.
    choice = _choose(nm, ObjectId("port", device), device, made, _makes_itself)
    return choice if choice.profile else None


def choose_nic(nm: NetworkManager, device: str, link: Link | None, bridge: str) -> Choice:
    """The profile that makes the NIC `device` a port of `bridge`.

    A profile that is tied to neither a name nor an address would serve other NICs too, so it is
    no rival to be put out of the way: the port's wins by its autoconnect priority (see
    `priority_of_others`).  One with the address of another card (of the one that was here before,
    say) is none of this one's, whatever name it has: NetworkManager refuses it.
    """
    mac = (link.permanent_address or link.address).lower() if link else ""
    known = nm.device(device)

    def choose() -> Choice:
        active = known.active if known else ""
        same = [
            p
            for p in nm.candidates(device)
            if p.type in WIRED and _bound(p, device, mac, in_use=p.uuid == active)
        ]
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
    """The profile that makes the VLAN `device` a port of `bridge`.

    One that makes the same VLAN under another name is a rival: the kernel has it only once.
    """

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
        same_vlan = _vlans(nm).get((parent, vlan, protocol), ())
        twins = [p for p in same_vlan if p.interface not in ("", device)]
        return _choose(nm, item, device, same, lambda p: _serves(nm, p, item, bridge), twins)

    return nm.once(("vlan", device, parent, vlan, bridge, protocol), choose)


def _choose(
    nm: NetworkManager,
    item: ObjectId,
    device: str,
    same: Iterable[Profile],
    fits: Callable[[Profile], bool],
    others: Iterable[Profile] = (),
) -> Choice:
    """Prefer the fitting profile in use, then ours, then the likeliest to be activated.

    Ours is known by its UUID, whatever else of it was changed: no second one can be made beside it,
    and as it is it may plug in a card that nobody declared.
    """
    known = nm.device(device)
    active = known.active if known else ""
    own = profile_uuid(item)

    def rank(profile: Profile) -> tuple[Any, ...]:
        return (
            profile.uuid != active,
            profile.uuid != own,
            not profile.autoconnect,
            -priority(profile),
            -int(profile.get("connection", "timestamp", 0)),
            profile.uuid,
        )

    same = list(same)
    ours = nm.profile(own)
    if ours is not None and makes(ours, item) and ours not in same:
        same.append(ours)  # somebody tied it to another interface
    fitting = sorted((p for p in same if fits(p)), key=rank)
    chosen = fitting[0] if fitting else None
    rest = (p for p in (*same, *others) if p is not chosen)
    rivals = {p.uuid: p for p in rest if p.autoconnect and not _is_mirror(p)}
    return Choice(chosen, tuple(rivals[uuid] for uuid in sorted(rivals)))


def _makes_itself(profile: Profile) -> bool:
    return profile.type in _MADE and not _is_mirror(profile)


def _is_mirror(profile: Profile) -> bool:
    """A profile that NetworkManager made up to describe what exists in the kernel only."""
    return profile.generated and profile.type not in {ETHERNET}


def _bound(profile: Profile, device: str, mac: str, in_use: bool) -> bool:
    raw = profile.get(ETHERNET, "mac-address")
    other = bool(raw and mac) and ":".join(f"{byte:02x}" for byte in raw) != mac
    if profile.interface:
        return profile.interface == device and (in_use or not other)
    if profile.get("match", "interface-name") == [device]:
        return not other
    return bool(raw and mac) and not other


def priority_of_others(nm: NetworkManager, device: str, bridge: str, uuid: str) -> int | None:
    """The highest autoconnect priority of the profiles that may take the card `device` though they
    are not tied to it, None where there are none.  `uuid` is that of its own profile, and one that
    makes any card a port of `bridge` takes nothing away."""

    def conclude() -> tuple[Profile, ...]:
        found = (
            p
            for p in nm.candidates("")
            if p.type == ETHERNET
            and p.autoconnect
            and not p.generated
            and not p.get(ETHERNET, "mac-address")
        )
        return tuple(sorted(found, key=priority, reverse=True))

    for other in nm.once(("for any card",), conclude):
        same = other.port_type == "bridge" and refers_to(nm, other, bridge)
        if other.uuid != uuid and not same and _may_take(other, device):
            return priority(other)
    return None


def _may_take(profile: Profile, device: str) -> bool:
    """Whether the names that a profile of no interface goes by leave `device` to it; of those with
    an operator nothing is concluded.  One of this single name is a rival of its own."""
    names = [str(name) for name in profile.get("match", "interface-name") or ()]
    if not names or any(name[:1] in _OPERATORS for name in names):
        return True
    return names != [device] and any(fnmatchcase(device, name) for name in names)


def priority(profile: Profile) -> int:
    """Which one NetworkManager prefers where several profiles fit a device: the highest."""
    return int(profile.get("connection", "autoconnect-priority", 0))


def brings_ports(profile: Profile) -> int:
    """Whether the profile of a bridge brings its ports up with it: 1, 0, or -1 for the default."""
    ports = profile.get("connection", "autoconnect-ports")
    return int(profile.get("connection", "autoconnect-slaves", -1) if ports is None else ports)


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


def _vlans(nm: NetworkManager) -> Mapping[tuple[str, int, str], Sequence[Profile]]:
    """The profiles of VLANs by parent, number and protocol."""

    def conclude() -> Mapping[tuple[str, int, str], Sequence[Profile]]:
        vlans: dict[tuple[str, int, str], list[Profile]] = {}
        for profile in nm.profiles:
            if profile.type == "vlan":
                protocol = str(profile.get("vlan", "protocol") or "802.1Q")
                key = _parent(nm, profile), int(profile.get("vlan", "id", 0)), protocol
                vlans.setdefault(key, []).append(profile)
        return vlans

    return nm.once(("vlans",), conclude)


def _parent(nm: NetworkManager, profile: Profile) -> str:
    parent = str(profile.get("vlan", "parent", ""))
    target = nm.profile(parent)
    return target.interface if target else parent


def taken(nm: NetworkManager | None, item: ObjectId) -> str:
    """Why the profile of an object cannot be made: one of another kind has its UUID."""
    other = nm.profile(profile_uuid(item)) if nm else None
    if other is None or makes(other, item):
        return ""
    return (
        f"profile {other.id} has the UUID of the one for {item}, and is of type {other.type}; "
        f"nmcli connection delete {other.uuid}"
    )


def restored(profile: Profile, item: ObjectId, found: Differences) -> dict[str, dict[str, Any]]:
    """What has a profile do its job at the next boot again: ours tied to its interface and to
    nothing else, any for everybody, for one that is some user's waits until that user is there."""
    changes: dict[str, dict[str, Any]] = {}
    if profile.get("connection", "permissions"):
        changes["connection"] = {"permissions": None}
        users = ", ".join(map(str, profile.get("connection", "permissions")))
        found.note("permissions", "everybody", network_manager=users)
    if profile.uuid != profile_uuid(item):
        return changes
    if profile.interface != item.name:
        changes.setdefault("connection", {})["interface-name"] = item.name
        found.note("interface-name", item.name, network_manager=profile.interface or "any")
    match = {key: value for key, value in profile.settings.get("match", {}).items() if value}
    if match:
        changes["match"] = dict.fromkeys(match)
        found.note("interface-name", "nothing else", network_manager=f"match {', '.join(match)}")
    return changes


def volatile(profile: Profile, found: Differences) -> bool:
    """Whether the profile is gone after a boot.  Those of netplan are made anew by it."""
    if not profile.in_memory or "netplan-" in profile.filename:
        return False
    found.note("profile", "on disk", network_manager=profile.filename or "in memory only")
    return True


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
            rival=True,
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
