"""From the state to nmstate, bare or in a NodeNetworkConfigurationPolicy."""

from collections.abc import Collection, Mapping
from typing import Any

from bridged.desired.base import Model
from bridged.desired.bridge import Bridge
from bridged.desired.names import sysctl_key
from bridged.desired.port import MEMBERSHIP, Nic, Port, Vlan
from bridged.desired.properties import rows
from bridged.desired.state import State
from bridged.desired.vlans import Membership, membership
from bridged.exchange import nmstate_words as words
from bridged.exchange.memberships import to_nmstate as vlan_of
from bridged.exchange.notes import Notes

_UNSAID = "nmstate has no word for it"
_STAYS = "keep it in the state file"
Document = dict[str, Any]
_NEW_PVID = 1
"""vlan-default-pvid of a new bridge."""


def to_nmstate(state: State, notes: Notes) -> Document:
    """The nmstate document for the bridges of `state`; what it cannot say goes to `notes`."""
    interfaces: list[Document] = []
    for name, _, port in state.ports():
        interfaces.append(_interface(port, f"bridges.{name}.ports.{port.device}", notes))
    for name, bridge in (state.bridges or {}).items():
        interfaces.append(_bridge(name, bridge, notes))
    _others(state, notes)
    return {"interfaces": interfaces}


def to_policy(document: Document, name: str, node: str = "") -> Document:
    """A policy that asks for `document`, on every node or on the one named."""
    spec: Document = {"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}
    return {
        "apiVersion": "nmstate.io/v1",
        "kind": "NodeNetworkConfigurationPolicy",
        "metadata": {"name": name},
        "spec": spec | {"desiredState": document},
    }


def _others(state: State, notes: Notes) -> None:
    """Sections that are no network; nmstate is not the place for them."""
    packages = state.packages
    listed = {
        "modules": ", ".join(state.modules or ()),
        "sysctls": ", ".join(map(sysctl_key, state.sysctls or {})),
        "packages": ", ".join((*packages.present, *packages.absent)) if packages else "",
        "runtime": "containerd" if state.runtime and state.runtime.containerd else "",
        "swap": state.swap or "",
        "protect": ", ".join(state.protect),
        "probes": ", ".join(state.probes),
        "maintenance": "the daily window" if state.maintenance else "",
        "kubernetes": "kubeadm.conf, cilium-values.yaml" if state.kubernetes else "",
    }
    for section, what in listed.items():
        if what:
            notes.tell(section, f"nmstate has none of this ({what})", _STAYS)


def _interface(port: Port, path: str, notes: Notes) -> Document:
    found: Document = {"name": port.device, "type": "ethernet", "state": "up"}
    if port.mtu is not None:
        found["mtu"] = port.mtu
    if isinstance(port, Vlan):
        found["type"] = "vlan"
        found["vlan"] = _vlan(port, path, notes)
    elif port.offloads is not None:
        features: Document = {}
        _said(port.offloads, words.FEATURES, features, f"{path}.offloads", notes)
        if features:
            found["ethtool"] = {"feature": features}
    return found


def _vlan(port: Vlan, path: str, notes: Notes) -> Document:
    found: Document = {"base-iface": port.parent, "id": port.vlan}
    _said(port, words.VLAN, found, path, notes, {"vlan", "mtu", "gvrp", "mvrp", *_PORT_KEYS})
    if found.get("reorder-headers") is True:
        del found["reorder-headers"]  # so is a new VLAN, and older nmstate does not know the key
    if "protocol" in found:
        found["protocol"] = found["protocol"].lower()
    if port.gvrp and port.mvrp:
        notes.lose(path, "nmstate knows gvrp or mvrp, not both", _STAYS)
    protocols = {"gvrp": port.gvrp, "mvrp": port.mvrp}
    if any(protocols.values()):
        found["registration-protocol"] = next(key for key, on in protocols.items() if on)
        for key, on in protocols.items():
            if on is None:
                notes.tell(f"{path}.{key}", f"nothing is said of {key}; nmstate switches it off")
    elif all(on is False for on in protocols.values()):
        found["registration-protocol"] = "none"
    elif False in protocols.values():
        notes.lose(path, "nmstate cannot switch one of gvrp and mvrp off alone", _STAYS)
    return found


def _bridge(name: str, bridge: Bridge, notes: Notes) -> Document:
    path = f"bridges.{name}"
    found: Document = {"name": name, "type": words.BRIDGE, "state": "up"}
    if bridge.mtu is not None:
        found["mtu"] = bridge.mtu
    if bridge.mac is not None:
        found["mac-address"] = bridge.mac
    for family in ("ipv4", "ipv6"):
        if getattr(bridge, family) == "disabled":
            found[family] = {"enabled": False}
        else:
            notes.tell(f"{path}.{family}", f"nothing is said of {family}, so nmstate leaves it")
    options: Document = {}
    stp: Document = {}
    other = {"ports", "ipv4", "ipv6", "mac", "mtu", "vlan-filtering"}
    _said(bridge, words.OPTIONS, options, path, notes, other | set(words.STP.values()))
    _said(bridge, words.STP, stp, path, notes, None)
    if "vlan-protocol" in options:
        options["vlan-protocol"] = options["vlan-protocol"].lower()
    if stp:
        options["stp"] = stp
    config: Document = {"options": options} if options else {}
    config["port"] = [_port(name, bridge, port, notes) for port in bridge.ports]
    found["bridge"] = config
    if bridge.isolate:
        notes.tell(f"{path}.isolate", "is written as the VLANs of the ports, which is what it does")
    said = any("vlan" in port for port in config["port"])
    if bridge.filters_vlans is not None and not said:
        notes.lose(
            f"{path}.vlan-filtering",
            "nmstate tells it by the VLANs of the ports, and here are none",
            _STAYS,
        )
    return found


def _port(name: str, bridge: Bridge, port: Port, notes: Notes) -> Document:
    path = f"bridges.{name}.ports.{port.device}"
    found: Document = {"name": port.device}
    own = {row.key for row in rows(type(port))} - set(_PORT_KEYS)
    _said(port, words.PORT, found, path, notes, own | {MEMBERSHIP.key, "mtu"})
    if bridge.filters_vlans:
        vlan = vlan_of(_membership(bridge, port))
        if vlan is None:
            notes.lose(path, "nmstate cannot say that a port carries no VLAN", _STAYS)
        else:
            found["vlan"] = vlan
    elif bridge.filters_vlans is False:
        found["vlan"] = {}
    return found


def _membership(bridge: Bridge, port: Port) -> Membership:
    """The VLANs of a port: declared, else those of a new port of this bridge."""
    if port.membership is not None:
        return port.membership
    pvid = bridge.vlan_default_pvid
    return membership((), _NEW_PVID if pvid is None else pvid)


def _said(
    model: Model,
    table: Mapping[str, str],
    found: Document,
    path: str,
    notes: Notes,
    elsewhere: Collection[str] | None = (),
) -> None:
    """Write what `model` declares by the table; what is neither in it nor `elsewhere` is told.

    None for `elsewhere` tells nothing.
    """
    theirs = words.first_words(table)
    for row in rows(type(model)):
        value = row.declared(model)
        if value is None:
            continue
        if row.key in theirs:
            found[theirs[row.key]] = value
        elif elsewhere is not None and row.key not in elsewhere:
            notes.lose(f"{path}.{row.key}", _UNSAID, _STAYS)


_PORT_KEYS = frozenset(
    row.key for row in rows(Nic) if row.property.kernel and row.property.kernel.layer != "link"
)
"""What a card is as a port of a bridge: said of the port, not of the interface."""
