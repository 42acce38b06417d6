"""The others from plain cards to the declared bridges: two floors, and other tools, each
configured as its own documentation says and run by its own command.

A way prepares and returns the work that is timed, as those of `tests.bench.cold` do.
Where a tool works without NetworkManager, its documentation wants no second manager of the same
cards: NetworkManager is stopped for it, the cards are up, and that is not timed.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.bench.layouts import Layout, change_links, network_manager, run
from tests.bench.operators import NMSTATE

IFSTATE = Path("/opt/ifstate")
"""Where the laboratory has ifstate's Python packages; see `tests.bench.peers`."""
Work = Callable[[], None]

_LIMIT = 120.0
_LEFT = (
    "/etc/ifstate", "/etc/netplan", "/etc/network/interfaces", "/run/libifstate", "/run/network",
    "/run/systemd/network", "/run/systemd/netif", "/run/bench",
)  # fmt: skip
"""What the tools read or leave; gone after each way."""
_STAND_INS = Path("/run/bench/bin")
_SYSTEMCTL = """\
#!/bin/sh
case "$*" in
*is-enabled*|*is-active*) exit 1 ;;
stop*NetworkManager.service) exec lab nm-stop ;;
start*NetworkManager.service) lab nm-start >/dev/null 2>&1 </dev/null & ;;
esac
"""


def run_tool(*command: str, **environment: str) -> None:
    """Run a tool to its end.  RuntimeError with what it said where it failed."""
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=_LIMIT,
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout[-600:]}{done.stderr[-600:]}")


@contextmanager
def _tidied(layout: Layout) -> Iterator[None]:
    """Afterwards the bridges and the tool's files are gone."""
    try:
        yield
    finally:
        vlans = [port for port in layout.ports.values() if "." in port]
        change_links([f"link del {name}" for name in (*layout.ports, *vlans)])
        for name in _LEFT:
            path = Path(name)
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def _without_network_manager(layout: Layout) -> Iterator[None]:
    """NetworkManager is stopped; it is started again when the bridges are gone."""
    network_manager("stop")
    try:
        change_links([f"link set {card} up" for card in layout.cards])
        with _tidied(layout):
            yield
    finally:
        network_manager("start")


def _floor(module: str, layout: Layout, stack: ExitStack) -> Work:
    """A client that has started, connected and prepared."""
    pairs = (f"{bridge}={port}" for bridge, port in layout.ports.items())
    client = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", module, *pairs],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    stack.callback(client.kill)
    to, of = client.stdin, client.stdout
    assert to is not None
    assert of is not None
    if of.readline() != "ready\n":
        raise RuntimeError(f"{module} did not get ready")

    def work() -> None:
        to.write("go\n")
        to.flush()
        if of.readline() != "done\n":
            raise RuntimeError(f"{module} failed")

    return work


def nm_floor(layout: Layout, stack: ExitStack) -> Work:
    """The calls that change something, sent together."""
    return _floor("tests.bench.nm_floor", layout, stack)


def netlink_floor(layout: Layout, stack: ExitStack) -> Work:
    """The kernel only."""
    stack.enter_context(_without_network_manager(layout))
    return _floor("tests.bench.netlink_floor", layout, stack)


def ifstate(layout: Layout, stack: ExitStack) -> Work:
    """`ifstatecli apply`, as after its file was written."""
    stack.enter_context(_without_network_manager(layout))
    interfaces: dict[str, object] = {}
    bound = Path("/run/libifstate/bind")
    bound.mkdir(parents=True)
    for bridge, card in layout.ports.items():
        interfaces[bridge] = {"link": {"kind": "bridge", "state": "up", "br_stp_state": False}}
        # On a machine the kind is `physical`.  Here the cards are veth, which it deletes and makes
        # anew unless its own note says that it made them.
        interfaces[card] = {"link": {"kind": "veth", "state": "up", "master": bridge}}
        (bound / f"{socket.if_nametoindex(card)}.mount").touch()
    # It deletes what it is not told of, other network namespaces too.
    kept = sorted({name for _, name in socket.if_nameindex()} - set(layout.ports.values()))
    ignore = {"ifname": [f"^{name}$" for name in kept], "netns": ["^wire$"]}
    parameters = {"machine_id": None, "ignore": ignore}
    document = {"parameters": parameters, "interfaces": interfaces}
    _write("/etc/ifstate/ifstate.yaml", json.dumps(document))
    paths = f"{IFSTATE}:{os.environ['PYTHONPATH']}"
    entry = "import sys; from ifstate.ifstate import main; sys.exit(main())"
    return lambda: run_tool(sys.executable, "-c", entry, "apply", PYTHONPATH=paths)


