"""The kernel's links, addresses and default routes, from one netlink dump each.

What a dump does not tell comes from /sys: how a bridge got its hardware address, and path, driver,
speed and duplex of hardware.
"""

import os
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridged.desired.vlans import PortVlan
from bridged.observe.attributes import Attributes
from bridged.observe.cards import device_path
from bridged.observe.former import FormerLinks
from bridged.observe.host import Address, Link
from bridged.observe.linkmessage import LinkMessage
from bridged.observe.port_vlans import read_port_vlans
from bridged.observe.protocols import KernelNetwork
from bridged.rtnetlink import (
    NETLINK_HEADER,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_GETROUTE,
    KernelRefusal,
    Message,
    Rtnetlink,
    world_error,
)

_NET_ADDR_SET = "3"
"""addr_assign_type of an address that somebody set: the bridge code then never changes it
(br_stp_recalculate_bridge_id); whatever else it is, it may follow the lowest port."""
_ADDRESS = struct.Struct("=BBxxI")
"""struct ifaddrmsg: family, prefix length, flags, scope, ifindex."""
_ATTRIBUTES = Attributes({1: "IFA_ADDRESS", 2: "IFA_LOCAL"}, offset=NETLINK_HEADER + _ADDRESS.size)
_SKIP_STATS = ("IFLA_EXT_MASK", 8)
"""RTEXT_FILTER_SKIP_STATS: without the IPv6 counters of every link, which nobody reads."""
_NO_HARDWARE = {"path": "", "driver": "", "speed": None, "duplex": ""}
_RT_TABLE_LOCAL = 255
_RTN_UNICAST = 1


