"""Which of its parts an idle agent spends its processor time on.

    python3 -m tests.bench.idle_parts SECONDS

Runs inside the namespace laboratory.  The agent runs as in `idle`, with a meter around what the
loop does; at the end the same is done again and again without a pause, which tells how much of the
time is that of a processor whose caches others have used meanwhile.
"""

import argparse
import json
import os
import statistics
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.stopwatch import Stopwatch

_FOUND = Path("/run/bench-idle-parts.json")
_SETTLED = 8.0
_WARM = 30
"""Times that each part is repeated without a pause."""


def _by_thread() -> dict[str, float]:
    """Seconds of processor by thread; those that Python did not start have the kernel's name."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    found: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        name = names.get(int(task.name)) or (task / "comm").read_text().strip()
        spent = int((task / "schedstat").read_text().split()[0]) / 1e9
        found[name] = found.get(name, 0.0) + spent
    return found


def _watch(meter: Stopwatch, loops: Sequence[Any], seconds: float) -> None:
    time.sleep(_SETTLED)
    meter.taken()
    before, began = _by_thread(), time.monotonic()
    time.sleep(seconds)
    lasted, after, cold = time.monotonic() - began, _by_thread(), meter.taken()

    def repeat() -> None:
        for _ in range(_WARM):
            loop._changed(loop._engine)
            loop._pass(fresh=True)

    (loop,) = loops
    loop._ask(repeat, 60.0)
    warm = meter.taken()
    own = threading.current_thread().name
    threads = {n: s - before.get(n, 0.0) for n, s in after.items() if n != own}
    found = {
        "seconds": lasted,
        "threads": {name: spent for name, spent in threads.items() if spent > 0},
        "cold": cold,
        "warm": {part: statistics.median(times) for part, times in warm.items()},
    }
    partial = _FOUND.with_suffix(".new")
    partial.write_text(json.dumps(found))
    partial.rename(_FOUND)


def agent_main() -> int:
    """The agent, metered for as long as BENCH_SECONDS says."""
    from bridged.agent import main
    from bridged.agent.loop import Loop
    from bridged.agent.wiring import SilentChanges

    meter = Stopwatch(time.thread_time)
    loops: list[Loop] = []
    meter.around(Loop, "_pass", "whole look")
    meter.around(SilentChanges, "__call__", "look at parameters")
    begin = Loop.__init__

    def noted(loop: Loop, *args: Any, **options: Any) -> None:
        begin(loop, *args, **options)
        loops.append(loop)

    Loop.__init__ = noted  # type: ignore
    seconds = float(os.environ["BENCH_SECONDS"])
    watching = threading.Thread(
        target=_watch, args=(meter, loops, seconds), name="meter", daemon=True
    )
    watching.start()
    return main.main()


def main() -> None:
    """Measure, and print it."""
    from tests.bench import agent as agents
    from tests.bench.layouts import STATE, TWO, settle, start_over

    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float)
    options = parser.parse_args()
    agents.environment()
    os.environ["BENCH_SECONDS"] = str(options.seconds)
    start_over()
    STATE.parent.mkdir(parents=True, exist_ok=True)
    STATE.write_text(TWO.state)
    _FOUND.unlink(missing_ok=True)
    metered = agents.command("tests.bench.idle_parts", "agent_main")
    with agents.agent("--metrics", "127.0.0.1:9432", command=metered):
        settle()
        deadline = time.monotonic() + options.seconds + 120
        while not _FOUND.exists():
            if time.monotonic() > deadline:
                raise RuntimeError("the metered agent said nothing")
            time.sleep(1)
    print(json.dumps({"idle_parts": json.loads(_FOUND.read_text())}))


if __name__ == "__main__":
    main()
