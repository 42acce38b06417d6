"""Planning a bridge: its profile, its link, and what guests would notice."""

from typing import Any

from bridged.desired.bridge import Bridge
from bridged.observe.host import Device, Link, Profile, Settings
from bridged.plan.actions import (
    Action,
    Activate,
    AddProfile,
    Changes,
    ObjectId,
    Reapply,
    SetLink,
    UpdateProfile,
)
from bridged.plan.compare import Differences, Wish, compare, put, wishes
from bridged.plan.context import Context, strip_addresses
from bridged.plan.identity import bridge_address, profile_uuid
from bridged.plan.profiles import (
    Choice,
    brings_ports,
    choose_bridge,
    demote,
    merged,
    restored,
    taken,
    volatile,
)
from bridged.plan.result import Verdict
from bridged.report import PropertyDrift

_CONNECTION: Changes = {"connection": {"autoconnect": True, "autoconnect-ports": 1}}
_WITH_ADDRESSES = ("addresses", "address-data", "gateway", "dns", "dns-data", "dns-search")
"""What NetworkManager refuses beside the method ``disabled``."""
_WAITS = 70
"""NMDeviceState: waiting for addresses, the one stage of an activation that can last."""


def plan_bridge(context: Context, name: str, spec: Bridge, comes_with_port: bool) -> Verdict:
    """The verdict on one declared bridge.

    `comes_with_port` tells that one of its ports is about to be activated, which brings the
    bridge up too.
    """
    item = ObjectId("bridge", name)
    link = context.host.link(name)
    if link is not None and link.kind != "bridge":
        return Verdict(
            item,
            "blocked",
            f"{name} exists and is {_what(link)}, not a bridge",
            "rename or remove that interface, or choose another name for the bridge",
            bridge=name,
        )
    if link is not None and link.name != name:
        return Verdict(
            item,
            "blocked",
            f"{name} is an alternative name of the bridge {link.name}, and NetworkManager goes by "
            "the first",
            f"declare {link.name} instead, or ip link property del dev {link.name} altname {name}",
            bridge=name,
        )
    refused = _lock_out(context, name, spec, link)
    if refused:
        return Verdict(
            item, "blocked", refused, f"write ipv4: keep and ipv6: keep under {name}", bridge=name
        )
    choice = choose_bridge(context.nm, name) if context.nm else Choice(None)
    renamed = _renamed(context, choice) if link is None else ""
    if renamed:
        return Verdict(
            item,
            "blocked",
            f"{name} was renamed: it is called {renamed} now",
            f"ip link set {renamed} name {name}",
            (PropertyDrift("link", "present", "missing"),),
            bridge=name,
        )
    device = context.device(name)
    address = pinned_address(context, name, spec, link, choice.profile)
    wanted = wishes(spec, mac=address, vlan_filtering=spec.filters_vlans)
    by = (choice.profile, spec, address)
    settled = context.nm is not None and context.nm.is_settled(item, by)
    applied = None if settled else _applied(device, choice.profile)
    settings = choice.profile.settings if choice.profile and not settled else None
    found = compare(wanted, link, settings, applied)
    _disable(found.profile, settings)
    _disable(found.applied, applied)

    actions: list[Action] = []
    if context.nm:
        found.taken = "" if choice.profile else taken(context.nm, item)
        if not settled:
            noted = len(found.drift)
            actions += _profile(item, choice, wanted, found)
            if not actions and not found.applied and len(found.drift) == noted:
                context.nm.settle(item, by)
        actions += demote(item, choice.rivals, frozenset())
        for rival in choice.rivals:
            found.note("profile", "one that autoconnects", network_manager=f"also {rival.id}")
    if link is not None and spec.mtu and _is_news(context, choice, found, "802-3-ethernet", "mtu"):
        # It may have it from its ports: then the first guest with a smaller one takes it down.
        # Once, for the profile has it from then on.
        found.link["mtu"] = spec.mtu
    actions += _in_kernel(context, item, spec, link, found)
    if applied is not None and found.applied:
        actions.append(
            Reapply(object=item, reason=found.because(), device=name, changes=found.applied)
        )
    if link is None and not comes_with_port and not found.taken:
        actions += _bring_up(context, item, device, choice)

    if link is None and not context.nm:
        return Verdict(item, "blocked", context.nm_reason, drift=tuple(found.drift), bridge=name)
    if device is not None and not device.managed and link is None:
        return Verdict(item, "blocked", f"NetworkManager does not manage {name}", bridge=name)
    impossible = "" if actions else found.obstacle
    return Verdict(
        item,
        "blocked" if impossible else "drift" if found.drift else "converged",
        impossible,
        drift=tuple(found.drift),
        actions=tuple(actions),
        bridge=name,
    )


