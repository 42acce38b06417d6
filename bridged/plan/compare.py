"""Comparing one object with the host, row by row, in the words of the state file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bridged.desired.base import Model
from bridged.desired.properties import Row, rows
from bridged.desired.vlans import Membership
from bridged.desired.vlans import show as show_vlans
from bridged.observe.host import Link, Settings
from bridged.report import PropertyDrift


@dataclass(frozen=True, slots=True)
class Wish:
    """A declared value: the row and what it should be, in the operator's terms."""

    row: Row
    value: Any


def wishes(model: Model, **overrides: Any) -> tuple[Wish, ...]:
    """What `model` declares; `overrides` fill in values that are derived, by field name."""
    known = _DECLARED.get(id(model))
    if known is None or known[0] is not model:
        if len(_DECLARED) >= _MODELS:
            _DECLARED.clear()
        wanted = {row.field: _wish(row, row.declared(model)) for row in rows(type(model))}
        known = _DECLARED[id(model)] = model, wanted, {(): tuple(filter(None, wanted.values()))}
    derived = tuple(overrides.items())
    found = known[2].get(derived)
    if found is None:
        table = _table(type(model))
        filled = {field: _wish(table[field], value) for field, value in derived}
        found = tuple(filter(None, (known[1] | filled).values()))
        if len(known[2]) >= _DERIVED:
            known[2].clear()
        known[2][derived] = found
    return found


def _wish(row: Row, value: Any) -> Wish | None:
    return None if value is None or value == "keep" else Wish(row, value)


@cache
def _table(model: type[Model]) -> Mapping[str, Row]:
    return {row.field: row for row in rows(model)}


_Known = tuple[Model, dict[str, Wish | None], dict[tuple[tuple[str, Any], ...], tuple[Wish, ...]]]
_DECLARED: dict[int, _Known] = {}
"""What models declare that were looked at last: they are frozen, and the same in every pass."""
_MODELS, _DERIVED = 8192, 4


