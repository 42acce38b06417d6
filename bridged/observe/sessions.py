"""Who is logged in over ssh, by which of our addresses; and which machine this is."""

import contextlib
import ipaddress
import os
import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

_ESTABLISHED, _LISTENING = "01", "0A"
_SSH = 22
_PORT = re.compile(r"^\s*Port\s+(\d+)", re.IGNORECASE | re.MULTILINE)
_LISTEN = re.compile(r"^\s*ListenAddress\s+\S*:(\d+)\s*$", re.IGNORECASE | re.MULTILINE)


class SessionReader:
    """Reads below `root`.

    Ssh is what goes to port 22, to the ports of sshd's configuration, and to those that the sshd
    of /run/sshd.pid listens on; a server started in another way at another port is not known.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def ssh_addresses(self) -> frozenset[str]:
        """Local addresses of established sessions, IPv4 within IPv6 as the IPv4 that it is."""
        sockets = [*self._sockets("tcp"), *self._sockets("tcp6")]
        ports = {_SSH} | self._configured() | self._listening(sockets)
        return frozenset(
            address
            for address, port, state, _ in sockets
            if state == _ESTABLISHED and port in ports and not address.startswith("127.")
        )

    def machine_id(self) -> str:
        """The id of this installation (machine-id(5)), empty where there is none yet."""
        text = self._text("etc/machine-id").strip()
        return text if re.fullmatch(r"[0-9a-f]{32}", text) else ""

    def _sockets(self, table: str) -> Iterator[tuple[str, int, str, str]]:
        """Rows of /proc/net/tcp or tcp6: local address, local port, state, inode."""
        for line in self._text(f"proc/net/{table}").splitlines()[1:]:
            row = line.split()
            if len(row) < 10 or row[3] not in (_ESTABLISHED, _LISTENING):
                continue
            raw, _, port = row[1].partition(":")
            yield _address(raw), int(port, 16), row[3], row[9]

    def _configured(self) -> set[int]:
        files = [self._root / "etc/ssh/sshd_config"]
        with contextlib.suppress(OSError):
            files += (self._root / "etc/ssh/sshd_config.d").iterdir()
        texts = [self._text(str(file.relative_to(self._root))) for file in files]
        return {int(p) for text in texts for find in (_PORT, _LISTEN) for p in find.findall(text)}

    def _listening(self, sockets: Iterable[tuple[str, int, str, str]]) -> set[int]:
        pid = self._text("run/sshd.pid").strip()
        folder = self._root / "proc" / pid / "fd"
        if not pid.isdigit() or self._text(f"proc/{pid}/comm").strip() != "sshd":
            return set()
        try:
            own = {os.readlink(folder / name) for name in os.listdir(folder)}
        except OSError:
            return set()
        return {
            port
            for _, port, state, inode in sockets
            if state == _LISTENING and f"socket:[{inode}]" in own
        }

    def _text(self, path: str) -> str:
        try:
            return (self._root / path).read_text(errors="replace")
        except OSError:
            return ""


def _address(raw: str) -> str:
    """The kernel prints addresses as 32-bit words in the byte order of the machine."""
    words = [int(raw[i : i + 8], 16) for i in range(0, len(raw), 8)]
    data = struct.pack(f"={len(words)}I", *words)
    address = ipaddress.ip_address(data)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
