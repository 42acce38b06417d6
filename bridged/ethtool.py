"""Offloads of a card by the ethtool ioctl: the oldest interface, which every driver has.

The commands that take one number each are enough for the short names of ethtool(8); the newer
netlink family would need its string sets first.  Source: linux/ethtool.h.
"""

import ctypes
import errno
import fcntl
import socket
import struct
from collections.abc import Mapping

_SIOCETHTOOL = 0x8946
_COMMANDS = {  # name: (get, set)
    "rx": (0x14, 0x15),
    "tx": (0x16, 0x17),
    "sg": (0x18, 0x19),
    "tso": (0x1E, 0x1F),
    "gso": (0x23, 0x24),
    "gro": (0x2B, 0x2C),
}
_GET_FLAGS, _SET_FLAGS = 0x25, 0x26
_FLAGS = {"txvlan": 1 << 7, "rxvlan": 1 << 8, "lro": 1 << 15, "ntuple": 1 << 27, "rxhash": 1 << 28}


class Ethtool:
    """A socket for a few requests; use it in a ``with``.  All methods raise OSError."""

    def __enter__(self) -> "Ethtool":
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()

    def offloads(self, name: str) -> dict[str, bool]:
        """What is on, by short name; what the driver does not tell is left out."""
        found = {}
        for feature, (get, _) in _COMMANDS.items():
            try:
                found[feature] = bool(self._ask(name, get))
            except OSError as error:
                if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL}:  # it has this one not
                    raise
        flags = self._ask(name, _GET_FLAGS)
        return found | {feature: bool(flags & bit) for feature, bit in _FLAGS.items()}

    def set(self, name: str, wanted: Mapping[str, int]) -> None:
        """Switch offloads on or off.  A driver may refuse, or take it and change nothing."""
        flags = before = self._ask(name, _GET_FLAGS)
        for feature, on in wanted.items():
            if feature in _COMMANDS:
                self._ask(name, _COMMANDS[feature][1], int(bool(on)))
            else:
                flags = flags | _FLAGS[feature] if on else flags & ~_FLAGS[feature]
        if flags != before:
            self._ask(name, _SET_FLAGS, flags)

    def _ask(self, name: str, command: int, data: int = 0) -> int:
        """One ethtool_value: the command in, the number out."""
        value = ctypes.create_string_buffer(struct.pack("=II", command, data), 8)
        request = struct.pack("=16sQ16x", name.encode(), ctypes.addressof(value))
        fcntl.ioctl(self._socket, _SIOCETHTOOL, request)
        return int(struct.unpack_from("=I", value, 4)[0])
