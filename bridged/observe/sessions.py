"""Who is logged in over ssh, by which of our addresses; and which machine this is."""

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from bridged.observe.sockets import ESTABLISHED, LISTENING, Socket, tcp_sockets

_SSH = 22
_PORT = re.compile(r"^\s*Port\s+(\d+)", re.IGNORECASE | re.MULTILINE)
_LISTEN = re.compile(r"^\s*ListenAddress\s+\S*:(\d+)\s*$", re.IGNORECASE | re.MULTILINE)


class SessionReader:
    """Reads below `root`.

    Ssh is what goes to port 22, to the ports of sshd's configuration, and to those that the sshd
    of /run/sshd.pid listens on.  Where a host is logged in over ssh, as logind knows, and none of
    its connections goes there, all that it has to ports that somebody listens on count.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def ssh_addresses(self) -> frozenset[str]:
        """Local addresses of established sessions, IPv4 within IPv6 as the IPv4 that it is."""
        sockets = tcp_sockets(self._root)
        ports = {_SSH} | self._configured() | self._listening(sockets)
        established = [s for s in sockets if s.state == ESTABLISHED]
        found = [s for s in established if s.port in ports]
        unseen = self._logged_in() - {s.remote for s in found}
        served = {s.port for s in sockets if s.state == LISTENING}
        found += [s for s in established if s.remote in unseen and s.port in served]
        return frozenset(s.local for s in found if not s.local.startswith("127."))

    def machine_id(self) -> str:
        """The id of this installation (machine-id(5)), empty where there is none yet."""
        text = self._text("etc/machine-id").strip()
        return text if re.fullmatch(r"[0-9a-f]{32}", text) else ""

    def _logged_in(self) -> set[str]:
        """Addresses that a session over ssh comes from (systemd-logind's own notes)."""
        found = set()
        with contextlib.suppress(OSError):
            for file in (self._root / "run/systemd/sessions").iterdir():
                text = self._text(str(file.relative_to(self._root)))
                notes = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
                if notes.get("REMOTE") == "1" and "ssh" in notes.get("SERVICE", ""):
                    found.add(notes.get("REMOTE_HOST", "").partition("%")[0])
        return found

    def _configured(self) -> set[int]:
        files = [self._root / "etc/ssh/sshd_config"]
        with contextlib.suppress(OSError):
            files += (self._root / "etc/ssh/sshd_config.d").iterdir()
        texts = [self._text(str(file.relative_to(self._root))) for file in files]
        return {int(p) for text in texts for find in (_PORT, _LISTEN) for p in find.findall(text)}

    def _listening(self, sockets: Iterable[Socket]) -> set[int]:
        pid = self._text("run/sshd.pid").strip()
        folder = self._root / "proc" / pid / "fd"
        if not pid.isdigit() or self._text(f"proc/{pid}/comm").strip() != "sshd":
            return set()
        try:
            own = {os.readlink(folder / name) for name in os.listdir(folder)}
        except OSError:
            return set()
        return {s.port for s in sockets if s.state == LISTENING and f"socket:[{s.inode}]" in own}

    def _text(self, path: str) -> str:
        try:
            return (self._root / path).read_text(errors="replace")
        except OSError:
            return ""
