"""Cold convergence: from plain cards to the declared node, by hand and by bridged.

Runs inside a laboratory and prints its samples as one line of JSON.  The ways take turns in every
round, each from the same beginning, so that what the machine does besides meets all alike.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from tests.bench import cold_peers, processor
from tests.bench.agent import BRIDGEDCTL, agent, ask, counted, environment
from tests.bench.layouts import LAYOUTS, NOTHING, STATE, Layout, rest, settle, start_over
from tests.lab.demo_links import Links


@dataclass(frozen=True)
class Sample:
    """Seconds from the beginning until the kernel had all of it, and until the tool was done, and
    the processor time of the latter, by whose it was (`processor.PARTS`)."""

    right: float
    done: float
    spent: dict[str, float]


class _Clock:
    """Notes when the kernel has what is wanted, and has kept it."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._right: float | None = None
        self._stopping = False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._ready.wait()

    def _run(self) -> None:
        links = Links()
        self._ready.set()
        while not self._stopping:
            came = links.wait(0.05)
            if came is None:
                continue
            while (more := links.wait(0)) is not None:  # judged once there is no more to hear
                came = more
            if not self._layout.right(links):
                self._right = None
            elif self._right is None:
                self._right = came
        links.close()

    def abandon(self) -> None:
        """Look no longer."""
        self._stopping = True

    def stop(self) -> float:
        """When (monotonic seconds) all was there for good; waits for it."""
        deadline = time.monotonic() + self._layout.limit
        while self._right is None or time.monotonic() < self._right + 0.5:
            if time.monotonic() > deadline:
                self._stopping = True
                raise RuntimeError("did not converge")
            time.sleep(0.02)
        self._stopping = True
        self._thread.join()
        return self._right


def _write_state(text: str) -> None:
    STATE.parent.mkdir(parents=True, exist_ok=True)
    STATE.write_text(text)


def stopped(layout: Layout, work: Callable[[], None]) -> tuple[float, float]:
    """When (monotonic seconds) `work` began, and when the kernel had all of it."""
    rest()
    clock = _Clock(layout)
    began = time.monotonic()
    try:
        work()
    except BaseException:
        clock.abandon()  # or its thread would keep this process from ending
        raise
    return began, clock.stop()


def _timed(layout: Layout, work: Callable[[], None]) -> Sample:
    done, spent = 0.0, dict[str, float]()

    def noted() -> None:
        nonlocal done, spent
        work()
        done = time.monotonic()
        spent = processor.since(before)

    before = processor.spent()
    began, right = stopped(layout, noted)
    return Sample(right - began, done - began, spent)


def by_hand(layout: Layout, stack: ExitStack) -> Callable[[], None]:
    """The owner's commands, as a script: nobody needs time to type."""

    def work() -> None:
        subprocess.run(["sh", "-c", layout.script], capture_output=True)

    return work


def one_shot(layout: Layout, stack: ExitStack) -> Callable[[], None]:
    """`bridgedctl apply` where no agent runs, the start of its process included."""
    _write_state(layout.state)

    def work() -> None:
        done = subprocess.run([*BRIDGEDCTL, "apply"], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    return work


def running_agent(layout: Layout, stack: ExitStack) -> Callable[[], None]:
    """The state file is saved while the agent runs; done when the agent reports all as desired."""
    _write_state(NOTHING)
    stack.enter_context(agent())
    settle()

    def work() -> None:
        _write_state(layout.state)
        deadline = time.monotonic() + layout.limit
        while time.monotonic() < deadline:
            report = ask("status")
            if report and report["converged"] and report["objects"]:
                return
            time.sleep(0.01)
        raise RuntimeError("the agent did not converge")

    return work


def asked_agent(layout: Layout, stack: ExitStack) -> Callable[[], None]:
    """The state file is saved and the agent is told at once, as `bridgedctl apply` does: it need
    not wait until the file stands still."""
    _write_state(NOTHING)
    stack.enter_context(agent())
    settle()

    def work() -> None:
        _write_state(layout.state)
        report = ask("apply", patience=layout.limit)
        if not report or not report["converged"]:
            raise RuntimeError(f"the agent did not converge: {report}")

    return work


WAYS = {
    "nmcli": by_hand,
    "bridgedctl apply": one_shot,
    "running agent": running_agent,
    "asked agent": asked_agent,
}


def sample(layout: Layout, way: str, count: bool = False) -> tuple[Sample, dict[str, Any]]:
    """One convergence from the beginning; with `count` also what it called and changed."""
    start_over(layout.cards)
    with ExitStack() as stack:
        work = WAYS[way](layout, stack)
        if not count:
            return _timed(layout, work), {}
        with counted() as calls:
            seen = _timed(layout, work)
    return seen, calls


def still(layout: Layout, rounds: int) -> dict[str, Any]:
    """A pass over a node that is right: its time, and what it calls and changes."""
    start_over()
    _write_state(layout.state)
    with agent():
        settle()
        seconds = []
        for _ in range(rounds):
            began = time.monotonic()
            ask("apply")
            seconds.append(time.monotonic() - began)
        with counted() as calls:
            ask("apply")
    return {"seconds": seconds, "calls": calls}


def main() -> None:
    """Measure, and print the samples."""
    parser = argparse.ArgumentParser()
    parser.add_argument("layout", choices=LAYOUTS)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--still", type=int, default=200)
    parser.add_argument("--only", help="these ways, with commas between, and nothing else")
    parser.add_argument("--peers", action="store_true", help="the floors and the other tools too")
    options = parser.parse_args()
    environment()
    layout = LAYOUTS[options.layout]
    samples: dict[str, dict[str, list[float]]] = defaultdict(lambda: {"right": [], "done": []})
    if options.peers:
        WAYS.update(cold_peers.there())
    ways = options.only.split(",") if options.only else list(WAYS)
    # Counted first, so that nobody's first start, which compiles, is timed.  The bare floor has
    # started before the time runs, and calls nobody.
    counting = [way for way in ways if way != "netlink floor"]
    calls = {way: sample(layout, way, count=True)[1] for way in counting}
    for number in range(options.rounds):
        for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
            seen, _ = sample(layout, way)
            samples[way]["right"].append(seen.right)
            samples[way]["done"].append(seen.done)
            print(f"{number + 1}/{options.rounds} {way}: {seen}", file=sys.stderr, flush=True)
    print(
        json.dumps(
            {
                "layout": layout.name,
                "commands": layout.commands,
                "cold": samples,
                "calls": calls,
                **({} if options.only else {"still": still(layout, options.still)}),
            }
        )
    )


if __name__ == "__main__":
    main()
