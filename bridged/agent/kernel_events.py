"""Listening to the kernel: link and address events, modules that come and go, swap.

The sockets are read raw: events only wake the loop and say at which links to look first.  Nothing
else in them is believed, and parsing each of thousands would cost more than looking.
"""

import errno
import select
import socket
import struct
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import BinaryIO

from bridged.agent.wake import Ring
from bridged.rtnetlink import RTM_DELADDR, RTM_NEWADDR, RTM_NEWLINK

_RTMGRP_LINK = 0x1
_RTMGRP_IPV4_IFADDR = 0x10
_RTMGRP_IPV6_IFADDR = 0x100
_NETLINK_KOBJECT_UEVENT = 15
_MESSAGE = struct.Struct("=IH10x4xi")
"""struct nlmsghdr with struct ifinfomsg or ifaddrmsg behind it: length and type; the ifindex."""
_SO_RCVBUFFORCE = 33
_BUFFER = 8 << 20
"""Bytes of receive buffer: what comes during a pass, which may take seconds, waits there."""
_AT_ONCE = 1024
"""Datagrams taken before the loop gets to look."""
_MANY = 64
"""Links in one burst above which it is no use to look at them singly."""


class KernelEvents:
    """A `Source`: rings for every burst of events; an overrun of the socket is counted and rings
    too."""

    def __init__(self) -> None:
        self.overruns = 0
        self._swaps = _poll_swaps()
        self._links = self._open_links()
        self._modules: socket.socket | None = None
        try:
            self._modules = self._open(_NETLINK_KOBJECT_UEVENT, 1)
        except OSError:
            self._modules = None  # the slow timer looks at modules too

    def close(self) -> None:
        """Hear nothing more."""
        for source in self._sockets():
            source.close()
        for file in self._swaps:
            file.close()

    def descriptors(self) -> Mapping[int, int]:
        """See `Source`."""
        found = {source.fileno(): select.POLLIN for source in self._sockets()}
        return found | {file.fileno(): select.POLLPRI for file in self._swaps}

    def hear(self, ring: Ring, ready: Collection[int]) -> None:
        """See `Source`."""
        if any(file.fileno() in ready for file in self._swaps):
            ring("node")
        for source in self._sockets():
            if source.fileno() in ready:
                self._drain(source, ring)

    def _sockets(self) -> list[socket.socket]:
        return [self._links] if self._modules is None else [self._links, self._modules]

    def _drain(self, source: socket.socket, ring: Ring) -> None:
        """Take what is there, and ring once; in a storm that does not end the rest waits."""
        of_links = source is self._links
        relevant = False
        touched: set[int] = set()
        for _ in range(_AT_ONCE):
            try:
                data = source.recv(65536)
            except BlockingIOError:
                break
            except OSError as error:
                relevant = True
                self._recover(source, error)
                break
            relevant = relevant or of_links or _about_module(data)
            if of_links and len(touched) <= _MANY:
                touched |= _changed_links(data)
        if relevant and of_links:
            ring("netlink", touched if len(touched) <= _MANY else ())
        elif relevant:
            ring("module")

    def _recover(self, source: socket.socket, error: OSError) -> None:
        """After an overrun the lost events are lost: count it, and let the loop look for itself."""
        if error.errno == errno.ENOBUFS:
            self.overruns += 1
            return
        time.sleep(0.1)
        if source is self._links:
            with suppress(OSError):  # as little can be had as before: it is tried again
                self._links = self._open_links()
                source.close()
        else:
            self._modules = None
            source.close()

    def _open_links(self) -> socket.socket:
        groups = _RTMGRP_LINK | _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV6_IFADDR
        return self._open(socket.NETLINK_ROUTE, groups)

    @staticmethod
    def _open(protocol: int, groups: int) -> socket.socket:
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        sock = socket.socket(socket.AF_NETLINK, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        except PermissionError:  # as much as anybody may have
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        sock.bind((0, groups))
        return sock


def _poll_swaps() -> list[BinaryIO]:
    """The table of swap areas, which has an exceptional condition (POLLPRI) after each change of
    it (swaps_poll in mm/swapfile.c); none where the kernel has no swap."""
    try:
        return [open("/proc/swaps", "rb")]
    except OSError:
        return []


def _changed_links(data: bytes) -> set[int]:
    """The ifindexes of the links in a datagram: one that is set down tells it by its addresses
    first."""
    found, offset = set(), 0
    while offset + _MESSAGE.size <= len(data):
        length, kind, index = _MESSAGE.unpack_from(data, offset)
        if kind in {RTM_NEWLINK, RTM_NEWADDR, RTM_DELADDR}:
            found.add(index)
        offset += max((length + 3) & ~3, 16)
    return found


def _about_module(data: bytes) -> bool:
    """Whether a uevent is about a kernel module, as ``add@/module/br_netfilter``."""
    return b"@/module/" in data.split(b"\0", 1)[0]