def _lock_out(context: Context, name: str, spec: Bridge, link: Link | None) -> str:
    """Why the bridge is left alone: the node is reached by an address that it would lose."""
    why = context.protected.get(name)
    if link is None or not why:
        return ""
    families = [f for f, method in ((4, spec.ipv4), (6, spec.ipv6)) if method == "disabled"]
    if not context.addresses(link, families):
        return ""
    return f"{name} {why}, so its addresses are not taken away"


def _renamed(context: Context, choice: Choice) -> str:
    """The bridge that a missing one has become, empty where there is none: the profile is active on
    it still, and NetworkManager makes no second one."""
    nm, profile = context.nm, choice.profile
    if nm is None or profile is None:
        return ""
    other = nm.once(("by active",), lambda: {d.active: d.interface for d in nm.devices})
    link = context.host.link(other.get(profile.uuid, ""))
    return link.name if link is not None and link.kind == "bridge" else ""


def _what(link: Link) -> str:
    return f"a {link.kind}" if link.kind else "a network card"


def pinned_address(
    context: Context, name: str, spec: Bridge, link: Link | None, profile: Profile | None
) -> str | None:
    """The pinned hardware address: declared, else the profile's, else the present one, else ours.

    A bridge whose address is not pinned takes the lowest one of its ports, so a guest that is
    plugged in or out would change it.
    """
    if spec.mac:
        return spec.mac
    cloned = _cloned(profile)
    if _is_address(cloned):
        return cloned
    raw = profile.get("bridge", "mac-address") if profile else None
    if raw:
        return bytes(raw).hex(":")
    if link is not None and link.address.strip("0:"):
        return link.address
    return bridge_address(context.machine, name)


def _cloned(profile: Profile | None) -> str:
    """The address, or the way to make one, that a profile has as the cloned one: NetworkManager
    gives it to the bridge after the one that the bridge's own setting has."""
    value = profile.get("802-3-ethernet", "assigned-mac-address") if profile else None
    return str(value or "").lower()


def _is_address(text: str) -> bool:
    return text.count(":") == 5


def _applied(device: Device | None, profile: Profile | None) -> Any:
    """The applied settings, None unless the profile that we look at is the one in use.

    A bridge that waits for addresses may wait for a DHCP server that nobody has, and when that time
    is over NetworkManager takes it away from its guests.
    """
    if device is None or profile is None or device.active != profile.uuid:
        return None
    return None if device.activating and device.state != _WAITS else device.applied


def _profile(
    item: ObjectId, choice: Choice, wanted: tuple[Wish, ...], found: Differences
) -> list[Action]:
    """Make the profile, or change the keys in which it differs."""
    if choice.profile is None:
        found.note("profile", "present", network_manager="missing")
        if found.taken:
            return []
        settings: dict[str, dict[str, Any]] = merged(
            {
                "connection": {
                    "id": item.name,
                    "uuid": profile_uuid(item),
                    "type": "bridge",
                    "interface-name": item.name,
                },
                # All sections from the start: one that appears later makes Reapply fail.
                "bridge": {},
                "802-3-ethernet": {},
                "ipv4": {},
                "ipv6": {},
            },
            _CONNECTION,
        )
        for wish in wanted:
            put(settings, wish)
        for family in ("ipv4", "ipv6"):
            settings[family].setdefault("method", "auto")
        return [
            AddProfile(
                object=item,
                reason=f"no profile makes the bridge {item.name}",
                uuid=profile_uuid(item),
                settings=settings,
            )
        ]
    changes = merged(
        found.profile,
        restored(choice.profile, item, found),
        connection_changes(choice.profile, found),
        _address_changes(choice.profile, wanted, found),
    )
    if not volatile(choice.profile, found) and not changes:
        return []
    return [
        UpdateProfile(
            object=item,
            reason=found.because(),
            uuid=choice.profile.uuid,
            profile=choice.profile.id,
            changes=changes,
        )
    ]


