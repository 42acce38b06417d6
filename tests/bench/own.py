"""bridged's own cost: idle, start, a storm of events, many bridges, a soak, and profiles.

    python3 -m tests.bench.own [--quick] [--idle-seconds N] [--soak-passes N]

measures only these, and writes the page again; `python3 -m tests.bench` measures them with
everything else.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Inside = Callable[..., dict[str, Any]]
"""Runs a measuring module in the namespace laboratory; what it printed."""


@dataclass(frozen=True)
class Lengths:
    """How long is measured: `idle` in seconds, `soak` in passes; `quick` sees that it works."""

    quick: bool = False
    idle: float = 600
    soak: int = 100_000

    @classmethod
    def of(cls, options: argparse.Namespace) -> "Lengths":
        """From the command line; what is not given is short where only a quick look is wanted."""
        idle = options.idle_seconds or (20 if options.quick else cls.idle)
        soak = options.soak_passes or (2000 if options.quick else cls.soak)
        return cls(options.quick, idle, soak)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that `Lengths.of` reads."""
    add = parser.add_argument
    add("--quick", action="store_true", help="a short look at bridged's own cost")
    add("--idle-seconds", type=float, metavar="N", help=f"of idling ({Lengths.idle:g})")
    add("--soak-passes", type=int, metavar="N", help=f"of the soak ({Lengths.soak:,})")


_Step = tuple[float, tuple[str, ...]]
"""The seconds that it takes about, on the machine of the page; a module and its arguments."""


def measure(run: Inside, lengths: Lengths) -> dict[str, Any]:
    """Everything, in the laboratory: the libraries there are those that the agent ships with."""
    quick = lengths.quick
    sizes = ("--sizes", "1,3,10,100", "--rounds", "5", "--drifts", "20") if quick else ()
    real = "500" if quick else "20000"
    steps: list[_Step] = [
        (10 if quick else 35, ("tests.bench.start", "--rounds", "3" if quick else "20")),
        (20, ("tests.bench.holding",)),
        (lengths.idle + 40, ("tests.bench.idle", "--seconds", f"{lengths.idle:g}")),
        (25 if quick else 145, ("tests.bench.idle_parts", "15" if quick else "130")),
        (10 if quick else 100, ("tests.bench.asking", "--times", "500" if quick else "10000")),
        (15 if quick else 60, ("tests.bench.storm", "--events", "1000" if quick else "10000")),
        (60 if quick else 540, ("tests.bench.scale", *sizes)),
        (20 if quick else 60, ("tests.bench.profile", "--count", "100" if quick else "1000")),
        (
            10 + lengths.soak * 0.002 + int(real) * 0.005,
            ("tests.bench.soak", "--passes", str(lengths.soak), "--real", real),
        ),
    ]
    found: dict[str, Any] = {}
    for number, (_, words) in enumerate(steps):
        left = sum(seconds for seconds, _ in steps[number:])
        name = words[0].rpartition(".")[2]
        said = f"own: {name}, {number + 1} of {len(steps)}; about {left / 60:.0f} min left of these"
        print(said, file=sys.stderr, flush=True)
        began = time.monotonic()
        found |= run(*words)
        print(f"own: {name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Measure, and put it beside the samples that there are."""
    from tests.bench import page
    from tests.bench.__main__ import inside_of
    from tests.lab import netns

    parser = argparse.ArgumentParser(prog="bench.own")
    arguments(parser)
    lengths = Lengths.of(parser.parse_args())
    node = netns.NetnsLab("trixie")
    try:
        found = measure(lambda *words: inside_of(node, *words), lengths)
    finally:
        node.close()
    if lengths.quick:  # no figures for the page
        print(json.dumps(found))
        return
    document = json.loads(page.SAMPLES.read_text())
    document["own"] = found
    page.write(document)


if __name__ == "__main__":
    main()
