"""The kernel's links, addresses and default routes, from one netlink dump each.

What a dump does not tell comes from /sys: how a bridge got its hardware address, and driver, speed
and duplex of hardware.
"""

import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bridged.desired.vlans import PortVlan
from bridged.observe.host import Address, Link
from bridged.observe.port_vlans import read_port_vlans
from bridged.observe.protocols import KernelNetwork
from bridged.rtnetlink import (
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_GETROUTE,
    KernelRefusal,
    Message,
    Rtnetlink,
    world_error,
)

_IFF_UP = 0x1
_NET_ADDR_SET = "3"
"""addr_assign_type of an address that somebody set: the bridge code then never changes it
(br_stp_recalculate_bridge_id); whatever else it is, it may follow the lowest port."""
_DESCRIBED = ("bridge", "vlan")
"""Kinds whose IFLA_INFO_DATA is decoded; a node has hundreds of veths and no use for theirs."""
_COUNTERS = (
    "rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors",
    "rx_dropped", "tx_dropped", "multicast", "collisions",
)  # fmt: skip
_OPERSTATES = (
    "unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up",
)  # fmt: skip
_RT_TABLE_LOCAL = 255
_RTN_UNICAST = 1


class NetlinkReader:
    """Reads everything anew each time, over a socket that lives as long as the reading.

    `root` is where /sys is found, `timeout` in seconds bounds each dump.
    """

    def __init__(self, root: Path = Path("/"), timeout: float = 5.0) -> None:
        self._sys = root / "sys/class/net"
        self._timeout = timeout

    def read(self) -> KernelNetwork:
        """Raises `WorldError` when the kernel does not answer in time."""
        try:
            with Rtnetlink(self._timeout) as netlink:
                messages = netlink.dump(RTM_GETLINK)
                addresses = netlink.dump(RTM_GETADDR)
                routes = netlink.dump(RTM_GETROUTE, socket.AF_INET)
                routes += netlink.dump(RTM_GETROUTE, socket.AF_INET6)
                # Without a bridge that goes by them, the VLANs of its ports mean nothing.
                vlans = read_port_vlans(netlink) if any(map(_filters, messages)) else {}
        except KernelRefusal as error:
            raise world_error(error.errno or 0, "read the links", error.reason) from error
        except OSError as error:
            raise world_error(error.errno or 0, "read the links") from error
        kinds = {message["index"]: _kind(message) for message in messages}
        return KernelNetwork(
            tuple(
                self._link(message, kinds, vlans.get(message["index"], ())) for message in messages
            ),
            tuple(_address(message) for message in addresses),
            default_routes(routes),
        )

    def _link(
        self, message: Message, kinds: Mapping[int, str], vlans: tuple[PortVlan, ...]
    ) -> Link:
        name = str(message.get_attr("IFLA_IFNAME"))
        kind = kinds[message["index"]]
        controller = message.get_attr("IFLA_MASTER")
        hardware = self._hardware(name) if not kind else {}
        return Link(
            index=message["index"],
            name=name,
            kind=kind,
            address=message.get_attr("IFLA_ADDRESS") or "",
            permanent_address=message.get_attr("IFLA_PERM_ADDRESS") or "",
            address_pinned=kind != "bridge"
            or self._attribute(name, "addr_assign_type") == _NET_ADDR_SET,
            mtu=message.get_attr("IFLA_MTU") or 0,
            up=bool(message["flags"] & _IFF_UP),
            carrier=bool(message.get_attr("IFLA_CARRIER")),
            operstate=_operstate(message.get_attr("IFLA_OPERSTATE")),
            controller=controller,
            controller_kind=kinds.get(controller, "") if controller is not None else "",
            parent=_parent(message, kind),
            altnames=altnames(message),
            disable_ipv6=_disable_ipv6(message),
            carrier_changes=message.get_attr("IFLA_CARRIER_CHANGES") or 0,
            info=_info(message, kind),
            port=_port(message),
            vlans=vlans,
            stats=_stats(message),
            **hardware,
        )

    def _hardware(self, name: str) -> dict[str, Any]:
        """Driver, speed and duplex where a device stands behind the interface.

        The driver may have no speed (-1, or EINVAL while the interface is down).
        """
        device = self._sys / name / "device"
        if not device.exists():
            return {}
        try:
            driver = (device / "driver").readlink().name
        except OSError:
            driver = ""
        speed = self._attribute(name, "speed")
        duplex = self._attribute(name, "duplex")
        return {
            "driver": driver,
            "speed": int(speed) if speed.isdigit() and 0 < int(speed) < 1 << 31 else None,
            "duplex": duplex if duplex in ("full", "half") else "",
        }

    def _attribute(self, name: str, attribute: str) -> str:
        try:
            return (self._sys / name / attribute).read_text().strip()
        except OSError:
            return ""