def ifupdown2(layout: Layout, stack: ExitStack) -> Work:
    """`ifreload -a`, as after /etc/network/interfaces was written."""
    stack.enter_context(_without_network_manager(layout))
    Path("/run/network").mkdir(exist_ok=True)
    text = "auto lo\niface lo inet loopback\n"
    for bridge, card in layout.ports.items():
        text += f"\nauto {bridge}\niface {bridge}\n    bridge-ports {card}\n    bridge-stp off\n"
    _write("/etc/network/interfaces", text)
    return lambda: run_tool("ifreload", "-a")


def netplan_networkd(layout: Layout, stack: ExitStack) -> Work:
    """`netplan apply` where systemd-networkd runs."""
    stack.enter_context(_without_network_manager(layout))
    for name in ("network", "netif"):
        folder = Path("/run/systemd") / name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.chown(folder, "systemd-network", "systemd-network")
    daemon = stack.enter_context(
        subprocess.Popen(
            ["/usr/lib/systemd/systemd-networkd"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    )
    stack.callback(daemon.terminate)
    deadline = time.monotonic() + 30
    card = next(iter(layout.ports.values()))
    # It is on the bus and knows the links once it answers and tells of a state.
    while not (_reloads() and "unmanaged" in run("networkctl", "--no-legend", "list", card)):
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("systemd-networkd does not run")
        time.sleep(0.1)
    return _netplan("networkd", layout)


def _reloads() -> bool:
    return subprocess.run(["networkctl", "reload"], capture_output=True).returncode == 0


def netplan_network_manager(layout: Layout, stack: ExitStack) -> Work:
    """`netplan apply`; the cards' own profiles are deleted first, as the owner's commands do, for
    NetworkManager would prefer them to netplan's."""
    stack.enter_context(_tidied(layout))
    apply = _netplan("NetworkManager", layout)

    def work() -> None:
        run_tool("nmcli", "connection", "delete", *layout.ports.values())
        apply()

    return work


def _netplan(renderer: str, layout: Layout) -> Work:
    """`netplan apply` itself; no systemd runs here, so that `systemctl` and `udevadm` are stand-ins
    which start and stop NetworkManager, and do nothing else."""
    plain = {"dhcp4": False, "dhcp6": False, "link-local": []}
    network = {
        "version": 2,
        "renderer": renderer,
        "ethernets": dict.fromkeys(layout.ports.values(), plain),
        "bridges": {
            bridge: plain | {"interfaces": [card], "parameters": {"stp": False}}
            for bridge, card in layout.ports.items()
        },
    }
    _write("/etc/netplan/01-bench.yaml", json.dumps({"network": network}), 0o600)
    for name, text in (("systemctl", _SYSTEMCTL), ("udevadm", "#!/bin/sh\n")):
        _write(str(_STAND_INS / name), text, 0o755)
    path = f"{_STAND_INS}:{os.environ['PATH']}"
    return lambda: run_tool("netplan", "apply", PATH=path)


def nmstate(layout: Layout, stack: ExitStack) -> Work:
    """`nmstatectl set`."""
    state = [
        {
            "name": bridge,
            "type": "linux-bridge",
            "state": "up",
            "ipv4": {"enabled": False},
            "ipv6": {"enabled": False},
            "bridge": {"options": {"stp": {"enabled": False}}, "port": [{"name": card}]},
        }
        for bridge, card in layout.ports.items()
    ]
    stack.enter_context(_tidied(layout))
    _write("/run/bench/nmstate.json", json.dumps({"interfaces": state}))
    paths = f"{os.environ['PYTHONPATH']}:{NMSTATE}"
    command = (sys.executable, "-m", "tests.bench.peers", "set", "/run/bench/nmstate.json")
    return lambda: run_tool(*command, PYTHONPATH=paths)


def _write(name: str, text: str, mode: int = 0o644) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


_WAYS: dict[str, Callable[[Layout, ExitStack], Work]] = {
    "nm floor": nm_floor,
    "netlink floor": netlink_floor,
    "nmstate": nmstate,
    "netplan NetworkManager": netplan_network_manager,
    "netplan networkd": netplan_networkd,
    "ifupdown2": ifupdown2,
    "ifstate": ifstate,
}


def there() -> dict[str, Callable[[Layout, ExitStack], Work]]:
    """The ways that this node has the programs for."""
    netplan = shutil.which("netplan") is not None
    has = {
        "nmstate": NMSTATE.is_dir(),
        "ifstate": IFSTATE.is_dir(),
        "ifupdown2": shutil.which("ifreload") is not None,
        "netplan NetworkManager": netplan,
        "netplan networkd": netplan,
    }
    return {name: way for name, way in _WAYS.items() if has.get(name, True)}
