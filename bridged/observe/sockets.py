"""The node's TCP sockets that listen or are connected, from the kernel's socket diagnosis.

`/proc/net/tcp` tells the same and takes ten times as long: the kernel goes through a table as large
as the machine's memory wants it, 262,144 places with 24 GiB, and once more for IPv6.  It is read
where the kernel has no socket diagnosis and may load none.
"""

import ipaddress
import socket
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bridged.errors import WorldError
from bridged.rtnetlink import NETLINK_HEADER, KernelRefusal, Rtnetlink

ESTABLISHED, LISTENING = 1, 10
"""States (net/tcp_states.h)."""
_SOCK_DIAG = 4
"""NETLINK_SOCK_DIAG (linux/netlink.h)."""
_BY_FAMILY = 20
"""SOCK_DIAG_BY_FAMILY (linux/sock_diag.h)."""
_REQUEST = struct.Struct("=BBBxI48x")
"""inet_diag_req_v2 (linux/inet_diag.h): family, protocol, extensions, states, no particular one."""
_ANSWER = struct.Struct("!BBxxHH16s16s")
"""inet_diag_msg: family, state, ports and addresses of both ends, all in the network's order."""
_INODE = struct.Struct("=I")
_INODE_AT = 68


class Socket(NamedTuple):
    """One: the addresses of both ends, an IPv4 one within IPv6 as the IPv4 that it is; our port,
    the state as a number, and the inode by which a process holds it."""

    local: str
    port: int
    remote: str
    state: int
    inode: int


def tcp_sockets(root: Path = Path("/")) -> list[Socket]:
    """All of this network namespace; below another `root` those of its /proc/net."""
    if root == Path("/"):
        try:
            return _from_kernel()
        except (KernelRefusal, WorldError, OSError):
            pass  # no such module, or none that may be loaded
    return [found for table in ("tcp", "tcp6") for found in _from_table(root / "proc/net" / table)]


def _from_kernel() -> list[Socket]:
    diagnosis = Rtnetlink(protocol=_SOCK_DIAG)
    found = []
    for family in (socket.AF_INET, socket.AF_INET6):
        states = 1 << ESTABLISHED | 1 << LISTENING
        request = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, states)
        found += [_decoded(data) for data in diagnosis.dump_of(request, _BY_FAMILY)]
    return found


def _decoded(data: bytes) -> Socket:
    family, state, port, _, local, remote = _ANSWER.unpack_from(data, NETLINK_HEADER)
    (inode,) = _INODE.unpack_from(data, NETLINK_HEADER + _INODE_AT)
    length = 4 if family == socket.AF_INET else 16
    return Socket(_text(local[:length]), port, _text(remote[:length]), state, inode)


def _from_table(path: Path) -> Iterable[Socket]:
    """Rows of /proc/net/tcp or tcp6."""
    try:
        lines = path.read_text(errors="replace").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        row = line.split()
        if len(row) < 10 or (state := int(row[3], 16)) not in (ESTABLISHED, LISTENING):
            continue
        local, _, port = row[1].partition(":")
        remote = row[2].partition(":")[0]
        yield Socket(_words(local), int(port, 16), _words(remote), state, int(row[9]))


def _words(raw: str) -> str:
    """The table has addresses as 32-bit words in the byte order of the machine."""
    words = [int(raw[i : i + 8], 16) for i in range(0, len(raw), 8)]
    return _text(struct.pack(f"={len(words)}I", *words))


def _text(data: bytes) -> str:
    address = ipaddress.ip_address(data)
    return str(getattr(address, "ipv4_mapped", None) or address)