class NetlinkReader:
    """For one thread.

    `root` is where /sys is found, `timeout` in seconds bounds each dump.
    """

    def __init__(self, root: Path = Path("/"), timeout: float = 5.0) -> None:
        self._sys = root / "sys/class/net"
        self._udev = root / "run/udev/data"
        self._netlink = Rtnetlink.lasting(timeout)
        self._former = FormerLinks()

    def read(self, anew: bool = True) -> KernelNetwork:
        """Raises `WorldError` when the kernel does not answer in time."""
        with self._socket() as netlink:
            dump = list(netlink.dump_raw(RTM_GETLINK, attributes=[_SKIP_STATS]))
            seen = [
                (None if anew else self._former.same(data)) or LinkMessage(data) for data in dump
            ]
            addresses, routes = _addresses(netlink), _default_routes(netlink)
            # Without a bridge that goes by them, the VLANs of its ports mean nothing.
            vlans = read_port_vlans(netlink) if any(map(_filters, seen)) else {}
        kinds = {link.index: link.kind for link in seen}
        links = tuple(self._whole(link, kinds, vlans.get(link.index, ())) for link in seen)
        self._former.keep(zip(dump, links, strict=True))
        return KernelNetwork(links, addresses, routes)

    def again(self, links: Iterable[Link], known: Mapping[int, Link]) -> tuple[Link, ...]:
        """These links as they are now, but for those that are gone or called otherwise; what only
        /sys tells stays as it was.  Raises `WorldError` as `read` does."""
        found = []
        with self._socket() as netlink:
            for link in links:
                data = netlink.link_raw(link.index)
                if data is None or (message := LinkMessage(data)).name != link.name:
                    continue
                owner = known.get(message.number("IFLA_MASTER") or 0)
                kinds = {owner.index: owner.kind} if owner else {}
                found.append(self._link(message, kinds, link.vlans, link))
        return tuple(found)

    def beside(self, links: tuple[Link, ...]) -> KernelNetwork:
        """Addresses and default routes anew; raises `WorldError` as `read` does."""
        with self._socket() as netlink:
            return KernelNetwork(links, _addresses(netlink), _default_routes(netlink))

    @contextmanager
    def _socket(self) -> Iterator[Rtnetlink]:
        try:
            yield self._netlink()
        except KernelRefusal as error:
            raise world_error(error.errno or 0, "read the links", error.reason) from error
        except OSError as error:
            raise world_error(error.errno or 0, "read the links") from error

    def _whole(
        self, seen: Link | LinkMessage, kinds: Mapping[int, str], vlans: tuple[PortVlan, ...]
    ) -> Link:
        """A link, anew or as it was before, with what its message does not tell."""
        if isinstance(seen, LinkMessage):
            return self._link(seen, kinds, vlans)
        told: dict[str, Any] = {}
        if not seen.kind:
            told |= self._hardware(seen.name, seen.index)
        # A pinned address stays pinned as long as there is the bridge.
        if not seen.address_pinned:
            told["address_pinned"] = self._pinned(seen.name, seen.kind)
        if seen.controller is not None:
            told["controller_kind"] = kinds.get(seen.controller, "")
        told["vlans"] = vlans
        if all(getattr(seen, key) == value for key, value in told.items()):
            return seen
        return replace(seen, **told)

    def _link(
        self,
        message: LinkMessage,
        kinds: Mapping[int, str],
        vlans: tuple[PortVlan, ...],
        former: Link | None = None,
    ) -> Link:
        name, kind, address = message.name, message.kind, message.address("IFLA_ADDRESS")
        controller = message.number("IFLA_MASTER")
        if former is not None and former.address == address:
            pinned = former.address_pinned
        else:
            pinned = self._pinned(name, kind)
        link = Link(
            index=message.index,
            name=name,
            kind=kind,
            address=address,
            permanent_address=message.address("IFLA_PERM_ADDRESS"),
            address_pinned=pinned,
            mtu=message.number("IFLA_MTU") or 0,
            up=message.up,
            carrier=bool(message.number("IFLA_CARRIER")),
            operstate=message.operstate,
            controller=controller,
            controller_kind=kinds.get(controller, "") if controller is not None else "",
            parent=message.parent,
            altnames=message.altnames,
            disable_ipv6=message.disable_ipv6,
            carrier_changes=message.number("IFLA_CARRIER_CHANGES") or 0,
            info=message.info,
            port=message.port,
            vlans=vlans,
            stats=message.stats,
        )
        if kind:
            return link
        hardware = _hardware_of(former) if former else self._hardware(name, message.index)
        return replace(link, **hardware)

    def _pinned(self, name: str, kind: str) -> bool:
        return kind != "bridge" or self._attribute(name, "addr_assign_type") == _NET_ADDR_SET

    def _hardware(self, name: str, index: int) -> dict[str, Any]:
        """Path, driver, speed and duplex where a device stands behind the interface.

        The driver may have no speed (-1, or EINVAL while the interface is down).
        """
        device = self._sys / name / "device"
        if not device.exists():
            return _NO_HARDWARE
        try:
            driver = (device / "driver").readlink().name
        except OSError:
            driver = ""
        speed = self._attribute(name, "speed")
        duplex = self._attribute(name, "duplex")
        return {
            "path": device_path(self._sys / name, self._udev / f"n{index}"),
            "driver": driver,
            "speed": int(speed) if speed.isdigit() and 0 < int(speed) < 1 << 31 else None,
            "duplex": duplex if duplex in ("full", "half") else "",
        }

    def _attribute(self, name: str, attribute: str) -> str:
        """A file below /sys, empty where it cannot be read.  There is one to read for every bridge,
        and Python's own files cost twice as much."""
        try:
            file = os.open(f"{self._sys}/{name}/{attribute}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                return os.read(file, 64).decode(errors="replace").strip()
            finally:
                os.close(file)
        except OSError:
            return ""


def _hardware_of(link: Link) -> dict[str, Any]:
    """What `NetlinkReader._hardware` told of it."""
    return {
        "path": link.path,
        "driver": link.driver,
        "speed": link.speed,
        "duplex": link.duplex,
    }


def _addresses(netlink: Rtnetlink) -> tuple[Address, ...]:
    return tuple(map(_address, netlink.dump_raw(RTM_GETADDR)))


def _default_routes(netlink: Rtnetlink) -> frozenset[int]:
    return default_routes(
        route
        for family in (socket.AF_INET, socket.AF_INET6)
        for route in netlink.dump(RTM_GETROUTE, family, wanted=_is_default)
    )


def _address(data: bytes) -> Address:
    """IFA_LOCAL is our own address on a point-to-point link, IFA_ADDRESS then the far end's."""
    family, prefix, index = _ADDRESS.unpack_from(data, NETLINK_HEADER)
    attributes = _ATTRIBUTES.read(data)
    packed = attributes.get("IFA_LOCAL") or attributes.get("IFA_ADDRESS")
    address = socket.inet_ntop(family, packed) if packed else ""
    return Address(index, 4 if family == socket.AF_INET else 6, address, prefix)


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


def _is_default(data: bytes) -> bool:
    """By the prefix length, the second byte of struct rtmsg."""
    return data[NETLINK_HEADER + 1] == 0


def _filters(link: Link | LinkMessage) -> bool:
    """Whether a link is a bridge with VLAN filtering."""
    return link.kind == "bridge" and bool(link.info.get("br_vlan_filtering"))
