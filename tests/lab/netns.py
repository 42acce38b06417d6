"""The namespace laboratory as a `Node`: a real NetworkManager, up in a fifth of a second."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.lab.node import CHECKOUT, Node

_HERE = Path(__file__).resolve().parent
_SOURCE = "/opt/bridged-src"
_BYTECODE = "/var/cache/bridged-bytecode"


def tree(suite: str) -> Path:
    """The Debian tree of `suite`, built or not."""
    shown = subprocess.run([_HERE / "trees", "--path", suite], text=True, capture_output=True)
    return Path(shown.stdout.strip())


def missing(suite: str) -> str | None:
    """Why this laboratory cannot run here, or None."""
    if os.geteuid() != 0:
        return "the namespace laboratory needs root"
    absent = [tool for tool in ("unshare", "nsenter", "ip") if shutil.which(tool) is None]
    if absent:
        return f"the namespace laboratory needs {', '.join(absent)}"
    if not tree(suite).is_dir():
        return f"there is no Debian tree: tests/lab/trees {suite} builds it"
    return None


class NetnsLab(Node):
    """A node in namespaces of its own on a Debian tree.

    `nics` and `extra` choose the stand-in NICs, `config` is added to NetworkManager's
    configuration, `start_nm=False` leaves NetworkManager stopped ("lab nm-start" starts it).
    It ends with `close()`, or with this process, however that ends.
    """

    source = _SOURCE
    has_modules = False
    has_systemd = False

    def __init__(
        self,
        suite: str = "trixie",
        *,
        nics: Sequence[str] = ("enp13s0f0", "enp13s0f3", "enp8s0"),
        extra: int = 0,
        config: str = "",
        level: str = "INFO",
        dispatcher: bool = False,
        start_nm: bool = True,
        binds: Mapping[Path, str] | None = None,
    ) -> None:
        super().__init__()
        self.suite = suite
        self._doors: dict[str, int] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="netns-lab-")
        folder = Path(self._folder.name)
        # One cache of bytecode for all laboratories, or every start of Python would compile anew.
        bytecode = tree(suite).parent / "bytecode"
        bytecode.mkdir(exist_ok=True)
        options = ["-r", str(tree(suite)), "-n", " ".join(nics), "-x", str(extra), "-l", level]
        options += ["-b", f"{CHECKOUT}={_SOURCE}", "-w", f"{bytecode}={_BYTECODE}"]
        for outside, inside in (binds or {}).items():
            options += ["-b", f"{outside}={inside}"]
        options += ["-p", str(folder / "pid")]
        if config:
            (folder / "nm.conf").write_text(config)
            options += ["-c", str(folder / "nm.conf")]
        if dispatcher:
            options.append("-d")
        if not start_nm:
            options.append("-s")
        with (folder / "log").open("w") as log:
            # Without a command the laboratory lasts until its stdin is closed, which the kernel
            # does for us when this process is killed.
            self._lab = subprocess.Popen(
                [_HERE / "netns-lab", *options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        limit = time.monotonic() + 30
        while not (folder / "pid").exists():
            if self._lab.poll() is not None or time.monotonic() > limit:
                said = (folder / "log").read_text()
                self.close()
                raise RuntimeError(f"the namespace laboratory did not start: {said}")
            time.sleep(0.005)
        pid = (folder / "pid").read_text().strip()
        # Held open, these are this laboratory's for good.  Its pid would be somebody else's once
        # the laboratory has ended, and a `kill` meant for a process in it would hit the machine.
        self._doors = {
            name: os.open(f"/proc/{pid}/{path}", os.O_RDONLY) for name, path in _DOORS.items()
        }

    def outer(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        words = {**_ENVIRONMENT, **(env or {})}
        settings = (f"{name}={value}" for name, value in words.items())
        if not self._doors:
            raise RuntimeError(f"the laboratory has ended; it cannot run {argv}")
        here = f"/proc/{os.getpid()}/fd"
        doors = (f"--{name}={here}/{door}" for name, door in self._doors.items())
        return ["nsenter", *doors, "--", "env", "-i", "-C", "/", *settings, *argv]

    @property
    def root(self) -> Path:
        """The node's file system, sockets included, as it is reached from outside."""
        return Path(f"/proc/{os.getpid()}/fd/{self._doors['root']}")

    @property
    def network(self) -> Path:
        """The node's network namespace, for a program of the machine that is to run in it."""
        return Path(f"/proc/{os.getpid()}/fd/{self._doors['net']}")

    def carrier(self, nic: str, up: bool) -> None:
        self.run("lab", "carrier", nic, "up" if up else "down")

    def nm(self, action: str) -> None:
        """`start`, `stop`, `kill` or `restart`: what is to happen to NetworkManager."""
        self.run("lab", f"nm-{action}")

    @property
    def nm_log(self) -> str:
        """NetworkManager's log so far."""
        return self.run("lab", "nm-log").stdout

    def close(self) -> None:
        for process in self._processes:
            process.abandon()
        for door in self._doors.values():
            os.close(door)
        self._doors = {}
        assert self._lab.stdin is not None
        self._lab.stdin.close()
        try:
            self._lab.wait(5)
        except subprocess.TimeoutExpired:
            self._lab.terminate()
            self._lab.wait(5)
        self._folder.cleanup()


_DOORS = {
    "root": "root",
    "mount": "ns/mnt",
    "net": "ns/net",
    "pid": "ns/pid",
    "uts": "ns/uts",
    "ipc": "ns/ipc",
    "cgroup": "ns/cgroup",
}
"""nsenter's options and what of /proc/PID they take."""

_ENVIRONMENT = {
    "PATH": "/run/lab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "PYTHONPATH": _SOURCE,
    "PYTHONPYCACHEPREFIX": _BYTECODE,
    "PYTHONUNBUFFERED": "1",
}