def _disable(changes: dict[str, dict[str, Any]], settings: Settings | None) -> None:
    """Without addresses there are no name servers and no gateway either: NetworkManager refuses a
    profile that was given some by hand as long as they stay in it."""
    for family in ("ipv4", "ipv6"):
        if changes.get(family, {}).get("method") == "disabled":
            present = (settings or {}).get(family, {})
            changes[family] |= {key: None for key in _WITH_ADDRESSES if present.get(key)}


def _address_changes(
    profile: Profile, wanted: tuple[Wish, ...], found: Differences
) -> dict[str, dict[str, Any]]:
    """A cloned address goes where it would replace the pinned one at the next boot."""
    address = next((str(wish.value).lower() for wish in wanted if wish.row.field == "mac"), "")
    cloned = _cloned(profile)
    if cloned in {"", address, "preserve", "permanent"}:
        return {}
    found.note("mac", address, network_manager=f"{cloned} (cloned)")
    return {"802-3-ethernet": {"assigned-mac-address": None, "cloned-mac-address": None}}


def connection_changes(profile: Profile, found: Differences) -> dict[str, dict[str, Any]]:
    """What keeps a bridge's profile from bringing the bridge and its ports up at boot."""
    changes: dict[str, Any] = {}
    if not profile.autoconnect:
        changes["autoconnect"] = True
        found.note("autoconnect", True, network_manager=False)
    ports = brings_ports(profile)
    if ports != 1:
        changes["autoconnect-ports"] = 1
        found.note("autoconnect-ports", 1, network_manager=ports)
    if profile.port_type not in ("", "vrf"):
        # Then it has no IP settings, and comes up with its controller or not at all.
        changes |= {"controller": None, "port-type": None}
        found.note("controller", "none", network_manager=profile.controller)
    return {"connection": changes} if changes else {}


def _is_news(context: Context, choice: Choice, found: Differences, setting: str, key: str) -> bool:
    """Whether NetworkManager learns of a declared value only now."""
    if context.nm is None or found.taken:
        return False
    changes = found.profile.get(setting, {}) | found.applied.get(setting, {})
    return key in changes or choice.profile is None


def _in_kernel(
    context: Context, item: ObjectId, spec: Bridge, link: Link | None, found: Differences
) -> list[Action]:
    """Set in place what netlink can set, and take addresses off."""
    if link is None:
        found.note("link", "present", kernel="missing")
        return []
    if not link.up:
        found.link["up"] = True
        found.note("state", "up", kernel="down")
    if not link.address_pinned and "address" not in found.link:
        found.link["address"] = link.address
        found.note("mac", f"pinned to {link.address}", kernel="follows the ports")
    families = [4] if spec.ipv4 == "disabled" else []
    if spec.ipv6 == "disabled" and link.disable_ipv6:
        families.append(6)  # otherwise they go when disable_ipv6 is set
    addresses = context.addresses(link, families)
    for address in addresses:
        found.note(f"ipv{address.family}", "no address", kernel=address.address)
    actions: list[Action] = []
    if found.in_kernel():
        actions.append(
            SetLink(
                object=item,
                reason=found.because(),
                device=link.name,
                index=link.index,
                kind="bridge",
                link=found.link,
                info=found.info,
            )
        )
    return actions + strip_addresses(item, link, addresses)


def _bring_up(
    context: Context, item: ObjectId, device: Device | None, choice: Choice
) -> list[Action]:
    """Activate a bridge that does not exist and that no port will bring up.

    A link that exists is never activated: NetworkManager would release all its ports.
    """
    if not context.nm or (device is not None and (device.activating or not device.managed)):
        return []
    uuid = choice.profile.uuid if choice.profile else profile_uuid(item)
    return [
        Activate(object=item, reason=f"{item.name} does not exist", uuid=uuid, device=item.name)
    ]