def show(value: Any) -> str:
    """A value as it is written in the state file."""
    if isinstance(value, tuple):
        return show_vlans(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(slots=True)
class Differences:
    """What differs, collected while comparing: for people, and as changes for each world."""

    drift: list[PropertyDrift] = field(default_factory=list)
    profile: dict[str, dict[str, Any]] = field(default_factory=dict)
    applied: dict[str, dict[str, Any]] = field(default_factory=dict)
    link: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    port: dict[str, Any] = field(default_factory=dict)
    offloads: dict[str, Any] = field(default_factory=dict)
    vlans: Membership | None = None
    remake: bool = False
    """Something differs that cannot change while the link exists."""
    missing: list[str] = field(default_factory=list)
    """Properties that this kernel does not have at all."""
    taken: str = ""
    """Why the profile cannot be made, with what to do."""

    @property
    def obstacle(self) -> str:
        """Why some of it cannot be had on this host, empty where all can."""
        if self.taken:
            return self.taken
        return f"this kernel does not offer {', '.join(self.missing)}" if self.missing else ""

    def in_kernel(self) -> bool:
        """Whether netlink has something to set."""
        return bool(self.link or self.info or self.port)

    def because(self) -> str:
        """What differs, in one line."""
        return "; ".join(
            f"{d.property} is {d.kernel or d.network_manager}, not {d.desired}" for d in self.drift
        )

    def note(
        self, name: str, desired: Any, kernel: Any = None, network_manager: Any = None
    ) -> None:
        """Record one drifted property for people."""
        self.drift.append(
            PropertyDrift(
                name,
                show(desired),
                None if kernel is None else show(kernel),
                None if network_manager is None else show(network_manager),
            )
        )


def compare(
    wanted: Iterable[Wish],
    link: Link | None,
    profile: Settings | None,
    applied: Settings | None = None,
    port: Mapping[str, Any] | None = None,
    port_vlans: bool = False,
    offloads: Mapping[str, bool] | None = None,
) -> Differences:
    """Compare declared values with the kernel's link, the profile, and what is applied of it.

    A side that is None is not compared.  `port` replaces the link's own port attributes, for a
    link that is no port of the right bridge yet (its attributes would be another bridge's);
    `port_vlans` tells that the link's VLANs as a port were read and count; `offloads` are the
    card's, where they were read.
    """
    found = Differences()
    for wish in wanted:
        kernel = _kernel_differs(found, wish, link, port, port_vlans, offloads)
        stored = _profile_differs(found, wish, profile, applied)
        if kernel is not None or stored is not None:
            found.note(wish.row.key, wish.value, kernel, stored)
    return found


def _kernel_differs(
    found: Differences,
    wish: Wish,
    link: Link | None,
    port: Mapping[str, Any] | None,
    port_vlans: bool,
    offloads: Mapping[str, bool] | None,
) -> Any:
    """What the kernel has instead (as the operator would write it), None where it agrees."""
    key = wish.row.property.kernel
    if key is None or link is None:
        return None
    if key.layer == "vlans":
        if not port_vlans or link.vlans == wish.value:
            return None
        found.vlans = wish.value
        return link.vlans
    layer: Mapping[str, Any]
    target: dict[str, Any]
    if key.layer == "offload":
        layer, target = offloads or {}, found.offloads
    elif key.layer == "info":
        layer, target = link.info, found.info
    elif key.layer == "port":
        layer, target = link.port if port is None else port, found.port
    else:
        layer, target = own_values(link), found.link
    raw = layer.get(key.attribute)
    if raw is None:
        # Older kernels, or ones built without the feature.  What is to be off is off then.
        if layer and key.layer in {"info", "port", "offload"} and wish.value is not False:
            found.missing.append(wish.row.key)
            return "not offered by this kernel"
        return None
    have = key.codec.decode(raw if key.mask is None else raw & key.mask)
    if have == wish.value:
        return None
    if not key.live:
        found.remake = True
    wanted = key.codec.encode(wish.value)
    if key.mask is not None:
        wanted |= int(target.get(key.attribute, raw)) & ~key.mask
    target[key.attribute] = wanted
    return have


def own_values(link: Link) -> Mapping[str, Any]:
    """What a link is by itself, by the names of the layers ``link`` and ``ipv6``."""
    return {
        "mtu": link.mtu,
        "address": link.address,
        "disable_ipv6": None if link.disable_ipv6 is None else int(link.disable_ipv6),
    }


def _profile_differs(
    found: Differences, wish: Wish, profile: Settings | None, applied: Settings | None
) -> Any:
    """What NetworkManager has instead, None where it agrees."""
    key = wish.row.property.nm
    if key is None:
        return None
    answer = None
    if profile is not None:
        have = read(wish.row, profile)
        if have != wish.value:
            put(found.profile, wish, profile)
            answer = "not set" if have is None else have
    if applied is not None and key.reapply:
        have = read(wish.row, applied)
        if have != wish.value:
            put(found.applied, wish, applied)
            if answer is None:
                answer = f"{show(have)} (applied)"
    return answer


def read(row: Row, settings: Settings) -> Any:
    """The value that a profile holds for a row, in the operator's terms; None where it has none."""
    key = row.property.nm
    if key is None:
        return None
    raw = settings.get(key.setting, {}).get(key.key, key.default)
    if raw is None:
        return None
    return key.codec.decode(raw if key.mask is None else raw & key.mask)


def put(changes: dict[str, dict[str, Any]], wish: Wish, base: Settings | None = None) -> None:
    """Write a wish into profile changes; bits of others in a flag word are kept from `base`."""
    key = wish.row.property.nm
    if key is None:
        return
    raw = key.codec.encode(wish.value)
    section = changes.setdefault(key.setting, {})
    if key.mask is not None:
        present: int = (base or {}).get(key.setting, {}).get(key.key) or 0
        raw |= section.get(key.key, present) & ~key.mask
    section[key.key] = raw
