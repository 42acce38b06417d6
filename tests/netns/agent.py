"""The real agent on a node of the namespace laboratory, for the tests named test_node_*.

The state is the reference node's without its VLAN, which the laboratory's kernel may not have.
What the tests judge by comes from ip, bridge, nmcli and bridgedctl.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab.netns import NetnsLab
from tests.lab.node import WIRE, Guest, Process, far, wait_until
from tests.lab.queries import Profile
from tests.lab.traffic import Flow, stream

STATE = "/etc/bridged/state.yaml"
LAN_NIC, DMZ_NIC, ADMIN_NIC = "enp13s0f0", "enp13s0f3", "enp8s0"

LAYOUT = """\
version: 1
bridges:
  br-lan: {ports: [enp13s0f0]}
  br-dmz: {ports: [enp13s0f3]}
"""
REFERENCE = f"""\
{LAYOUT}sysctls:
  net.ipv4.ip_forward: 1
  fs.inotify.max_user_watches: 1048576
  fs.inotify.max_user_instances: 8192
"""
Status = dict[str, Any]


class Agent:
    """bridged on a node: started, killed, asked.  One process at a time."""

    def __init__(self, node: NetnsLab, *options: str) -> None:
        self.node = node
        self.options = options
        self.prefix: tuple[str, ...] = ()
        """What its command line begins with, a wrapper such as setpriv."""
        self.process: Process | None = None
        self._declared, self._former = "", "none"
        self.logs: list[str] = []

    def declare(self, state: str, replace: bool = True) -> None:
        """Writes the state file, by default as an editor does: beside it, then renamed."""
        self._former = self._in_force() if state != self._declared else "none"
        self._declared = state
        self.node.write(STATE, state, replace=replace)

    def spawn(self) -> Process:
        """Starts it without waiting for anything."""
        argv = (
            *self.prefix,
            *self.node.bridged,
            "--state",
            STATE,
            "--socket",
            "/run/bridged/control.sock",
        )
        argv += ("--metrics", "none", "--state-dir", "/var/lib/bridged")
        self.process = self.node.spawn(*argv, "--resync", "2", "--poll", "1", *self.options)
        return self.process

    def start(self, state: str | None = None) -> None:
        """Starts it with the state, and waits until its first pass is over."""
        if state is not None:
            self.declare(state)
        self.spawn()
        wait_until(self.status, 30, "the first pass is over")

    def converge(self, state: str | None = None) -> None:
        """Starts it, or gives the running one this state, and waits until all is as declared."""
        if self.process is None:
            self.start(state)
        elif state is not None:
            self.declare(state)
            self.reread()
        self.wait_converged()

    def reread(self) -> None:
        """Waits until the state that was declared last is the one in force."""
        wait_until(lambda: self._in_force() != self._former, 15, "the state file is in force")

    def _in_force(self) -> str:
        return str(self.status().get("state", {}).get("hash", ""))

    def stop(self, signal: str = "TERM") -> str:
        """Ends it; its log."""
        assert self.process is not None
        done = self.process.stop(signal)
        self.logs.append(done.stderr)
        self.process = None
        return done.stderr

    def kill(self) -> str:
        """Ends it as a crash does; its log."""
        return self.stop("KILL")

    def restart(self) -> None:
        """Ends it and starts another one."""
        self.stop()
        self.start()

    def ctl(self, *argv: str, check: bool = False) -> str:
        """What bridgedctl prints."""
        return self.node.run(*self.node.bridgedctl, *argv, check=check).stdout

    def status(self) -> Status:
        """What `bridgedctl status --json` shows, {} while no agent answers.

        Asked from here, for a wait asks often and starting a program each time would cost more than
        all the rest of the test.
        """
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(10)
                connection.connect(str(self.node.root / "run/bridged/control.sock"))
                connection.sendall(b'{"method": "status"}\n')
                answer: Status = json.loads(connection.makefile().readline() or "{}")
        except (OSError, ValueError):
            return {}
        return dict(answer.get("result", {}))

    def object(self, name: str) -> Status:
        """The status of one object ("bridge/br-lan"), {} where it is not spoken of."""
        kind, _, rest = name.partition("/")
        for item in self.status().get("objects", ()):
            if (item["kind"], item["name"]) == (kind, rest):
                return dict(item)
        return {}

    def condition(self, name: str) -> str | None:
        """The condition of one object."""
        return self.object(name).get("condition")

    def wait_condition(self, name: str, condition: str) -> Status:
        """Waits until an object is in a condition; its status then."""

        def reached() -> Status:
            found = self.object(name)
            assert found.get("condition") == condition, found
            return found

        return wait_until(reached, 15, f"{name} is {condition}")

    def wait_converged(self, seconds: float = 30) -> Status:
        """Waits until every object is as declared; the status then."""

        def converged() -> Status:
            status = self.status()
            wrong = [o for o in status.get("objects", ()) if o["condition"] != "converged"]
            assert status.get("converged"), wrong
            return status

        return wait_until(converged, seconds, "converged")

    def next_pass(self) -> Status:
        """The status after a pass that began after this call."""
        found: Status = json.loads(self.ctl("apply", "--json"))
        return found

    def next_pass_of_its_own(self) -> None:
        """Waits for two passes that nobody asked for."""
        for _ in range(2):
            self._resync(self.status()["time"])

    def _resync(self, before: float) -> None:
        wait_until(lambda: self.status()["time"] > before, 10, "a resync")

    def finding(self, code: str) -> str:
        """The message of a finding, "" where there is none."""
        found = self.status().get("findings", ())
        return next((str(item["message"]) for item in found if item["code"] == code), "")

    def descriptors(self) -> int:
        """How many files the process has open."""
        assert self.process is not None
        return len(self.node.run("ls", f"/proc/{self.process.pid}/fd").stdout.split())

    def close(self) -> None:
        """Ends it; asserts that no agent so far failed on a fault of its own."""
        if self.process is not None:
            self.kill()
        assert "pass_failed" not in self.log, self.log
        assert not self.logged("fault"), self.log
        assert "Traceback" not in self.log, self.log

    @property
    def log(self) -> str:
        """What the present and all former processes logged."""
        return "".join(self.logs) + (self.process.stderr if self.process else "")

    def logged(self, event: str) -> int:
        """How often the agents logged an event."""
        return sum(f" {event} " in f"{line} " for line in self.log.splitlines())


def reference_is_right(node: NetnsLab) -> bool:
    """Asserts that bridges, ports and addresses are the reference node's; guests may be there."""
    links = node.links()
    for bridge, nic in (("br-lan", LAN_NIC), ("br-dmz", DMZ_NIC)):
        assert bridge in links, f"{bridge} is missing"
        assert links[nic].get("master") == bridge, f"{nic} is not in {bridge}"
        assert "UP" in links[bridge]["flags"], f"{bridge} is down"
        assert "UP" in links[nic]["flags"], f"{nic} is down"
        data = links[bridge]["linkinfo"]["info_data"]
        assert data["stp_state"] == 0, f"{bridge} has STP on"
    addresses = node.addresses()
    for name in ("br-lan", "br-dmz", LAN_NIC, DMZ_NIC):
        assert addresses[name] == [], f"{name} has {addresses[name]}"
    return True


