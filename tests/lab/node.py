"""One interface to a node under test, whichever laboratory it lives in.

A `Node` runs commands, holds files and background processes, and answers what it has (`Queries`).
`tests.lab.netns.NetnsLab` and `tests.lab.vm.VmLab` implement it, so a scenario is written once.
Everything here goes through ip, bridge, nmcli and sysctl; none of it through bridged's own code,
which would then vouch for itself.
"""

import itertools
import shlex
import signal as signals
import subprocess
import tempfile
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.lab.queries import CommandFailed, Queries

CHECKOUT = Path(__file__).resolve().parents[2]
WIRE = "wire"
"""The network namespace with the far ends of the NICs: the switch."""

T = TypeVar("T")


def far(nic: str) -> str:
    """The name, in the namespace `WIRE`, of the switch's end of `nic`'s cable."""
    return f"sw-{nic}"


def wait_until(
    predicate: Callable[[], T], seconds: float = 10, what: str = "", interval: float = 0.05
) -> T:
    """The first true value of `predicate`, asked every `interval` seconds.

    Raises AssertionError, naming `what` and the last value, if there is none within `seconds`.
    An AssertionError or a failed command of the predicate itself counts as "not yet".
    """
    limit = time.monotonic() + seconds
    while True:
        last: object
        try:
            value = predicate()
            if value:
                return value
            last = value
        except (AssertionError, CommandFailed) as error:
            last = error
        if time.monotonic() > limit:
            raise AssertionError(f"not within {seconds} s: {what or 'it'}; last: {last!r}")
        time.sleep(interval)


@dataclass(frozen=True)
class Guest:
    """A stand-in for a virtual machine: a veth pair from a bridge into a namespace of its own."""

    name: str
    """The guest port in the node, as libvirt would name its vnet."""
    netns: str
    device: str = "eth0"
    """The guest's own NIC, in `netns`."""


