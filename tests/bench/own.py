"""bridged's own cost: idle, start, a storm of events, many bridges, a soak.

    python3 -m tests.bench.own [--quick]        only these, and the page again

`python3 -m tests.bench` measures them with everything else.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tests.lab.node import CHECKOUT

Inside = Callable[..., dict[str, Any]]
"""Runs a measuring module in the namespace laboratory; what it printed."""


def inside(run: Inside, quick: bool) -> dict[str, Any]:
    """What needs a NetworkManager and an agent."""
    found = run("tests.bench.start", "--rounds", "3" if quick else "20")
    found |= run("tests.bench.idle", "--seconds", "20" if quick else "600")
    found |= run("tests.bench.asking", "--times", "500" if quick else "10000")
    return found | run("tests.bench.storm", "--events", "1000" if quick else "10000")


def outside(quick: bool) -> dict[str, Any]:
    """What needs a kernel at most."""
    sizes = ["--sizes", "1,3,10,100", "--rounds", "5"] if quick else []
    passes = ["--passes", "2000", "--real", "500"] if quick else []
    return _run("tests.bench.scale", *sizes) | _run("tests.bench.soak", *passes)


def _run(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=CHECKOUT,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure, and put it beside the samples that there are."""
    from tests.bench import page
    from tests.bench.__main__ import inside_of
    from tests.lab import netns

    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="see that it works; writes nothing")
    options = parser.parse_args()
    node = netns.NetnsLab("trixie")
    try:
        found = inside(lambda *arguments: inside_of(node, *arguments), options.quick)
    finally:
        node.close()
    found |= outside(options.quick)
    if options.quick:
        print(json.dumps(found))
        return
    document = json.loads(page.SAMPLES.read_text())
    document["own"] = found
    page.write(document)


if __name__ == "__main__":
    main()