def by_interface(node: NetnsLab) -> dict[str, list[Profile]]:
    """All profiles, active or not, by the interface that they are tied to; the loopback's not."""
    profiles = {p.uuid: p for p in node.profiles() if p.type != "loopback"}
    if not profiles:
        return {}
    fields = "connection.uuid,connection.interface-name"
    # One that is gone meanwhile is an error of the whole command, the others are shown.
    shown = node.run("nmcli", "-t", "-f", fields, "connection", "show", *profiles, check=False)
    found: dict[str, list[Profile]] = {}
    uuid = ""
    for line in shown.stdout.splitlines():
        key, _, value = line.partition(":")
        if key == "connection.uuid":
            uuid = value
        elif key:
            found.setdefault(value, []).append(profiles[uuid])
    return found


def profiles_of(node: NetnsLab, interface: str) -> list[Profile]:
    """All profiles tied to an interface, active or not."""
    return by_interface(node).get(interface, [])


def nm_call(node: NetnsLab, method: str, signature: str = "()", *arguments: object) -> Any:
    """What a method of NetworkManager's manager returns to another client: its first value."""
    done = node.run("python3", "-c", _CALL, method, signature, json.dumps(arguments))
    return json.loads(done.stdout)


_CALL = """
import json, sys
from gi.repository import Gio, GLib
NAME, PATH = "org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager"
interface, _, method = sys.argv[1].rpartition(".")
answer = Gio.bus_get_sync(Gio.BusType.SYSTEM).call_sync(
    NAME, PATH, interface or NAME, method, GLib.Variant(sys.argv[2], json.loads(sys.argv[3])),
    None, 0, 10000, None)
print(json.dumps(next(iter(answer.unpack()), None)))
"""


def checkpoints(node: NetnsLab) -> list[str]:
    """The object paths of NetworkManager's checkpoints."""
    get = "org.freedesktop.DBus.Properties.Get"
    found = nm_call(node, get, "(ss)", "org.freedesktop.NetworkManager", "Checkpoints")
    return [str(path) for path in found]


@contextmanager
def two_guests(node: NetnsLab, bridge: str = "br-lan", rate: float = 200) -> Iterator[Flow]:
    """Guests vnet0 and vnet1 on a bridge, the first streaming to the second."""
    with stream(node, *plug_two(node, bridge), rate=rate) as flow:
        yield flow


def plug_two(node: NetnsLab, bridge: str = "br-lan") -> tuple[Guest, Guest]:
    """Plugs in the guests vnet0 and vnet1."""
    return node.add_guest(bridge, "vnet0"), node.add_guest(bridge, "vnet1")


def gateway(node: NetnsLab, nic: str, address: str = "192.168.10.1/24") -> None:
    """Makes the far end of a NIC's cable a host with this address: the default gateway."""
    node.run("ip", "address", "add", address, "dev", far(nic), netns=WIRE)


def administration(node: NetnsLab, device: str = ADMIN_NIC) -> None:
    """Gives the node its address and default route on `device`, by a profile on disk."""
    node.sh(f"""
        nmcli connection add type ethernet con-name admin ifname {device} \\
            ipv4.method manual ipv4.addresses 192.168.10.160/24 ipv4.gateway 192.168.10.1 \\
            ipv6.method disabled
        nmcli connection up admin
    """)


# ------------------------------------------------------------------------------------- fixtures


@pytest.fixture
def agent(lab: NetnsLab) -> Iterator[Agent]:
    """An agent that is not started yet; none of it may ever fail on a fault of its own."""
    made = Agent(lab)
    yield made
    made.close()


@contextmanager
def agent_on(node: NetnsLab, *options: str) -> Iterator[Agent]:
    """An agent with options of its own, or on a laboratory that the test made itself; a failure
    comes with their logs."""
    made = Agent(node, *options)
    try:
        yield made
    except BaseException:
        print(node.nm_log, made.log, made.ctl("status"), sep="\n")
        raise
    finally:
        made.close()


@pytest.fixture
def running(agent: Agent) -> Agent:
    """An agent on a node that is as the reference state says."""
    agent.converge(REFERENCE)
    return agent