def _nested(message: Message, *path: str) -> Any:
    for name in path:
        if message is None or not hasattr(message, "get_attr"):
            return None
        message = message.get_attr(name)
    return message


def _kind(message: Message) -> str:
    return _nested(message, "IFLA_LINKINFO", "IFLA_INFO_KIND") or ""


def _parent(message: Message, kind: str) -> int | None:
    """IFLA_LINK where it names an interface below this one.

    For a veth it is the peer, and with IFLA_LINK_NETNSID it counts in another namespace.
    """
    if kind == "veth" or message.get_attr("IFLA_LINK_NETNSID") is not None:
        return None
    parent = message.get_attr("IFLA_LINK")
    return parent if parent and parent != message["index"] else None


def _operstate(value: Any) -> str:
    return value.lower() if isinstance(value, str) else _OPERSTATES[value or 0]


def altnames(message: Message) -> tuple[str, ...]:
    """Alternative names of a link."""
    names = _nested(message, "IFLA_PROP_LIST")
    return tuple(names.get_attrs("IFLA_ALT_IFNAME")) if names is not None else ()


def _disable_ipv6(message: Message) -> bool | None:
    """From the copy of the interface's IPv6 settings in the dump; None where it has no IPv6."""
    settings = _nested(message, "IFLA_AF_SPEC", "AF_INET6", "IFLA_INET6_CONF")
    return bool(settings["disable_ipv6"]) if settings is not None else None


def _plain(data: Any) -> dict[str, Any]:
    """Attributes by lower-case name without IFLA_; only numbers and text, of flags the word."""
    values: dict[str, Any] = {}
    for name, value in data["attrs"] if data is not None else ():
        if hasattr(value, "get") and "flags" in value:
            value = value["flags"]
        if isinstance(value, int | str):
            values[name.removeprefix("IFLA_").lower()] = value
    return values


def _info(message: Message, kind: str) -> dict[str, Any]:
    if kind not in _DESCRIBED:
        return {}
    info = _plain(_nested(message, "IFLA_LINKINFO", "IFLA_INFO_DATA"))
    if kind == "vlan":
        info.setdefault("vlan_flags", 0)  # vlan_fill_info() leaves the word out when it is 0
    return info


def _port(message: Message) -> dict[str, Any]:
    if _nested(message, "IFLA_LINKINFO", "IFLA_INFO_SLAVE_KIND") != "bridge":
        return {}
    return _plain(_nested(message, "IFLA_LINKINFO", "IFLA_INFO_SLAVE_DATA"))


def _stats(message: Message) -> dict[str, int]:
    counters = message.get_attr("IFLA_STATS64") or message.get_attr("IFLA_STATS")
    return {name: counters[name] for name in _COUNTERS} if counters is not None else {}


def _address(message: Message) -> Address:
    """IFA_LOCAL is our own address on a point-to-point link, IFA_ADDRESS then the far end's."""
    return Address(
        message["index"],
        4 if message["family"] == socket.AF_INET else 6,
        message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS") or "",
        message["prefixlen"],
    )


def default_routes(routes: Iterable[Message]) -> frozenset[int]:
    """Ifindexes that a default route of any table leaves by, each leg of a multipath route too."""
    found: set[int] = set()
    for route in routes:
        # The local table holds no default route; unreachable and blackhole ones carry nothing.
        if route["dst_len"] or route["type"] != _RTN_UNICAST or route["table"] == _RT_TABLE_LOCAL:
            continue
        index = route.get_attr("RTA_OIF")
        if index:
            found.add(index)
        found.update(leg["oif"] for leg in route.get_attr("RTA_MULTIPATH") or ())
    return frozenset(found - {1})


def _filters(message: Message) -> bool:
    """Whether a link is a bridge with VLAN filtering."""
    return _kind(message) == "bridge" and bool(_info(message, "bridge").get("br_vlan_filtering"))
