"""Where the time of a pass goes: cProfile over a pass that finds nothing and over drifts.

    python3 -m tests.bench.profile [--count 1000]

The same passes as in `scale`, which times them without a profiler; with one they take about twice
as long, so only the shares count.  Prints the leading functions as one line of JSON.
"""

import argparse
import cProfile
import json
import pstats
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.bridges import apart, engine_on, links, machine_of, state_of
from tests.bench.drift import measure as repaired
from tests.bench.scale import calm, standing
from tests.bench.standing import spanning_tree
from tests.lab.node import CHECKOUT

_LEADING = 10
_STILL, _DRIFTS = 5, 5


def leading(profile: "cProfile.Profile | str", passes: int) -> dict[str, Any]:
    """The functions that lead by own time and by time with what they call, ms a pass."""
    found = pstats.Stats(profile)
    rows = [
        {
            "function": _name(*place),
            "calls": calls / passes,
            "own": 1000 * own / passes,
            "all": 1000 * cumulative / passes,
        }
        for place, (_, calls, own, cumulative, _) in found.stats.items()  # type: ignore[attr-defined]
    ]
    ours = [row for row in rows if row["function"].startswith(("bridged", "tests"))]
    return {
        "passes": passes,
        "own": sorted(rows, key=lambda row: -row["own"])[:_LEADING],
        "all": sorted(ours, key=lambda row: -row["all"])[:_LEADING],
    }


def _name(path: str, line: int, function: str) -> str:
    """``bridged/plan/planner.py make_plan``: no machine's folders."""
    if path == "~":
        return function.strip("<>").replace("built-in method ", "").replace("method ", "")
    for root in (str(CHECKOUT), *sorted(sys.path, key=len, reverse=True)):
        if root and path.startswith(f"{root}/"):
            path = path[len(root) + 1 :]
            break
    return f"{path} {function}"


def measure(count: int) -> dict[str, Any]:
    """Both profiles, in the network namespace of this process."""
    with links(count), tempfile.TemporaryDirectory() as folder:
        state, machine = state_of(count), machine_of(count)
        machine.converge(state)
        engine = engine_on(machine, state, Path(folder))
        for _ in range(3):
            engine.run_pass()
        profiler = cProfile.Profile()
        for _ in range(_STILL):
            profiler.runcall(engine.run_pass, fresh=False)
        found = {"count": count, "still": leading(profiler, _STILL)}
        dumped = Path(folder) / "drift.profile"
        with standing(str(count), "--profile", str(dumped)) as pid:
            repaired(spanning_tree(), _DRIFTS, rest=lambda: calm(pid))
            calm(pid)
        return found | {"drift": leading(str(dumped), _DRIFTS)}


def main() -> None:
    """Profile in a namespace of its own, and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        from bridged.agent import logs

        logs.configure("error")
        print(json.dumps(measure(options.count)))
        return
    found = apart("tests.bench.profile", "--here", "--count", str(options.count))
    print(json.dumps({"profile": found}))


if __name__ == "__main__":
    main()
