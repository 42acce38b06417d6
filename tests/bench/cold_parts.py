"""What a cold convergence of the running agent consists of.

    python3 -m tests.bench.cold_parts LAYOUT [--rounds N]

Runs inside a laboratory.  The agent is told as in `cold`, with a stopwatch around what it does one
after the other; what is left until the kernel has everything is its own work in between.
"""

import argparse
import json
from contextlib import ExitStack
from typing import Any

from tests.bench.stopwatch import Stopwatch, readings, within

PARTS = (
    "reading the file",
    "looking",
    "planning",
    "making the checkpoint",
    "writing new profiles",
    "changing former profiles",
    "asking for activations",
    "waiting for them",
)


def agent_main() -> int:
    """The agent with a stopwatch, whose readings are written whenever somebody had it apply."""
    import bridged.agent.engine as engine
    from bridged.agent import main
    from bridged.agent.loop import Loop
    from bridged.agent.state_source import FileSource
    from bridged.apply import activation
    from bridged.apply.checkpoints import Checkpoints
    from bridged.apply.networkmanager import NetworkManagerWriter
    from bridged.observe.observer import Observer

    watch = Stopwatch()
    watch.around(FileSource, "refresh", "reading the file")
    watch.around(Observer, "observe", "looking")
    watch.around(engine, "make_plan", "planning")
    watch.around(Checkpoints, "create", "making the checkpoint")
    watch.around(NetworkManagerWriter, "add_profiles", "writing new profiles")
    watch.around(NetworkManagerWriter, "update_profiles", "changing former profiles")
    watch.around(NetworkManagerWriter, "activate", "asking for activations")
    watch.around(activation._UnderWay, "wait", "waiting for them")
    apply = Loop.apply

    def applied(loop: Loop, *args: Any, **options: Any) -> Any:
        watch.spans.clear()
        try:
            return apply(loop, *args, **options)
        finally:
            watch.leave()

    Loop.apply = applied  # type: ignore
    return main.main()


def main() -> None:
    """Measure, and print it."""
    from tests.bench import agent as agents
    from tests.bench.cold import stopped
    from tests.bench.layouts import LAYOUTS, NOTHING, STATE, settle, start_over

    parser = argparse.ArgumentParser()
    parser.add_argument("layout", choices=LAYOUTS)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    layout = LAYOUTS[options.layout]
    agents.environment()
    command = agents.command("tests.bench.cold_parts", "agent_main")
    rounds = []
    for _ in range(options.rounds):
        start_over()
        with ExitStack() as stack:
            STATE.parent.mkdir(parents=True, exist_ok=True)
            STATE.write_text(NOTHING)
            stack.enter_context(agents.agent(command=command))
            settle()

            def work() -> None:
                STATE.write_text(layout.state)
                agents.ask("apply", patience=layout.limit)

            began, right = stopped(layout, work)
        rounds.append(within(readings(), PARTS, began, right))
    print(json.dumps({"cold_parts": rounds}))


if __name__ == "__main__":
    main()
