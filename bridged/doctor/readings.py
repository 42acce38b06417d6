"""What the checks look at: files, links, NetworkManager, systemd.  Nothing is ever written.

Every method says that something cannot be read by None (or an empty result), never by an exception;
`denied` collects what we may not read.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bridged.dbus import SystemBus
from bridged.errors import WorldError
from bridged.observe.host import Link, NetworkManager, Unavailable
from bridged.observe.netlink import NetlinkReader
from bridged.observe.networkmanager import NetworkManagerReader
from bridged.observe.offloads import OffloadReader
from bridged.observe.processes import ProcessReader

_TIMEOUT = 5.0
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program printed, and its exit code."""

    code: int
    text: str


class Readings(Protocol):
    """What the checks may look at."""

    @property
    def root(self) -> bool:
        """Whether we may read everything."""
        ...

    @property
    def release(self) -> str:
        """The kernel's release, as `uname -r` prints it."""
        ...

    def text(self, path: str) -> str | None:
        """A text file, None where there is none or it cannot be read."""
        ...

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted; none where it is not there."""
        ...

    def exists(self, path: str) -> bool:
        """Whether something is there."""
        ...

    def ask(self, *argv: str) -> Answer | None:
        """What a program that changes nothing says, None where it is not there or hangs."""
        ...

    def running(self, names: frozenset[str]) -> frozenset[str]:
        """Which of the programs named run."""
        ...

    def links(self) -> tuple[Link, ...] | str:
        """The kernel's links, or why they cannot be read."""
        ...

    def offloads(self, names: Iterable[str]) -> Mapping[str, Mapping[str, bool]]:
        """Offloads by card and short name."""
        ...

    def network_manager(self) -> NetworkManager | Unavailable:
        """One reading of NetworkManager."""
        ...


class RealReadings:
    """This machine, files below `base`."""

    def __init__(self, base: Path = Path("/")) -> None:
        self._base = base
        self.denied: list[str] = []

    @property
    def root(self) -> bool:
        """Whether we are root."""
        return os.geteuid() == 0

    @property
    def release(self) -> str:
        """The running kernel's release."""
        return os.uname().release

    def text(self, path: str) -> str | None:
        """A text file of at most 1 MiB."""
        try:
            with (self._base / path.lstrip("/")).open("rb") as file:
                return file.read(_LARGEST).decode(errors="replace")
        except PermissionError:
            self.denied.append(path)
        except OSError:
            pass
        return None

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a directory."""
        try:
            return tuple(sorted(os.listdir(self._base / path.lstrip("/"))))
        except PermissionError:
            self.denied.append(path)
        except OSError:
            pass
        return ()

    def exists(self, path: str) -> bool:
        """Whether something is there."""
        return os.path.lexists(self._base / path.lstrip("/"))

    def ask(self, *argv: str) -> Answer | None:
        """What a program says within some seconds."""
        places = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
        program = shutil.which(argv[0], path=places)
        if program is None:
            return None
        environ = {**os.environ, "LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
        try:
            done = subprocess.run(
                [program, *argv[1:]],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT,
                env=environ,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return Answer(done.returncode, done.stdout.decode(errors="replace"))

    def running(self, names: frozenset[str]) -> frozenset[str]:
        """Which of the programs named run."""
        return ProcessReader(self._base).read(names)

    def links(self) -> tuple[Link, ...] | str:
        """One netlink dump."""
        try:
            return NetlinkReader().read().links
        except WorldError as error:
            return error.message

    def offloads(self, names: Iterable[str]) -> Mapping[str, Mapping[str, bool]]:
        """Offloads, as far as the drivers tell."""
        try:
            return OffloadReader().read(names)
        except WorldError:
            return {}

    def network_manager(self) -> NetworkManager | Unavailable:
        """One reading over a connection of its own."""
        bus = SystemBus()
        try:
            return NetworkManagerReader(bus, _TIMEOUT).read()
        finally:
            bus.close()