class Process:
    """A command that runs in the node until it ends or is stopped."""

    def __init__(self, node: "Node", argv: Sequence[str], env: Mapping[str, str] | None) -> None:
        self._node, self.argv = node, tuple(argv)
        self._pidfile = f"/run/lab-process-{next(node._numbers)}.pid"
        self._out = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._err = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        # What runs outside (nsenter, ssh) is not what is to get the signals, so the inside tells
        # its pid.
        wrapped = ("sh", "-c", 'echo $$ >"$0"; exec "$@"', self._pidfile, *argv)
        self._outside = subprocess.Popen(
            node.outer(wrapped, env),
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process id inside the node."""
        read = f"while [ ! -s {self._pidfile} ]; do sleep 0.01; done; cat {self._pidfile}"
        return int(self._node.run("sh", "-c", read).stdout)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._outside.poll() is None

    @property
    def stdout(self) -> str:
        """What it wrote to its standard output so far."""
        return self._read(self._out.fileno())

    @property
    def stderr(self) -> str:
        """What it wrote to its standard error so far."""
        return self._read(self._err.fileno())

    @staticmethod
    def _read(descriptor: int) -> str:
        # Through /proc for a file position of our own: ours and the writer's are otherwise one.
        return Path(f"/proc/self/fd/{descriptor}").read_text(encoding="utf-8", errors="replace")

    def signal(self, name: str = "TERM") -> None:
        """Sends it the signal `name`, as in `kill -NAME`."""
        self._node.run("kill", f"-{name}", str(self.pid))
        if name == "CONT":
            self._outside.send_signal(signals.SIGCONT)  # nsenter stops itself with its child

    def wait(self, timeout: float = 20) -> subprocess.CompletedProcess[str]:
        """Its result, once it has ended.  Raises TimeoutExpired if it does not."""
        status = self._outside.wait(timeout)
        return subprocess.CompletedProcess(self.argv, status, self.stdout, self.stderr)

    def stop(self, signal: str = "TERM", timeout: float = 20) -> subprocess.CompletedProcess[str]:
        """Ends it with `signal`, by SIGKILL if that does not do within `timeout` seconds.

        Returns its result; for one that had ended by itself, that one's.
        """
        if self.running:
            # It may end between the question and the signal.
            self._node.run("kill", f"-{signal}", str(self.pid), check=False)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self._node.run("kill", "-KILL", str(self.pid), check=False)
            return self.wait(timeout)

    def kill(self) -> subprocess.CompletedProcess[str]:
        """Ends it by SIGKILL, as a crash would; returns its result."""
        return self.stop("KILL")

    def abandon(self) -> None:
        """Lets go of it when the node itself goes away."""
        if self.running:
            self._outside.kill()
            self._outside.wait()
        self._out.close()
        self._err.close()


class Node(Queries):
    """A node under test."""

    python: tuple[str, ...] = ("python3",)
    """The interpreter inside, with bridged's dependencies and the checkout on its path."""
    source: str
    """Where the checkout is inside."""
    has_modules: bool
    """Whether kernel modules can be loaded and unloaded."""
    has_systemd: bool

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._processes: list[Process] = []
        self._nm_version: str | None = None
        self._has_vlan: bool | None = None

    @abstractmethod
    def outer(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        """The outside's command that runs `argv` inside, with `env` added to the environment."""

    @abstractmethod
    def carrier(self, nic: str, up: bool) -> None:
        """Plugs in or pulls out the cable of `nic`."""

    @property
    @abstractmethod
    def nm_log(self) -> str:
        """NetworkManager's log so far."""

    @abstractmethod
    def close(self) -> None:
        """Ends the node; nothing of it is left."""

    # --------------------------------------------------------------------------- running things

    def run(
        self,
        *argv: str,
        check: bool = True,
        input: str | None = None,
        timeout: float = 60,
        env: Mapping[str, str] | None = None,
        netns: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """The result of a command that runs inside, in the namespace `netns` if one is named.

        Raises CommandFailed, with what it said, if `check` and its exit status is not 0, and
        TimeoutExpired after `timeout` seconds.
        """
        inner = (*self.inside(netns), *argv)
        done = subprocess.run(
            self.outer(inner, env), text=True, capture_output=True, timeout=timeout,
            input=input or "",
        )  # fmt: skip
        result = subprocess.CompletedProcess(inner, done.returncode, done.stdout, done.stderr)
        if check and done.returncode:
            raise CommandFailed(done.returncode, shlex.join(inner), done.stdout, done.stderr)
        return result

    def sh(
        self, script: str, check: bool = True, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """The result of a bash script that stops at its first failing command."""
        return self.run("bash", "-euo", "pipefail", "-c", script, check=check, timeout=timeout)

    def spawn(
        self, *argv: str, env: Mapping[str, str] | None = None, netns: str | None = None
    ) -> Process:
        """A command that runs inside in the background; it ends with the node at the latest."""
        process = Process(self, (*self.inside(netns), *argv), env)
        self._processes.append(process)
        return process

    @staticmethod
    def inside(netns: str | None) -> tuple[str, ...]:
        """The prefix that makes a command run in the namespace `netns`; empty for None."""
        return () if netns is None else ("ip", "netns", "exec", netns)

    @property
    def bridged(self) -> tuple[str, ...]:
        """The daemon's command line, from the checkout."""
        return (*self.python, "-c", _ENTRY.format(module="bridged.agent.main"))

    @property
    def bridgedctl(self) -> tuple[str, ...]:
        """bridgedctl's command line, from the checkout."""
        return (*self.python, "-c", _ENTRY.format(module="bridged.cli.main"))

    # --------------------------------------------------------------------------------- its files

    def read(self, path: str) -> str:
        """The text of a file inside.  Raises CommandFailed if there is none."""
        return self.run("cat", path).stdout

    def write(self, path: str, text: str, mode: int = 0o644, replace: bool = False) -> None:
        """Writes a file inside, with its folders.

        In place, as `cat >file` does; with `replace` beside it and renamed, as most editors do.
        """
        script = 'mkdir -p "${1%/*}" && cat >"$1$2" && chmod "$3" "$1$2"'
        if replace:
            script += ' && mv -T "$1$2" "$1"'
        suffix = ".new" if replace else ""
        self.run("sh", "-c", script, "sh", path, suffix, f"{mode:o}", input=text)

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder `path` inside."""
        return self.run("test", "-e", path, check=False).returncode == 0

    def diagnosis(self) -> list[tuple[str, str]]:
        """(heading, text) pairs for the report of a test that failed here."""
        parts = [("NetworkManager's log", _tail(self.nm_log))]
        parts.append(("the node's links", self.run("ip", "-d", "link").stdout))
        for process in self._processes:
            heading = f"{shlex.join(process.argv)}: standard"
            parts.append((f"{heading} output", _tail(process.stdout)))
            parts.append((f"{heading} error", _tail(process.stderr)))
        return [(heading, text) for heading, text in parts if text]

    # ------------------------------------------------------------------------------ what it can

    @property
    def nm_version(self) -> tuple[int, ...]:
        """NetworkManager's version, (1, 52, 1) for example."""
        if self._nm_version is None:
            self._nm_version = self.run("NetworkManager", "--version").stdout.strip()
        return tuple(int(part) for part in self._nm_version.split("-")[0].split("."))

    @property
    def has_vlan(self) -> bool:
        """Whether its kernel can make VLAN devices."""
        if self._has_vlan is None:
            probe = (
                "ip link add lab-probe type dummy && ip link add link lab-probe lab-probe.2 "
                "type vlan id 2; r=$?; ip link del lab-probe; exit $r"
            )
            # In a namespace of its own, for NetworkManager must not see it come and go.
            done = self.run("unshare", "--net", "sh", "-c", probe, check=False)
            self._has_vlan = done.returncode == 0
        return self._has_vlan

    # --------------------------------------------------------------------------------- its guests

    def add_guest(self, bridge: str | None, name: str, address: str | None = None) -> Guest:
        """Plugs a guest into `bridge` (into none for None) and waits until its port forwards.

        Its NIC `eth0`, in the namespace `g-<name>`, gets `address` ("10.0.0.2/24") if one is given.
        """
        guest = Guest(name, f"g-{name}")
        script = f"""
            ip netns add {guest.netns}
            ip link add {name} type veth peer name {guest.device} netns {guest.netns}
            ip -n {guest.netns} link set lo up
            ip -n {guest.netns} link set {guest.device} up
        """
        if bridge is not None:
            script += f"ip link set {name} master {bridge}\n"
        script += f"ip link set {name} up\n"
        if address is not None:
            script += f"ip -n {guest.netns} address add {address} dev {guest.device}\n"
        self.sh(script)
        if bridge is not None:
            wait_until(
                lambda: self.port_state(name) == "forwarding", 35, f"{name} forwards on {bridge}"
            )
        return guest

    def remove_guest(self, guest: Guest) -> None:
        """Unplugs a guest and deletes it, as a virtual machine that is shut down."""
        self.sh(f"ip link del {guest.name}; ip netns del {guest.netns}")


def _tail(text: str, lines: int = 60) -> str:
    return "\n".join(text.splitlines()[-lines:])


_ENTRY = "import sys; from {module} import main; sys.exit(main())"
