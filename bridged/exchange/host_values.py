"""The properties of a bridge or port on the running host that differ from those of a new one."""

from collections.abc import Mapping
from typing import Any

from bridged.desired.base import Model
from bridged.desired.bridge import Bridge
from bridged.desired.grammar import Choice, Integer, record
from bridged.desired.offloads import Offloads
from bridged.desired.port import MEMBERSHIP
from bridged.desired.properties import Row, rows
from bridged.desired.vlans import membership
from bridged.exchange.memberships import from_kernel
from bridged.exchange.notes import Notes
from bridged.observe.host import Address, Host, Link, Profile, Settings
from bridged.plan.compare import read, show

_AGENTS = {"isolated": False, "learning": True}
"""What a new port has where NetworkManager has no setting, and so no default, for it."""
_DERIVED = frozenset({"ipv4", "ipv6", "mac", "mtu", "vlans", "vlan"})
"""Not a matter of comparing with a fixed value; `vlan` is what the port is."""
_NEW_PVID = 1
_USUAL_MTU = 1500
Data = dict[str, Any]


def bridge_values(
    host: Host, link: Link, profile: Profile | None, path: str, notes: Notes
) -> tuple[Data, dict[str, str]]:
    """Keys of a bridge that say other than the defaults, and comments on them by key.

    The hardware address is never among them: what is left out stays as it is.
    """
    settings = profile.settings if profile else None
    found: Data = {}
    comments: dict[str, str] = {}
    for family, key in ((4, "ipv4"), (6, "ipv6")):
        kept = _keeps_addresses(host, link, settings, family)
        if kept:
            found[key], comments[key] = "keep", kept
    ports = [port.mtu for port in host.ports(link)]
    found |= _mtu(link, Bridge, settings, {_USUAL_MTU, min(ports, default=_USUAL_MTU)})
    _rows(Bridge, link.info, settings, found, comments, path, notes)
    return found, comments


def port_values(
    model: type[Model],
    host: Host,
    link: Link,
    profile: Profile | None,
    path: str,
    notes: Notes,
) -> tuple[Data, dict[str, str]]:
    """The same of a card or VLAN as a port of its bridge."""
    settings = profile.settings if profile else None
    found: Data = {}
    comments: dict[str, str] = {}
    parent = host.by_index.get(link.parent) if link.parent is not None else None
    usual = {parent.mtu if parent and link.kind == "vlan" else _USUAL_MTU}
    found |= _mtu(link, model, settings, usual)
    attributes = {**link.info, **link.port}
    if profile is None:
        # NetworkManager sets a cost of its own; the one the kernel chose by the speed means nothing
        attributes.pop("brport_cost", None)
    _rows(model, attributes, settings, found, comments, path, notes)
    bridge = host.controller(link)
    if bridge is not None and bridge.info.get("br_vlan_filtering"):
        pvid = bridge.info.get("br_vlan_default_pvid", _NEW_PVID)
        if link.vlans != membership((), pvid):
            declared = from_kernel(link.vlans)
            if declared is None:
                notes.lose(
                    f"{path}.{MEMBERSHIP.key}",
                    f"{show(link.vlans)}: a VLAN without tag that is not the PVID has no words",
                    "it stays as it is while nothing is declared",
                )
            else:
                found |= declared
    offloads = {
        row.key: value
        for row in rows(Offloads)
        if settings and (value := read(row, settings)) is not None
    }
    if offloads and link.kind != "vlan":
        found["offloads"] = offloads
    return found, comments


def _rows(
    model: type[Model],
    attributes: Mapping[str, Any],
    settings: Settings | None,
    found: Data,
    comments: dict[str, str],
    path: str,
    notes: Notes,
) -> None:
    for row in rows(model):
        kernel = row.property.kernel
        if row.key in _DERIVED or kernel is None:
            continue
        raw = attributes.get(kernel.attribute)
        if raw is None:
            continue
        value = kernel.codec.decode(raw if kernel.mask is None else raw & kernel.mask)
        if value == _new(row):
            continue
        if not _valid(model, row, value):
            notes.lose(
                f"{path}.{row.key}", f"{show(value)} is not among the values of a state file"
            )
            continue
        found[row.key] = value
        stored = read(row, settings) if settings else None
        if stored is not None and stored != value:
            comments[row.key] = f"in the kernel; the profile has {show(stored)}"


def _new(row: Row) -> Any:
    """What a state file means that does not name the property, on something that is new."""
    if row.default is not None:
        return row.default
    if row.property.nm is None:
        return _AGENTS.get(row.key)
    default = row.property.nm.default
    return False if default is None else default


def _valid(model: type[Model], row: Row, value: Any) -> bool:
    """Whether the state file can say it; a kernel may count in fractions, or know more words."""
    match record(model).keys[row.key].expected:
        case Integer(low=low, high=high):
            whole = isinstance(value, int)
            return whole and (low is None or value >= low) and (high is None or value <= high)
        case Choice(options=options):
            return value in options
        case _:
            return True


def _mtu(link: Link, model: type[Model], settings: Settings | None, usual: set[int]) -> Data:
    """The MTU where the profile fixes it, or where it is none that comes by itself."""
    row = next(row for row in rows(model) if row.key == "mtu")
    fixed = read(row, settings) if settings else 0
    return {"mtu": link.mtu} if fixed or link.mtu not in usual else {}


def _keeps_addresses(host: Host, link: Link, settings: Settings | None, family: int) -> str:
    """Why addresses of the bridge are to be left alone, empty where it is to have none."""
    addresses = [a for a in host.addresses if a.index == link.index and a.family == family]
    own = [address for address in addresses if not _link_local(address)]
    if own:
        return f"has {', '.join(f'{a.address}/{a.prefix}' for a in own)}"
    if settings is None:
        switched_off = family == 6 and link.disable_ipv6
        return "" if family == 4 or switched_off else "is on"
    method = settings.get(f"ipv{family}", {}).get("method", "auto")
    return "" if method == "disabled" else f"the profile's method is {method}"


def _link_local(address: Address) -> bool:
    return address.family == 6 and address.address.lower().startswith("fe80:")
