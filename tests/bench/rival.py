"""Somebody else writes a declared sysctl ten times a second for a minute.

Runs inside the namespace laboratory and prints what it counted as one line of JSON: our writes, our
processor time, whether everything else goes on, and what is there when the rival has gone.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from tests.bench.agent import Agent, agent, ask, environment
from tests.bench.layouts import STATE, cpu_seconds, run, settle, start_over

_KEY = Path("/proc/sys/net/ipv4/ip_forward")
_OBJECT = "sysctl/net.ipv4.ip_forward"
_STATE = """\
version: 1
bridges:
  br-lan: {ports: [enp13s0f0]}
sysctls: {net.ipv4.ip_forward: 1}
"""
_EVERY = 0.1
_OTHER_EVERY = 15.0
"""Seconds between two faults of another object, which has to be repaired as ever; more often, it
would be contended too."""


def _condition() -> str:
    objects = (ask("status") or {"objects": []})["objects"]
    found = [o["condition"] for o in objects if f"{o['kind']}/{o['name']}" == _OBJECT]
    return str(found[0]) if found else ""


def _other_repair() -> float:
    """Seconds from spanning tree put on by somebody to off again."""
    began = time.monotonic()
    run("ip", "link", "set", "br-lan", "type", "bridge", "stp_state", "1")
    stp = Path("/sys/class/net/br-lan/bridge/stp_state")
    while stp.read_text().strip() != "0" and time.monotonic() < began + 10:
        time.sleep(0.0005)
    return time.monotonic() - began


def measure(seconds: float) -> dict[str, Any]:
    """What there was to see: see the module."""
    start_over()
    STATE.parent.mkdir(parents=True, exist_ok=True)
    STATE.write_text(_STATE)
    with agent("--log-level", "warning"):
        settle()
        pid = Agent.running().process.pid
        began, used = time.monotonic(), cpu_seconds(pid)
        rival = ours = 0
        told: float | None = None
        repairs: list[float] = []
        due = began
        while time.monotonic() < began + seconds:
            # Whoever reads 1 here reads what bridged wrote since the last turn.
            if rival and _KEY.read_text().strip() == "1":
                ours += 1
            _KEY.write_text("0")
            rival += 1
            if told is None and rival % 5 == 0 and _condition() == "contended":
                told = time.monotonic() - began
            if len(repairs) < (time.monotonic() - began) / _OTHER_EVERY - 1:
                repairs.append(_other_repair())
            due += _EVERY
            time.sleep(max(due - time.monotonic(), 0))
        cpu, lasted = cpu_seconds(pid) - used, time.monotonic() - began
        status = ask("status")
        gone = time.monotonic()
        while _KEY.read_text().strip() != "1" and time.monotonic() < gone + 900:
            time.sleep(0.05)
        repaired = time.monotonic() - gone
    (item,) = (o for o in status["objects"] if f"{o['kind']}/{o['name']}" == _OBJECT)
    others = [o["condition"] for o in status["objects"] if o is not item]
    return {
        "seconds": lasted,
        "rival": rival,
        "ours": ours,
        "cpu": cpu,
        "told": told,
        "condition": item["condition"],
        "reason": item["reason"],
        "others": others,
        "other_repairs": repairs,
        "after": repaired,
    }


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    environment()
    print(json.dumps({"rival": measure(options.seconds)}))


if __name__ == "__main__":
    main()
