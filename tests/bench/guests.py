"""What guests notice: frames lost between two guests on br-lan while things happen to it.

Runs inside the namespace laboratory and prints its counts as one line of JSON.  Two guests send
each other 1,000 frames a second all the time.  Every way of keeping the bridge
(`tests.bench.operators`) meets the same events on a bridge that it made itself.
"""

import argparse
import json
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.agent import Agent, environment
from tests.bench.layouts import run, settle
from tests.bench.operators import BRIDGE, CHANGES, Bridged, Keeper, keepers
from tests.lab.demo_guests import GUESTS, Guests, plug_commands

_RATE = 1000
_WATCHED = 4.0
"""Seconds of the stream after each event that belong to it."""
_KILLS = 20

Event = Callable[[Keeper, "Run"], None]


class Run:
    """One keeper with two guests that stream."""

    def __init__(self, keeper: Keeper, stack: ExitStack) -> None:
        self.keeper = keeper
        self.missed: list[str] = []
        for namespace in GUESTS.values():
            run("ip", "netns", "del", namespace)
        keeper.make(stack)
        for command in plug_commands(BRIDGE):
            run(*command.split())
        time.sleep(2)  # the agent has seen them, as it has on a node where guests come to stay
        settle()
        self.guests = Guests(_RATE)
        stack.callback(self.guests.close)

    def measure(self, event: Event) -> dict[str, Any]:
        """Frames sent and lost, the longest gap in seconds, whether the guests are plugged in in
        the end, and the properties that were not brought about."""
        time.sleep(0.5)
        self.guests.take()
        event(self.keeper, self)
        time.sleep(_WATCHED)
        plugged = all(_controller(port) == BRIDGE for port in GUESTS)
        seen = self.guests.take()
        return {
            "sent": seen.sent,
            "lost": seen.lost,
            "gap": seen.gap,
            "plugged": plugged,
            "missed": self.missed,
        }


def _controller(port: str) -> str:
    path = Path("/sys/class/net", port, "master")
    return path.resolve().name if path.exists() else ""


def _changes(keeper: Keeper, run_: Run) -> None:
    """Every property that all know, one after the other."""
    for change in CHANGES:
        if keeper.change(change):
            key, value = change.shown
            limit = time.monotonic() + 5
            while time.monotonic() < limit and _shown(key) != value:
                time.sleep(0.05)
            if _shown(key) != value:
                run_.missed.append(change.bridged[0])


def _shown(key: str) -> object:
    text = run("ip", "-d", "-j", "link", "show", BRIDGE)
    links = json.loads(text) if text else []
    return (links[0] | links[0]["linkinfo"]["info_data"]).get(key) if links else None


def _activated(keeper: Keeper, run_: Run) -> None:
    run("nmcli", "connection", "up", BRIDGE)
    keeper.mend()


def _deleted(keeper: Keeper, run_: Run) -> None:
    run("ip", "link", "del", BRIDGE)
    keeper.mend()


def _profile_deleted(keeper: Keeper, run_: Run) -> None:
    run("nmcli", "connection", "delete", BRIDGE)
    keeper.mend()


def _set_down(keeper: Keeper, run_: Run) -> None:
    run("ip", "link", "set", BRIDGE, "down")
    keeper.mend()


def _unplugged(keeper: Keeper, run_: Run) -> None:
    run("nmcli", "device", "disconnect", BRIDGE)
    keeper.mend()


def _manager_restarts(keeper: Keeper, run_: Run) -> None:
    run("lab", "nm-restart")
    settle()


def _restarts(keeper: Keeper, run_: Run) -> None:
    for _ in range(3):
        Agent.running().restart()


def _upgraded(keeper: Keeper, run_: Run) -> None:
    """The program's files are others from one start to the next."""
    new = Path("/run/bench-upgrade")
    shutil.rmtree(new, ignore_errors=True)
    source = Path(__file__).resolve().parents[2]
    shutil.copytree(source / "bridged", new / "bridged")
    Agent.running().restart(new)


def _killed(keeper: Keeper, run_: Run) -> None:
    for number in range(_KILLS):
        agent = Agent.running()
        agent.process.send_signal(signal.SIGKILL)
        agent.restart(wait=False)
        time.sleep(number * 0.03)
    Agent.running().wait()


EVENTS: dict[str, Event] = {
    "NetworkManager restarts": _manager_restarts,
    f"{len(CHANGES)} properties are changed, one by one": _changes,
    "`nmcli connection up br-lan`": _activated,
    "`nmcli device disconnect br-lan`": _unplugged,
    "`nmcli connection delete br-lan`": _profile_deleted,
    "`ip link del br-lan`": _deleted,
    "`ip link set br-lan down`": _set_down,
}
OWN_EVENTS: dict[str, Event] = {
    "bridged restarts, three times": _restarts,
    "bridged is upgraded": _upgraded,
    f"bridged is killed, {_KILLS} times": _killed,
}


def main() -> None:
    """Measure, and print the counts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    environment()
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for keeper in keepers():
        events = EVENTS | (OWN_EVENTS if isinstance(keeper, Bridged) else {})
        for name, event in events.items():
            if event is _changes and keeper.name.startswith("NetworkManager"):
                continue
            for _ in range(options.rounds):
                with ExitStack() as stack:
                    seen = Run(keeper, stack).measure(event)
                found.setdefault(name, {}).setdefault(keeper.name, []).append(seen)
                print(f"{keeper.name}, {name}: {seen}", file=sys.stderr, flush=True)
    print(json.dumps({"guests": found, "rate": _RATE}))


if __name__ == "__main__":
    main()
