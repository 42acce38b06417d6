"""The in-memory kernel: links, addresses, modules, sysctls, files, and the quirks that matter."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from bridged.desired.vlans import PortVlan
from bridged.errors import WorldError
from bridged.observe.host import Address, Assignment, Link, ModuleState, Sysctl
from bridged.observe.protocols import KernelNetwork
from bridged.plan.actions import (
    DeleteLink,
    RemoveAddress,
    SetController,
    SetLink,
    SetOffloads,
    SetVlans,
)
from tests.twins.faults import Faults

BRIDGE_DEFAULTS: Mapping[str, Any] = {
    "br_stp_state": 0,
    "br_priority": 32768,
    "br_forward_delay": 1500,
    "br_hello_time": 200,
    "br_max_age": 2000,
    "br_ageing_time": 30000,
    "br_group_fwd_mask": 0,
    "br_mcast_snooping": 1,
    "br_mcast_querier": 0,
    "br_mcast_router": 1,
    "br_vlan_filtering": 0,
    "br_vlan_default_pvid": 1,
    "br_vlan_protocol": 0x8100,
    "br_vlan_stats_enabled": 0,
}
PORT_DEFAULTS: Mapping[str, Any] = {
    "brport_cost": 4,
    "brport_priority": 32,
    "brport_mode": 0,
    "brport_isolated": 0,
    "brport_learning": 1,
}
BRIDGE_KEYS = (
    "net/bridge/bridge-nf-call-iptables",
    "net/bridge/bridge-nf-call-ip6tables",
    "net/bridge/bridge-nf-call-arptables",
)


class FakeKernel:
    """Reads and writes what the protocols of observe/ and apply/ ask of the kernel.

    Methods named like commands (`add_nic`, `delete`, `unplug`...) are what others do to the
    machine; they are not counted as writes of the product.
    """

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.links: dict[int, Link] = {}
        self.addresses: list[Address] = []
        self.default_routes: set[str] = set()
        self.module_states: dict[str, ModuleState] = {}
        self.installable: set[str] = {"overlay", "br_netfilter", "kvm", "vhost_net", "dm_crypt"}
        self.parameters: dict[str, str] = {
            "net/ipv4/ip_forward": "0",
            "fs/inotify/max_user_watches": "65536",
            "fs/inotify/max_user_instances": "128",
        }
        self.text_files: dict[str, str] = {}
        self.nodes: set[str] = {"/dev/kvm", "/dev/vhost-net"}
        self.offloads: dict[str, dict[str, bool]] = {}
        self.boot_sysctls: dict[str, tuple[Assignment, ...]] = {}
        self._next = 1

    # ------------------------------------------------------------------ what others do

    def add_link(self, name: str, kind: str = "", **values: Any) -> Link:
        """Make a link as `ip link add` would; it gets a new ifindex."""
        index, self._next = self._next, self._next + 1
        info = dict(BRIDGE_DEFAULTS) if kind == "bridge" else {}
        made = Link(
            index=index,
            name=name,
            kind=kind,
            address=values.pop("address", f"52:54:00:00:{index >> 8:02x}:{index & 255:02x}"),
            operstate="up",
            disable_ipv6=values.pop("disable_ipv6", False),
            info={**info, **values.pop("info", {})},
            carrier=values.pop("carrier", True),
            **values,
        )
        self.links[index] = made
        return made

    def add_nic(self, name: str, **values: Any) -> Link:
        """A network card, up and with carrier."""
        self.offloads[name] = {"tso": True, "gro": True, "lro": False, "rx": True}
        return self.add_link(name, up=values.pop("up", True), **values)

    def link(self, name: str) -> Link | None:
        """The link of that name, or None."""
        return next((link for link in self.links.values() if link.name == name), None)

    def need(self, name: str) -> Link:
        """The link of that name; it must be there."""
        link = self.link(name)
        assert link is not None, f"no link {name}"
        return link

    def change(self, name: str, **values: Any) -> Link:
        """Set fields of a link; `info` and `port` are merged."""
        old = self.need(name)
        for part in ("info", "port"):
            if part in values:
                values[part] = {**getattr(old, part), **values[part]}
        self.links[old.index] = replace(old, **values)
        return self.links[old.index]

    def plug(self, name: str, bridge: str) -> None:
        """Make a link a port of a bridge; its port attributes start from the defaults."""
        port, controller = self.need(name), self.need(bridge)
        if port.controller != controller.index:
            pvid = controller.info["br_vlan_default_pvid"]
            self.links[port.index] = replace(
                port,
                controller=controller.index,
                controller_kind="bridge",
                port=dict(PORT_DEFAULTS),
                vlans=(PortVlan(pvid, pvid=True, untagged=True),) if pvid else (),
            )

    def unplug(self, name: str) -> None:
        """Take a port out of its bridge."""
        port = self.need(name)
        self.links[port.index] = replace(
            port, controller=None, controller_kind="", port={}, vlans=()
        )

    def delete(self, name: str) -> None:
        """Delete a link, the VLANs on it, and the membership of its ports."""
        gone = self.need(name)
        del self.links[gone.index]
        self.addresses = [a for a in self.addresses if a.index != gone.index]
        for link in list(self.links.values()):
            if link.parent == gone.index and link.kind == "vlan":
                self.delete(link.name)
            elif link.controller == gone.index:
                self.unplug(link.name)

    def ports(self, bridge: str) -> set[str]:
        """Names of the ports of a bridge."""
        index = self.need(bridge).index
        return {link.name for link in self.links.values() if link.controller == index}

    def load_module(self, name: str) -> None:
        """A module appears, with its sysctls at the kernel's defaults."""
        self.module_states[name] = "loaded"
        if name == "br_netfilter":
            self.parameters |= dict.fromkeys(BRIDGE_KEYS, "1")

    def remove_module(self, name: str) -> None:
        """A module goes, and its sysctls with it."""
        self.module_states.pop(name, None)
        if name == "br_netfilter":
            for key in BRIDGE_KEYS:
                self.parameters.pop(key, None)

    # ------------------------------------------------------------------ reading

    def read_network(self) -> KernelNetwork:
        """The dump."""
        routes = {link.index for link in self.links.values() if link.name in self.default_routes}
        return KernelNetwork(tuple(self.links.values()), tuple(self.addresses), frozenset(routes))

    def read_modules(self, names: Iterable[str]) -> dict[str, ModuleState]:
        """States of the modules named."""
        return {name: self.module_states.get(name, "absent") for name in names}

    def read_sysctls(self, paths: Iterable[str]) -> dict[str, Sysctl]:
        """Values, with single spaces as the reader gives them."""
        return {
            path: Sysctl(" ".join(self.parameters[path].split()))
            if path in self.parameters
            else Sysctl(None)
            for path in paths
        }

    def read_files(self, paths: Iterable[str]) -> dict[str, str | None]:
        """Contents of files."""
        return {path: self.text_files.get(path) for path in paths}

    def read_offloads(self, names: Iterable[str]) -> dict[str, dict[str, bool]]:
        """Offloads of cards, which ethtool finds by an alternative name too."""
        return {
            name: dict(self.offloads[link.name])
            for name in names
            for link in self.links.values()
            if name in {link.name, *link.altnames} and link.name in self.offloads
        }

    # ------------------------------------------------------------------ writing (the product)

    def _target(self, index: int, name: str) -> Link:
        link = self.links.get(index)
        if link is None or link.name != name:
            raise WorldError("vanished", f"{name} is gone")
        return link

    def set_link(self, action: SetLink) -> None:
        """Attributes of a link."""
        self.faults.write("set_link", action.describe())
        self._target(action.index, action.device)
        fields: dict[str, Any] = dict(action.link)
        if "address" in fields:
            fields["address_pinned"] = True
        if "disable_ipv6" in fields:
            fields["disable_ipv6"] = bool(fields["disable_ipv6"])
            if fields["disable_ipv6"]:
                self.addresses = [
                    a for a in self.addresses if not (a.index == action.index and a.family == 6)
                ]
        self.change(action.device, **fields, info=action.info, port=action.port)

    def set_controller(self, action: SetController) -> None:
        """Membership in a bridge."""
        self.faults.write("set_controller", action.describe())
        self._target(action.index, action.device)
        self._target(action.controller_index, action.controller)
        self.plug(action.device, action.controller)

    def set_vlans(self, action: SetVlans) -> None:
        """VLANs of a bridge port."""
        self.faults.write("set_vlans", action.describe())
        self._target(action.index, action.device)
        self.change(action.device, vlans=tuple(action.vlans))

    def set_offloads(self, action: SetOffloads) -> None:
        """Offloads of a card."""
        self.faults.write("set_offloads", action.describe())
        self._target(action.index, action.device)
        self.offloads[action.device] |= {k: bool(v) for k, v in action.offloads.items()}

    def delete_link(self, action: DeleteLink) -> None:
        """The end of a link."""
        self.faults.write("delete_link", action.describe())
        self._target(action.index, action.device)
        self.delete(action.device)

    def remove_address(self, action: RemoveAddress) -> None:
        """The end of an address."""
        self.faults.write("remove_address", action.describe())
        self.addresses = [
            a
            for a in self.addresses
            if not (a.index == action.index and a.address == action.address)
        ]

    def load(self, module: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        """modprobe, which is done at once."""
        self.faults.write("load", module)
        if module not in self.installable:
            raise WorldError("not-found", f"module {module} is not installed")
        self.load_module(module)

    def write_sysctl(self, path: str, value: str) -> None:
        """A kernel parameter; the kernel answers with tabs between fields."""
        self.faults.write("sysctl", f"{path}={value}")
        if path not in self.parameters:
            raise WorldError("not-found", f"there is no {path}")
        self.parameters[path] = "\t".join(value.split())

    def write_file(self, path: str, content: str | None) -> None:
        """A whole file."""
        self.faults.write("file", path)
        if content is None:
            self.text_files.pop(path, None)
        else:
            self.text_files[path] = content
