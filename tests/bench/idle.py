"""What an agent costs that has nothing to do.

Runs inside the namespace laboratory: two bridges, all as declared, metrics served, nobody asking.
Prints processor time, wake-ups, memory, file descriptors and threads as one line of JSON, and how
many D-Bus calls passes make that nothing was signalled to.
"""

import argparse
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.agent import Agent, agent, ask, counted, environment
from tests.bench.layouts import STATE, TWO, settle, start_over

_SETTLED = 5.0
"""Seconds between the first pass and the first look."""
_LOOKS = 20
"""How often memory and descriptors are read meanwhile; nothing of it is done by the agent."""


def processor(pid: int) -> float:
    """Seconds of processor that a process has used, to the microsecond (schedstat)."""
    spent = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        spent += int((task / "schedstat").read_text().split()[0])
    return spent / 1e9


def wakeups(pid: int) -> dict[str, int]:
    """How often each thread of a process went to sleep by itself, which is as often as it woke.
    Python's have no names of their own before 3.14: they are numbered as they were started."""
    found: dict[str, int] = {}
    tasks = sorted(Path(f"/proc/{pid}/task").iterdir(), key=lambda task: int(task.name))
    for number, task in enumerate(tasks, 1):
        name = f"{number} {(task / 'comm').read_text().strip()}"
        status = (task / "status").read_text()
        match = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE)
        found[name] = int(match[1]) if match else 0
    return found


def memory(pid: int) -> dict[str, int]:
    """RSS, PSS and what is the process' own, in kB."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    rows = dict(re.findall(r"^(\w+):\s+(\d+) kB", rollup, re.MULTILINE))
    own = int(rows["Private_Clean"]) + int(rows["Private_Dirty"])
    return {"rss": int(rows["Rss"]), "pss": int(rows["Pss"]), "own": own}


def descriptors(pid: int) -> int:
    """Open file descriptors."""
    return len(os.listdir(f"/proc/{pid}/fd"))


@contextmanager
def resting() -> Iterator[int]:
    """An agent that has two bridges as declared, serves metrics and has nothing to do; its pid."""
    start_over()
    STATE.parent.mkdir(parents=True, exist_ok=True)
    STATE.write_text(TWO.state)
    with agent("--metrics", "127.0.0.1:9432"):
        settle()
        time.sleep(_SETTLED)
        yield Agent.running().process.pid


def measure(seconds: float) -> dict[str, Any]:
    """See the module."""
    with resting() as pid:
        before, used, began = wakeups(pid), processor(pid), time.monotonic()
        held, rss = [descriptors(pid)], [memory(pid)["rss"]]
        for _ in range(_LOOKS):
            time.sleep(seconds / _LOOKS)
            held.append(descriptors(pid))
            rss.append(memory(pid)["rss"])
        lasted = time.monotonic() - began
        after = wakeups(pid)
        woken = {name: after[name] - before.get(name, 0) for name in after}
        return {
            "seconds": lasted,
            "cpu": processor(pid) - used,
            "wakeups": sum(woken.values()),
            "by_thread": {name: count for name, count in woken.items() if count},
            "memory": memory(pid),
            "rss": rss,
            "descriptors": held,
            "threads": len(os.listdir(f"/proc/{pid}/task")),
        }


def quiet(seconds: float, forced: int) -> dict[str, Any]:
    """D-Bus calls while the agent watches for so long and makes `forced` passes on demand; its slow
    pass, which asks whatever was signalled, does not fall into that time."""
    with agent("--resync", "3600"):
        settle()
        time.sleep(_SETTLED)
        with counted() as calls:
            time.sleep(seconds)
            for _ in range(forced):
                ask("apply")
    return {"seconds": seconds, "forced": forced} | calls


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    options = parser.parse_args()
    environment()
    found = {"idle": measure(options.seconds), "quiet": quiet(min(options.seconds, 20), 5)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
