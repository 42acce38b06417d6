"""Cold convergence of many bridges with a card each: bridged, the floors, nmcli and ifstate.

    python3 -m tests.bench.many SIZE [--rounds N]

Runs inside a laboratory with so many extra cards and prints its samples as one line of JSON.
"""

import argparse
import json
import sys
from typing import Any

from tests.bench import cold, cold_peers
from tests.bench.agent import environment
from tests.bench.layouts import many

WAYS = ("asked agent", "nm floor", "nmcli", "ifstate", "netlink floor")


def measure(size: int, rounds: int) -> dict[str, Any]:
    """Way -> `right` and `done`, in seconds; the ways take turns."""
    cold.WAYS.update(cold_peers.there())
    ways = [way for way in WAYS if way in cold.WAYS]
    layout = many(size)
    found: dict[str, Any] = {way: {"right": [], "done": []} for way in ways}
    for number in range(rounds):
        turn = number % len(ways)
        for way in ways[turn:] + ways[:turn]:
            seen, _ = cold.sample(layout, way)
            found[way]["right"].append(seen.right)
            found[way]["done"].append(seen.done)
            print(f"{number + 1}/{rounds} {size} {way}: {seen}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Measure, and print the samples."""
    parser = argparse.ArgumentParser()
    parser.add_argument("size", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    environment()
    print(json.dumps(measure(options.size, options.rounds)))


if __name__ == "__main__":
    main()
