"""One rtnetlink socket: a dump, a look-up or a change, each within a time limit.

pyroute2 codes and decodes the messages; the socket is our own.  Its IPRoute cannot be told how long
to wait in either of the versions that matter (0.7 blocks in recv, 0.9 runs an event loop that
threads must neither share nor nest), and it hides that a dump was interrupted.  A plain socket does
all of this in a page, opens in 0.1 ms, and leaves nothing behind (see L5 to L7 of the cases).

Importing `pyroute2` itself pulls in its database, console and all protocols (150 ms, 20 MB), and
that happens for every module below it; see `_codecs`.
"""

import errno
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, Self

from bridged.errors import ErrorKind, WorldError
from bridged.linkrequest import IFINFOMSG, link_change
from bridged.narrow import narrow

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK = 16, 17, 18, 19
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_GETROUTE = 24, 26
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_DUMP_INTERRUPTED = 0x10
_CAPPED, _HAS_ATTRIBUTES = 0x100, 0x200
_SOL_NETLINK, _CAP_ACK, _EXT_ACK = 270, 10, 11
_HEADER = struct.Struct("=IHHII")
NETLINK_HEADER = _HEADER.size
"""Bytes of the header that every message begins with."""
_LARGEST = 1 << 16
"""Bytes of one datagram: the kernel answers dumps in parts of 32 KiB.  A buffer above 128 KiB would
be mapped into memory anew for each."""
_ATTEMPTS = 10
"""Dumps that other changes may interrupt before we give up; one takes about a millisecond."""

Message = Any
"""A decoded pyroute2 message: fields by index, attributes by ``get_attr("IFLA_MTU")``."""


def _codecs() -> dict[int, Any]:
    """Message classes by message type, imported without the rest of the package (26 ms, 5 MB)."""
    narrow("pyroute2")
    from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
    from pyroute2.netlink.rtnl.rtmsg import rtmsg

    links = dict.fromkeys((RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK), ifinfmsg)
    addresses = dict.fromkeys((RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR), ifaddrmsg)
    return links | addresses | dict.fromkeys((RTM_NEWROUTE, RTM_GETROUTE), rtmsg)


_CODECS = _codecs()
LINK_CODEC = _CODECS[RTM_NEWLINK]
"""pyroute2's class of link messages, with its tables of attributes."""

_KINDS: dict[int, ErrorKind] = {
    errno.ENODEV: "vanished",
    errno.ENXIO: "vanished",
    errno.EPERM: "permission",
    errno.EACCES: "permission",
    errno.EROFS: "permission",
    errno.ENOENT: "not-found",
    errno.ETIMEDOUT: "timeout",
    errno.ENOBUFS: "failed",
    errno.ENOMEM: "failed",
    errno.EIO: "failed",
}


def world_error(number: int, doing: str, reason: str = "") -> WorldError:
    """The error of ours for an errno: `doing` is what was tried, `reason` the kernel's own words.

    Whatever the kernel does not explain by absence, privilege or a shortage is its refusal.
    """
    text = os.strerror(number) + (f" ({reason})" if reason else "")
    return WorldError(_KINDS.get(number, "refused"), f"{doing}: {text}")


