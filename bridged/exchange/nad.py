"""Multus NetworkAttachmentDefinitions: how pods and virtual machines name the bridges.

Sources: the definition's published schema (k8s.cni.cncf.io/v1, `spec.config` is the CNI's JSON as
text), the CNI's bridge plugin, and KubeVirt's use of the annotation by which pods go only where the
bridge is.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from bridged.desired.bridge import Bridge
from bridged.desired.port import Port
from bridged.desired.state import State
from bridged.errors import BridgedError
from bridged.exchange.notes import Notes

_RESOURCE = "bridge.network.kubevirt.io"
_RESOURCE_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_CNI_VERSION = "0.3.1"
"""What every Multus and bridge plugin in use understands."""
Manifest = dict[str, Any]


class NadError(BridgedError):
    """A definition that cannot be made, and the remedy."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True)
class Wanted:
    """What is asked for: the `bridges` named, all of them where none is; `vlan` 0 for none."""

    bridges: tuple[str, ...] = ()
    namespace: str = ""
    vlan: int = 0
    plugin: Literal["bridge", "cnv-bridge"] = "bridge"
    macspoofchk: bool = False


def definitions(state: State, wanted: Wanted, notes: Notes) -> list[Manifest]:
    """The manifests, in the order of the bridges.  Raises NadError."""
    bridges = state.bridges or {}
    for name in wanted.bridges:
        if name not in bridges:
            there = f"there are {', '.join(bridges)}" if bridges else "no bridge is declared"
            raise NadError(f"no bridge {name} is declared", there)
    if wanted.namespace and not _LABEL.fullmatch(wanted.namespace):
        raise NadError(
            f"{wanted.namespace} is not the name of a namespace",
            "small letters, digits and dashes, at most 63",
        )
    chosen = {name: bridges[name] for name in wanted.bridges or bridges}
    names = _names(chosen, wanted.vlan)
    found = []
    for name, bridge in chosen.items():
        if wanted.vlan:
            _check_vlan(name, bridge, wanted.vlan, notes)
        if names[name] != _own_name(name, wanted.vlan):
            notes.tell(f"bridges.{name}", f"is called {names[name]} in Kubernetes")
        found.append(_definition(name, names[name], bridge, wanted, notes))
    return found


def _definition(bridge: str, name: str, spec: Bridge, wanted: Wanted, notes: Notes) -> Manifest:
    metadata: Manifest = {"name": name}
    if wanted.namespace:
        metadata["namespace"] = wanted.namespace
    if _RESOURCE_NAME.fullmatch(bridge):
        metadata["annotations"] = {"k8s.v1.cni.cncf.io/resourceName": f"{_RESOURCE}/{bridge}"}
    else:
        notes.lose(
            f"bridges.{bridge}",
            "cannot be the name of a resource, so the annotation that keeps pods on nodes with the "
            "bridge is left out",
            "use letters, digits, dots and dashes in names of bridges",
        )
    return {
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": metadata,
        "spec": {"config": json.dumps(_config(bridge, name, spec, wanted), indent=2)},
    }


def _config(bridge: str, name: str, spec: Bridge, wanted: Wanted) -> Manifest:
    config: Manifest = {
        "cniVersion": _CNI_VERSION,
        "name": name,
        "type": wanted.plugin,
        "bridge": bridge,
        "isGateway": False,
        "ipam": {},
    }
    if spec.mtu is not None:
        config["mtu"] = spec.mtu
    if wanted.vlan:
        config["vlan"] = wanted.vlan
    if spec.filters_vlans:
        # Else a guest in VLAN 10 would be a member of the bridge's untagged VLAN too.
        config["preserveDefaultVlan"] = False
    if wanted.macspoofchk:
        config["macspoofchk"] = True
    return config


def _check_vlan(name: str, bridge: Bridge, vlan: int, notes: Notes) -> None:
    if not bridge.filters_vlans:
        raise NadError(
            f"{name} does not filter VLANs, so the CNI would switch that on behind our back",
            f"write vlan-filtering: true under {name}, or leave --vlan out",
        )
    if bridge.ports and not any(_carries(bridge, port, vlan) for port in bridge.ports):
        notes.tell(
            f"bridges.{name}",
            f"none of its ports carries VLAN {vlan}, so guests in it reach each other only",
            f"add {vlan} to the vlans of a port",
        )


def _carries(bridge: Bridge, port: Port, vlan: int) -> bool:
    if port.membership is None:
        pvid = bridge.vlan_default_pvid
        return vlan == (1 if pvid is None else pvid)
    return any(member.vid == vlan for member in port.membership)


def _own_name(bridge: str, vlan: int) -> str:
    return f"{bridge}-{vlan}" if vlan else bridge


def _names(bridges: Iterable[str], vlan: int) -> dict[str, str]:
    """Names that Kubernetes accepts (RFC 1123), by bridge, each once."""
    found: dict[str, str] = {}
    for bridge in bridges:
        base = re.sub(r"[^a-z0-9]+", "-", bridge.lower()).strip("-") or "bridge"
        name, number = _own_name(base, vlan), 2
        while name in found.values():
            name, number = f"{_own_name(base, vlan)}-{number}", number + 1
        found[bridge] = name
    return found
