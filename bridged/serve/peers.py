"""Who is at the other end of a unix socket, and what that one may ask."""

import grp
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Right = Literal["read", "change"]

_SO_PEERGROUPS = getattr(socket, "SO_PEERGROUPS", 59)
_GROUPS_BYTES = 1024
"""The most that Python's getsockopt takes: 256 groups."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The process that connected, as the kernel noted it then; `groups` are supplementary."""

    pid: int
    uid: int
    gid: int
    groups: frozenset[int] = frozenset()


def read_peer(connection: socket.socket) -> Peer:
    """The peer of a connected unix socket.  OSError where the kernel does not tell."""
    size = struct.calcsize("3i")
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    pid, uid, gid = struct.unpack("3i", raw)
    return Peer(pid, uid, gid, _groups(connection, pid))


def _groups(connection: socket.socket, pid: int) -> frozenset[int]:
    """Supplementary groups at the time of connecting: unlike /proc/PID they cannot be somebody
    else's, should the process be gone and its number used again."""
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_BYTES)
    except OSError:  # more groups than fit, or a kernel before 4.13
        return _groups_of_process(pid)
    return frozenset(struct.unpack(f"{len(raw) // 4}I", raw))


def _groups_of_process(pid: int) -> frozenset[int]:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return frozenset()
    for line in status.splitlines():
        if line.startswith("Groups:"):
            return frozenset(map(int, line.split()[1:]))
    return frozenset()


def group_id(name: str) -> int | None:
    """The number of a group, None where the host has no such group."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


@dataclass(frozen=True, slots=True)
class Policy:
    """Root and the agent's own user may everything; members of `group` may read."""

    group: str
    group_id: int | None
    own_uid: int

    @classmethod
    def of(cls, group: str) -> "Policy":
        """The policy of this process, the group looked up once."""
        return cls(group, group_id(group), os.geteuid())

    def trusted(self, peer: Peer) -> bool:
        """Whether the peer may everything."""
        return peer.uid in {0, self.own_uid}

    def refusal(self, peer: Peer, right: Right) -> tuple[str, str] | None:
        """Why the peer may not, and what would help; None where it may."""
        if self.trusted(peer):
            return None
        member = self.group_id is not None and self.group_id in peer.groups | {peer.gid}
        if member and right == "read":
            return None
        if member:
            return (
                f"user id {peer.uid}, a member of {self.group}, may read but not change anything",
                "use sudo",
            )
        return (
            f"user id {peer.uid} is neither root nor a member of {self.group}",
            f"use sudo, or for reading join the group {self.group} and log in again",
        )