class KernelRefusal(OSError):
    """The kernel answered with an error; `reason` is what it says beside the number, or empty."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(number, os.strerror(number))
        self.reason = reason


class Rtnetlink:
    """A socket for one thread, a new one after each request that was not answered to its end: the
    kernel would go on with the answer.

    `timeout` in seconds bounds each method as a whole: the kernel answers in microseconds unless
    somebody holds its network lock, for instance while hundreds of links are being deleted.
    """

    def __init__(self, timeout: float = 5.0, protocol: int = socket.NETLINK_ROUTE) -> None:
        self._timeout = timeout
        self._protocol = protocol
        self._sequence = 0
        self._socket = _open(protocol)

    @classmethod
    def lasting(cls, timeout: float = 5.0) -> Callable[[], Self]:
        """What gives one and the same socket each time, opened when it is first asked for and
        closed with whoever holds this."""
        return cache(lambda: cls(timeout))

    def __del__(self) -> None:
        with suppress(AttributeError):  # it could not be opened
            self._socket.close()

    def dump(
        self,
        request: int,
        family: int = 0,
        attributes: Sequence[tuple[str, Any]] = (),
        wanted: Callable[[bytes], bool] | None = None,
    ) -> list[Message]:
        """All links, addresses or routes (RTM_GETLINK, ...), consistent with one another.

        `wanted` sorts out messages by their bytes before they are decoded.  Raises `WorldError`:
        ``timeout``, or ``failed`` when changes keep interrupting the dump.
        """
        raw = self.dump_raw(request, family, attributes)
        return [_decoded(data) for data in raw if wanted is None or wanted(data)]

    def dump_raw(
        self, request: int, family: int = 0, attributes: Sequence[tuple[str, Any]] = ()
    ) -> list[bytes]:
        """The same, each message as the bytes that it is, header included."""
        message = _CODECS[request]()
        message["family"] = family
        message["attrs"] = list(attributes)
        return self.dump_of(_body(message), request)

    def dump_of(self, body: bytes, request: int) -> list[bytes]:
        """The answer to a request that is coded already: all messages, consistent with one
        another.  Raises as `dump` does, and `KernelRefusal`."""
        deadline = time.monotonic() + self._timeout
        for _ in range(_ATTEMPTS):
            messages, interrupted = [], False
            for flags, answer in self._exchange(body, request, _REQUEST | _DUMP, deadline):
                messages.append(answer)
                interrupted |= bool(flags & _DUMP_INTERRUPTED)
            if not interrupted:
                return messages
        raise WorldError("failed", "the kernel's tables change faster than they can be read")

    def link_raw(self, index: int) -> bytes | None:
        """The link with that ifindex as the message that it is, None where there is none."""
        body = IFINFOMSG.pack(0, 0, index, 0, 0)
        deadline = time.monotonic() + self._timeout
        try:
            for _, answer in self._exchange(body, RTM_GETLINK, _REQUEST, deadline):
                return answer
        except KernelRefusal as error:
            if error.errno != errno.ENODEV:
                raise
        return None

    def change(
        self,
        request: int,
        fields: dict[str, Any],
        attributes: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """Ask for a change and wait for the acknowledgement; `KernelRefusal` if it is refused."""
        codec = _CODECS[request]
        body = link_change(codec, fields, attributes) if codec is LINK_CODEC else None
        if body is None:
            message = codec()
            for name, value in fields.items():
                message[name] = value
            message["attrs"] = list(attributes)
            body = _body(message)
        deadline = time.monotonic() + self._timeout
        for _ in self._exchange(body, request, _REQUEST | _ACK, deadline):
            pass

    def _exchange(
        self, body: bytes, request: int, flags: int, deadline: float
    ) -> Iterator[tuple[int, bytes]]:
        self._sequence += 1
        header = _HEADER.pack(_HEADER.size + len(body), request, flags, self._sequence, 0)
        self._socket.settimeout(self._timeout)
        try:
            self._socket.send(header + body)
            while True:
                self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
                data = self._socket.recv(_LARGEST)
                for kind, bits, payload in self._split(data):
                    if kind == _NLMSG_ERROR:
                        _raise_error(bits, payload)
                        return
                    if kind == _NLMSG_DONE:
                        _raise_error(0, payload)
                        return
                    yield bits, payload
                    if not flags & (_DUMP | _ACK):
                        return
        except KernelRefusal:
            raise
        except OSError as error:
            self._socket.close()
            self._socket = _open(self._protocol)
            if not isinstance(error, TimeoutError):
                raise
            raise WorldError(
                "timeout", f"the kernel did not answer within {self._timeout:g} s"
            ) from None

    def _split(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Messages of one datagram that answer the present request: (type, flags, bytes)."""
        offset = 0
        while offset + _HEADER.size <= len(data):
            length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
            if length < _HEADER.size:
                return
            if sequence == self._sequence:
                yield kind, flags, data[offset : offset + length]
            offset += (length + 3) & ~3


def _open(protocol: int) -> socket.socket:
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    opened = socket.socket(socket.AF_NETLINK, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    opened.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
    opened.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
    return opened


def _body(message: Message) -> bytes:
    """A message coded by pyroute2, without its header."""
    message.encode()
    return bytes(message.data[_HEADER.size :])


def _decoded(data: bytes) -> Message:
    message = _CODECS[_HEADER.unpack_from(data)[1]](data)
    message.decode()
    return message


def _raise_error(flags: int, data: bytes) -> None:
    """Raise what an NLMSG_ERROR or NLMSG_DONE reports; return if all is well.

    Layout (linux/netlink.h, nlmsgerr): the errno, the header of the request (only that, as we set
    NETLINK_CAP_ACK), then attributes of which number 1 is a sentence for people.
    """
    code = struct.unpack_from("=i", data, _HEADER.size)[0] if len(data) > _HEADER.size else 0
    if code >= 0:
        return
    reason = ""
    if flags & _HAS_ATTRIBUTES:
        offset = _HEADER.size + 4 + _HEADER.size
        if not flags & _CAPPED:
            offset += (struct.unpack_from("=I", data, _HEADER.size + 4)[0] - _HEADER.size + 3) & ~3
        while offset + 4 <= len(data):
            length, kind = struct.unpack_from("=HH", data, offset)
            if kind & 0x3FFF == 1:
                reason = data[offset + 4 : offset + length].rstrip(b"\0").decode(errors="replace")
            offset += max((length + 3) & ~3, 4)
    raise KernelRefusal(-code, reason)
