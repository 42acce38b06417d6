"""Bridges, ports and VLANs: their properties side by side in the state file, kernel and profile."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bridged.desired.base import Model
from bridged.desired.bridge import Bridge
from bridged.desired.port import Nic, Port, Vlan
from bridged.desired.properties import Row, rows
from bridged.explain.places import Places
from bridged.explain.records import ProfileView, PropertyView
from bridged.observe.host import Device, Link, NetworkManager, Profile
from bridged.plan.bridges import pinned_address
from bridged.plan.compare import own_values, read, show, wishes
from bridged.plan.context import Context
from bridged.plan.identity import owner
from bridged.plan.port_view import look_up
from bridged.plan.profiles import Choice, choose_bridge
from bridged.report import PropertyDrift

Drift = Mapping[str, PropertyDrift]
Facts = tuple[tuple[str, str], ...]
Parts = tuple[tuple[PropertyView, ...], Facts, tuple[ProfileView, ...]]
"""Properties, facts and profiles."""

_STATES = {
    10: "unmanaged",
    20: "unavailable",
    30: "disconnected",
    100: "activated",
    110: "deactivating",
    120: "failed",
}
"""NMDeviceState; what is between 30 and 100 is an activation under way."""


def bridge_parts(context: Context, name: str, drift: Drift, places: Places) -> Parts:
    """A declared bridge."""
    spec = (context.state.bridges or {})[name]
    link, device = context.host.link(name), context.device(name)
    choice = choose_bridge(context.nm, name) if context.nm else Choice(None)
    address = pinned_address(context, name, spec, link, choice.profile)
    wanted = {
        wish.row.key: wish.value
        for wish in wishes(spec, mac=address, vlan_filtering=spec.filters_vlans)
    }
    seen = _Side(context, link, choice.profile, drift, places, ("bridges", name))
    found = [seen.link_up(), *seen.rows(spec, wanted)]
    rest = seen.rest({view.name for view in found})
    return (*found, *rest), _facts(context, link, device, name), _profiles(context, name, choice)


def port_parts(context: Context, bridge: str, spec: Port, drift: Drift, places: Places) -> Parts:
    """A declared port of a bridge."""
    bridge_spec: Bridge = (context.state.bridges or {})[bridge]
    port = look_up(context, bridge, bridge_spec, spec)
    profile = port.choice.profile
    path = ("bridges", bridge, "ports", spec.written)
    seen = _Side(context, port.link, profile, drift, places, path)
    found = [
        PropertyView(
            "bridge",
            bridge,
            places.of(*path),
            port.where if not port.plugged else bridge,
            _controller(context, profile),
            "connection.controller",
            "bridge" in drift,
        ),
        seen.link_up(),
    ]
    if isinstance(spec, Vlan):
        found.append(_parent(context, spec, port.link, profile, drift, places.of(*path, "parent")))
    wanted = {wish.row.key: wish.value for wish in port.wishes}
    found += seen.rows(spec, wanted, plugged=port.plugged)
    if isinstance(spec, Nic) and spec.offloads is not None:
        deeper = _Side(context, port.link, profile, drift, places, (*path, "offloads"))
        found += deeper.rows(spec.offloads, wanted)
    rest = seen.rest({view.name for view in found})
    facts = _facts(context, port.link, port.device, bridge)
    return (*found, *rest), facts, _profiles(context, port.name, port.choice)


class _Side:
    """One link beside its profile, and how rows look in both."""

    def __init__(
        self,
        context: Context,
        link: Link | None,
        profile: Profile | None,
        drift: Drift,
        places: Places,
        path: tuple[str, ...],
    ) -> None:
        self.context, self.link, self.profile = context, link, profile
        self.drift, self.places, self.path = drift, places, path

    def link_up(self) -> PropertyView:
        """Whether the link is there and up, which every declared one is to be."""
        kernel = "missing" if self.link is None else "up" if self.link.up else "down"
        profile = None
        if self.context.nm is not None:
            profile = "no profile"
            if self.profile is not None:
                profile = f"autoconnect {show(self.profile.autoconnect)}"
        differs = bool({"state", "link", "profile", "autoconnect"} & self.drift.keys())
        return PropertyView(
            "state", "up", "default", kernel, profile, "connection.autoconnect", differs
        )

    def rows(
        self, model: Model, wanted: Mapping[str, Any], plugged: bool = True
    ) -> Iterator[PropertyView]:
        """The rows of a table: what is declared, then what is not and still has a value."""
        table = sorted(rows(type(model)), key=lambda row: row.key not in wanted)
        for row in table:
            value = wanted.get(row.key)
            kernel = self._kernel(row) if plugged or row.property.kernel is None else None
            stored = self._stored(row)
            if value is None and kernel is None and stored is None:
                continue
            yield PropertyView(
                row.key,
                None if value is None else show(value),
                "" if value is None else self._declared(row, model, value),
                kernel,
                stored,
                f"{row.property.nm.setting}.{row.property.nm.key}" if row.property.nm else "",
                row.key in self.drift,
            )

    def rest(self, told: Iterable[str]) -> Iterator[PropertyView]:
        """What has drifted and is no row: addresses, rivals and the like."""
        for name, item in self.drift.items():
            if name in told or name in {"link", "profile", "autoconnect", "state"}:
                continue
            yield PropertyView(
                name, item.desired, "default", item.kernel, item.network_manager, differs=True
            )

    def _declared(self, row: Row, model: Model, value: Any) -> str:
        if row.key == "vlans":  # three keys make it together
            keys = ("vlans", "vlan-ranges", "pvid")
            return next(filter(None, (self.places.of(*self.path, key) for key in keys)), "derived")
        default = row.default is not None and row.default == value
        place = self.places.value(default, *self.path, row.key)
        if row.key == "vlan-filtering" and place == "derived":
            return self.places.of(*self.path, "isolate") or place
        return place

    def _kernel(self, row: Row) -> str | None:
        key, link = row.property.kernel, self.link
        if key is None or link is None:
            return None
        if key.layer == "vlans":
            return show(link.vlans) if link.vlans else None
        layers: dict[str, Mapping[str, Any]] = {
            "info": link.info,
            "port": link.port,
            "offload": self.context.host.offloads.get(link.name, {}),
        }
        raw = layers.get(key.layer, own_values(link)).get(key.attribute)
        if raw is None:
            return None
        have = key.codec.decode(raw if key.mask is None else raw & key.mask)
        if key.attribute == "disable_ipv6":
            return "disabled" if raw else "enabled"
        return show(have)

    def _stored(self, row: Row) -> str | None:
        if self.profile is None or row.property.nm is None:
            return None
        have = read(row, self.profile.settings)
        return None if have is None or have == () else show(have)


def _controller(context: Context, profile: Profile | None) -> str | None:
    """The controller that a profile names, a UUID as the interface behind it."""
    if context.nm is None:
        return None
    if profile is None:
        return "no profile"
    target = context.nm.profile(profile.controller)
    return target.interface if target else profile.controller or "none"


def _parent(
    context: Context,
    spec: Vlan,
    link: Link | None,
    profile: Profile | None,
    drift: Drift,
    place: str,
) -> PropertyView:
    below = context.host.by_index.get(link.parent) if link and link.parent is not None else None
    stored = None
    if profile is not None and context.nm is not None:
        raw = str(profile.get("vlan", "parent", ""))
        target = context.nm.profile(raw)
        stored = target.interface if target else raw
    return PropertyView(
        "parent",
        spec.parent,
        place,
        None if link is None else below.name if below else "none",
        stored,
        "vlan.parent",
        "parent" in drift,
    )


def _facts(context: Context, link: Link | None, device: Device | None, bridge: str) -> Facts:
    """What cannot be declared: the link as it stands, NetworkManager's device, the guests."""
    facts: list[tuple[str, str]] = []
    if link is not None:
        carrier = "carrier" if link.carrier else "no carrier"
        said = [f"{link.name}, ifindex {link.index}", carrier, link.address]
        said += [f"mtu {link.mtu}"]
        said += [f"{link.speed} Mbit/s"] if link.speed else []
        said += [f"driver {link.driver}"] if link.driver else []
        said += [f"also called {', '.join(link.altnames)}"] if link.altnames else []
        facts.append(("kernel", ", ".join(filter(None, said))))
        addresses = [f"{a.address}/{a.prefix}" for a in context.addresses(link)]
        if addresses:
            facts.append(("addresses", ", ".join(addresses)))
        if link.kind == "bridge":
            guests = [guest.name for guest in context.guests(bridge)]
            facts.append(("guests", f"{len(guests)}: {', '.join(guests)}" if guests else "none"))
    name = link.name if link else ""
    if name in context.protected:
        facts.append(("protected", f"it {context.protected[name]}"))
    if context.nm is None:
        facts.append(("device", context.nm_reason))
    elif device is None:
        facts.append(("device", "NetworkManager has no device of that name"))
    else:
        facts.append(("device", _device(device)))
    return tuple(facts)


def _device(device: Device) -> str:
    state = _STATES.get(device.state, "activating" if 30 < device.state < 100 else "unknown")
    said = [state if device.managed else "not managed by NetworkManager"]
    if device.external:
        said.append("NetworkManager only mirrors what somebody else made")
    if not device.autoconnect:
        said.append("its autoconnect is off until somebody activates it")
    return ", ".join(said)


def _profiles(context: Context, name: str, choice: Choice) -> tuple[ProfileView, ...]:
    """The profile in charge, its rivals, and others for the same interface."""
    nm: NetworkManager | None = context.nm
    if nm is None:
        return ()
    device = nm.device(name)
    active = device.active if device else ""
    found: dict[str, ProfileView] = {}

    def add(profile: Profile, role: str) -> None:
        if profile.uuid not in found:
            found[profile.uuid] = ProfileView(
                profile.id,
                profile.uuid,
                role,
                profile.filename,
                profile.autoconnect,
                profile.uuid == active,
                owner(profile) is not None,
            )

    if choice.profile is not None:
        add(choice.profile, "in charge")
    for rival in choice.rivals:
        add(rival, "rival")
    for profile in nm.profiles:
        if profile.interface == name:
            add(profile, "aside")
    return tuple(found.values())
