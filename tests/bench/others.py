"""Cold convergence beside other tools: two bridges, then many.

    python3 -m tests.bench.others [--rounds N] [--quick]        only these, and the page again

`python3 -m tests.bench` measures them with everything else.  They run on a tree of their own,
`peers`, which has the other tools and is otherwise the one of trixie.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench import cold_peers, operators, peers
from tests.lab import netns
from tests.lab.node import Node

SUITE = "peers"
SIZES = (10, 100, 500)
_BY_COMMANDS = 100
"""The most bridges that nmcli and ifstate make: a hundred take nmcli half a minute, and its time
grows faster than their number."""
_PACKAGES = ("netplan.io", "ifupdown2", "systemd")
Inside = Callable[..., dict[str, Any]]
"""Runs a measuring module in a laboratory; what it printed."""


def _binds() -> dict[Path, str]:
    cache = netns.tree(SUITE).parent
    found = {peers.bring(cache): str(operators.NMSTATE)}
    try:
        found[peers.bring_ifstate(cache)] = str(cold_peers.IFSTATE)
    except subprocess.CalledProcessError:
        print("others: ifstate cannot be had here, and is left out", file=sys.stderr)
    return found


def measure(
    inside: Callable[[Node], Inside], rounds: int, still: int, quick: bool
) -> dict[str, Any]:
    """What `tests.bench.cold` finds, with all ways, and `many`: size -> way -> samples."""
    subprocess.run(
        [Path(netns.__file__).with_name("trees"), SUITE], check=True, stdout=subprocess.DEVNULL
    )
    binds = _binds()
    node = netns.NetnsLab(SUITE, binds=binds)
    try:
        words = ("--rounds", str(rounds), "--still", str(still), "--peers")
        found = inside(node)("tests.bench.cold", "two bridges", *words)
        found |= inside(node)("tests.bench.cold_parts", "two bridges")
        shown = node.run("dpkg-query", "-W", "-f", "${Package} ${Version}\n", *_PACKAGES).stdout
    finally:
        node.close()
    found["tools"] = dict(line.split() for line in shown.splitlines())
    found["tools"] |= {"ifstate": peers.ifstate_version(), "nmstate": peers.VERSION}
    found["many"] = {}
    for size in SIZES[:1] if quick else SIZES:
        node = netns.NetnsLab(SUITE, binds=binds, extra=size)
        try:
            ways = ["--rounds", "1" if quick else "3" if size < 100 else "2"]
            if size > _BY_COMMANDS:
                ways += ["--without", "nmcli", "--without", "ifstate"]
            found["many"][str(size)] = inside(node)("tests.bench.many", str(size), *ways)
        finally:
            node.close()
    return found


def main() -> None:
    """Measure, and put it beside the samples that there are."""
    from tests.bench import page
    from tests.bench.__main__ import inside_of

    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="see that it works; writes nothing")
    options = parser.parse_args()
    found = measure(
        lambda node: partial(inside_of, node),
        2 if options.quick else options.rounds,
        20 if options.quick else 200,
        options.quick,
    )
    if options.quick:
        print(json.dumps(found))
        return
    document = json.loads(page.SAMPLES.read_text())
    document["labs"]["netns"] |= found
    page.write(document)


if __name__ == "__main__":
    main()
