"""Ten thousand link events while the agent runs, and what it makes of them.

Runs inside the namespace laboratory and prints what it counted as one line of JSON.  Links come and
go beside the declared ones, as fast as the kernel takes them; in the middle of it a declared bridge
has its spanning tree put on.
"""

import argparse
import json
import subprocess
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.bench.agent import Agent, agent, ask, environment
from tests.bench.idle import memory, processor
from tests.bench.layouts import STATE, TWO, run, settle, start_over
from tests.lab.demo_links import listener

_PASSES, _OVERRUNS = "bridged_passes_total", "bridged_netlink_overruns_total"
_BATCH = 250
"""Bridges that are made and deleted in one go."""


def _counted(name: str) -> int:
    """A counter of the agent's, all its series together."""
    with urllib.request.urlopen("http://127.0.0.1:9432/metrics", timeout=30) as page:
        lines = page.read().decode().splitlines()
    rows = (line for line in lines if line.startswith((f"{name}{{", f"{name} ")))
    return int(sum(float(row.rpartition(" ")[2]) for row in rows))


class _Listener:
    """Counts link events, with room for all of a batch."""

    def __init__(self) -> None:
        self._socket = listener()
        self._socket.setblocking(False)
        self.seen = 0

    def take(self) -> None:
        """Take what is there."""
        with suppress(BlockingIOError):
            while self._socket.recv(65536):
                self.seen += 1

    def close(self) -> None:
        """Listen no longer."""
        self._socket.close()


def _events(script: str) -> None:
    subprocess.run(["ip", "-batch", "-"], input=script, text=True, check=True)


def _storm(events: int) -> tuple[int, float]:
    """Cause at least so many link events; how many came, and the seconds until the drift in the
    middle of it was mended."""
    names = [f"storm{number}" for number in range(_BATCH)]
    # Up and down: a bridge without a port sends one event for each, and some for its making.
    made = "".join(f"link add {name} type bridge\n" for name in names)
    toggled = "".join(f"link set {name} up\nlink set {name} down\n" for name in names)
    gone = "".join(f"link del {name}\n" for name in names)
    stp = Path("/sys/class/net/br-lan/bridge/stp_state")
    links, mended = _Listener(), 0.0
    try:
        while links.seen < events:
            for script in (made, toggled, toggled, gone):
                _events(script)
                links.take()
            if not mended and links.seen > events / 2:
                began = time.monotonic()
                run("ip", "link", "set", "br-lan", "type", "bridge", "stp_state", "1")
                while stp.read_text().strip() != "0" and time.monotonic() < began + 30:
                    time.sleep(0.001)
                mended = time.monotonic() - began
    finally:
        links.close()
    return links.seen, mended


def measure(events: int) -> dict[str, Any]:
    """See the module."""
    # NetworkManager is not to take up what comes and goes.
    folder = Path("/run/NetworkManager/conf.d")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "99-storm.conf").write_text("[keyfile]\nunmanaged-devices=interface-name:storm*\n")
    run("nmcli", "general", "reload")
    start_over()
    STATE.parent.mkdir(parents=True, exist_ok=True)
    STATE.write_text(TWO.state)
    with agent("--log-level", "warning", "--metrics", "127.0.0.1:9432"):
        settle()
        pid = Agent.running().process.pid
        before = {name: _counted(name) for name in (_PASSES, _OVERRUNS)}
        used, held = processor(pid), memory(pid)
        began = time.monotonic()
        seen, mended = _storm(events)
        over = time.monotonic()
        # Still: a second without a further pass; right: the report says so.
        spent = processor(pid) - used
        last, since = _counted(_PASSES), time.monotonic()
        while time.monotonic() < min(since + 1, over + 60):
            time.sleep(0.05)
            now = _counted(_PASSES)
            if now != last:
                last, since = now, time.monotonic()
        status = ask("status")
        return {
            "events": seen,
            "seconds": over - began,
            "cpu": spent,
            "passes": last - before[_PASSES],
            "overruns": _counted(_OVERRUNS) - before[_OVERRUNS],
            "mended": mended,
            "still": since - over,
            "converged": status["converged"],
            "memory": [held, memory(pid)],
        }


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10_000)
    options = parser.parse_args()
    environment()
    print(json.dumps({"storm": measure(options.events)}))


if __name__ == "__main__":
    main()
