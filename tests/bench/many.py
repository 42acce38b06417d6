"""Cold convergence of many bridges with a card each, or with a VLAN each on one card: bridged, the
floors, nmcli and ifstate.

    python3 -m tests.bench.many SIZE [--vlans] [--rounds N] [--without WAY]

Runs inside a laboratory with so many extra cards, or with VLANs, and prints its samples as one line
of JSON.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from tests.bench import cold, cold_peers
from tests.bench.agent import environment
from tests.bench.layouts import Layout, many, vlans

WAYS = ("netlink floor", "asked agent", "nm floor", "nmcli", "ifstate")


def measure(layout: Layout, rounds: int, without: Sequence[str] = ()) -> dict[str, Any]:
    """Way -> `right` and `done` in seconds, and `spent`; the ways take turns."""
    cold.WAYS.update(cold_peers.there())
    ways = [way for way in WAYS if way in cold.WAYS and way not in without]
    found: dict[str, Any] = {way: {"right": [], "done": [], "spent": []} for way in ways}
    for number in range(rounds):
        turn = number % len(ways)
        for way in ways[turn:] + ways[:turn]:
            seen, _ = cold.sample(layout, way)
            found[way]["right"].append(seen.right)
            found[way]["done"].append(seen.done)
            found[way]["spent"].append(seen.spent)
            print(
                f"{number + 1}/{rounds} {layout.name}, {way}: {seen}", file=sys.stderr, flush=True
            )
    return found


def main() -> None:
    """Measure, and print the samples."""
    parser = argparse.ArgumentParser()
    parser.add_argument("size", type=int)
    parser.add_argument("--vlans", action="store_true", help="VLANs of one card, not cards")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without", action="append", default=[], help="a way that is left out")
    options = parser.parse_args()
    environment()
    layout = (vlans if options.vlans else many)(options.size)
    print(json.dumps(measure(layout, options.rounds, options.without)))


if __name__ == "__main__":
    main()
