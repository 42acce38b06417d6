"""What the repair of a drift consists of.

    python3 -m tests.bench.drift_parts [--rounds N]

Runs inside the namespace laboratory.  Faults are caused and timed as in `drift`, with a stopwatch
around what the agent does one after the other.  A part ends with the repair: what the kernel does
of the mending message until it announces that counts, the way back does not.
"""

import argparse
import json
import time
from collections.abc import Sequence

from tests.bench.stopwatch import Spans, Stopwatch, readings, within

PARTS = (
    "being woken",
    "hearing the event",
    "reading the link",
    "planning",
    "looking at it once more",
    "the mending message",
)


def watched() -> Stopwatch:
    """A stopwatch around what an agent of this process does."""
    from bridged.agent import firstaid
    from bridged.agent.kernel_events import KernelEvents
    from bridged.apply import netlink
    from bridged.observe.observer import Observer
    from bridged.rtnetlink import Rtnetlink

    watch = Stopwatch()
    watch.around(KernelEvents, "hear", "hearing the event")
    watch.around(Observer, "glance", "reading the link")
    watch.around(firstaid, "plan_links", "planning")
    watch.around(netlink, "_checked", "looking at it once more")
    watch.around(Rtnetlink, "change", "the mending message")
    return watch


def agent_main() -> int:
    """The agent with a stopwatch, whose readings are written at its end."""
    from bridged.agent import main

    watch = watched()
    ended = main.main()
    watch.leave()
    return ended


def main() -> None:
    """Measure, and print it."""
    from tests.bench import agent as agents
    from tests.bench.drift import make_right, spans
    from tests.bench.faults import FAULTS

    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    agents.environment()
    command = agents.command("tests.bench.drift_parts", "agent_main")
    found = {}
    for fault in FAULTS:
        if fault.gone:
            continue
        make_right()
        with agents.agent("--contended-after", "0", "--log-level", "warning", command=command):
            time.sleep(1)
            repairs = spans(fault, options.rounds)
        found[fault.name] = parts_of(repairs)
    print(json.dumps({"drift_parts": found}))


def parts_of(repairs: Sequence[tuple[float, float] | None]) -> list[dict[str, float]]:
    """Seconds of each part in each repair that there was, from the readings left last."""
    seen = readings()
    return [_parts(seen, *span) for span in repairs if span is not None]


def _parts(seen: Spans, began: float, ended: float) -> dict[str, float]:
    """Seconds of each part.  The agent may have heard of it before the observer, on the other
    processor; until it has, the kernel is waking it."""
    looked = min((begin for begin, end in seen["reading the link"] if end > began), default=ended)
    heard = max(begin for begin, _ in seen["hearing the event"] if begin <= looked)
    return within(seen | {"being woken": [(began, max(heard, began))]}, PARTS, began, ended)


if __name__ == "__main__":
    main()
