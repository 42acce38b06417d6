"""The ways in which a bridge for guests is kept: by bridged, by nmcli, by nmstate, by nobody.

Each makes the same br-lan from a plain card, changes a property of it as its own documentation
says, and does what it does when something was changed behind its back.  Nobody needs time to
notice, type or think: what a person would run is run by a script, at once.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench.agent import agent, ask
from tests.bench.layouts import STATE, run, settle, start_over

BRIDGE, CARD = "br-lan", "enp13s0f0"
NMSTATE = Path("/opt/nmstate")
"""Where the laboratory has nmstate's Python packages; see `tests.bench.peers`."""


@dataclass(frozen=True)
class Change:
    """One property in the words of each: of the state file, of nmcli, of nmstate's bridge options
    (or of its interface, where `interface` is set); None where it has no word for it.

    `shown` is what `ip -d -j link show br-lan` then has: (key, value).
    """

    bridged: tuple[str, str]
    nmcli: tuple[str, str]
    nmstate: Mapping[str, object] | None
    shown: tuple[str, object]
    interface: bool = False


CHANGES = (
    Change(("stp", "true"), ("bridge.stp", "yes"), {"stp": {"enabled": True}}, ("stp_state", 1)),
    Change(("stp", "false"), ("bridge.stp", "no"), {"stp": {"enabled": False}}, ("stp_state", 0)),
    # nmstate takes a priority only where the spanning tree is on.
    Change(("priority", "4096"), ("bridge.priority", "4096"), None, ("priority", 4096)),
    Change(
        ("ageing-time", "120"),
        ("bridge.ageing-time", "120"),
        {"mac-ageing-time": 120},
        ("ageing_time", 12000),
    ),
    Change(
        ("group-forward-mask", "16384"),
        ("bridge.group-forward-mask", "16384"),
        {"group-forward-mask": 16384},
        ("group_fwd_mask", "0x4000"),
    ),
    Change(
        ("multicast-snooping", "false"),
        ("bridge.multicast-snooping", "no"),
        {"multicast-snooping": False},
        ("mcast_snooping", 0),
    ),
    Change(("mtu", "1400"), ("802-3-ethernet.mtu", "1400"), {"mtu": 1400}, ("mtu", 1400), True),
    Change(
        ("mac", "52:54:00:12:34:56"),
        ("bridge.mac-address", "52:54:00:12:34:56"),
        {"mac-address": "52:54:00:12:34:56"},
        ("address", "52:54:00:12:34:56"),
        True,
    ),
)


class Keeper(Protocol):
    """One way; `make` is called on a node whose card has a profile of its own."""

    name: str

    def make(self, stack: ExitStack) -> None:
        """Make br-lan; what has to run from then on ends with the stack."""
        ...

    def change(self, change: Change) -> bool:
        """Bring one property about; False where there is no word for it."""
        ...

    def mend(self) -> None:
        """What is done after something was changed behind its back."""
        ...


class Nobody:
    """NetworkManager alone, with the profiles that the owner's nmcli lines made."""

    name = "NetworkManager alone"

    def make(self, stack: ExitStack) -> None:
        start_over()
        run("nmcli", "connection", "delete", CARD)
        self._add_bridge()
        run(
            *("nmcli", "connection", "add", "type", "ethernet", "con-name", f"{BRIDGE}-port"),
            *("ifname", CARD, "master", BRIDGE),
        )
        run("nmcli", "connection", "up", BRIDGE)
        run("nmcli", "connection", "up", f"{BRIDGE}-port")

    def _add_bridge(self) -> None:
        run(
            *("nmcli", "connection", "add", "type", "bridge", "con-name", BRIDGE),
            *("ifname", BRIDGE, "ipv4.method", "disabled", "ipv6.method", "disabled"),
            *("bridge.stp", "no", "autoconnect", "yes"),
        )

    def change(self, change: Change) -> bool:
        return False

    def mend(self) -> None:
        pass


class Nmcli(Nobody):
    """The same, and a careful script with nmcli: Reapply where NetworkManager takes it, else up."""

    name = "nmcli"

    def change(self, change: Change) -> bool:
        setting, value = change.nmcli
        run("nmcli", "connection", "modify", BRIDGE, setting, value)
        if subprocess.run(["nmcli", "device", "reapply", BRIDGE], capture_output=True).returncode:
            run("nmcli", "connection", "up", BRIDGE)
        return True

    def mend(self) -> None:
        if not run("nmcli", "-g", "connection.uuid", "connection", "show", BRIDGE).strip():
            self._add_bridge()
        run("nmcli", "connection", "up", BRIDGE)
        run("nmcli", "connection", "up", f"{BRIDGE}-port")


class Nmstate:
    """nmstate, applied again after every change."""

    name = "nmstate"

    def __init__(self) -> None:
        self._interface: dict[str, object] = {}
        self._options: dict[str, object] = {}

    def make(self, stack: ExitStack) -> None:
        self._interface, self._options = {}, {"stp": {"enabled": False}}
        start_over()
        self.mend()

    def change(self, change: Change) -> bool:
        if change.nmstate is None:
            return False
        # What failed before is not asked for again.
        self._interface, self._options = {}, {"stp": {"enabled": False}}
        (self._interface if change.interface else self._options).update(change.nmstate)
        self.mend()
        return True

    def mend(self) -> None:
        desired = {
            "name": BRIDGE,
            "type": "linux-bridge",
            "state": "up",
            "ipv4": {"enabled": False},
            "ipv6": {"enabled": False},
            "bridge": {"options": self._options, "port": [{"name": CARD}]},
            **self._interface,
        }
        Path("/run/nmstate.json").write_text(json.dumps({"interfaces": [desired]}))
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.peers", "set", "/run/nmstate.json"],
            env={**os.environ, "PYTHONPATH": f"{os.environ['PYTHONPATH']}:{NMSTATE}"},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            print(f"nmstate: {done.stdout[-600:]}{done.stderr[-600:]}", file=sys.stderr, flush=True)


class Bridged:
    """The running agent and its state file."""

    name = "bridged"

    def __init__(self) -> None:
        self._options: dict[str, str] = {}

    def make(self, stack: ExitStack) -> None:
        self._options = {}
        start_over()
        self._write()
        stack.enter_context(agent("--log-level", "warning"))
        settle()

    def change(self, change: Change) -> bool:
        key, value = change.bridged
        self._options[key] = value
        self._write()
        ask("apply")
        return True

    def mend(self) -> None:
        pass

    def _write(self) -> None:
        more = "".join(f", {key}: '{v}'" if ":" in v else f", {key}: {v}"
                       for key, v in self._options.items())  # fmt: skip
        STATE.parent.mkdir(parents=True, exist_ok=True)
        STATE.write_text(f"version: 1\nbridges:\n  {BRIDGE}: {{ports: [{CARD}]{more}}}\n")


def keepers() -> tuple[Keeper, ...]:
    """All ways; nmstate where the laboratory has it."""
    found: tuple[Keeper, ...] = (Bridged(), Nobody(), Nmcli())
    return (*found, Nmstate()) if NMSTATE.is_dir() else found
