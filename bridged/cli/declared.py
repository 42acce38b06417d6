"""The declared state, for commands that write it in other words."""

import argparse
import sys

from bridged.cli.client import Failure
from bridged.desired.errors import StateError
from bridged.desired.loader import Loaded, load
from bridged.desired.state import State
from bridged.observe.facts import facts_beside
from bridged.plan.matching import unresolved
from bridged.telling.words import count


def declared_state(options: argparse.Namespace) -> State:
    """The declared state; who may write the file matters only for the one that is in force."""
    try:
        facts = facts_beside(options.state, options.explicit_state)
        loaded: Loaded = load(options.state, trusted=options.explicit_state, facts=facts)
    except StateError as error:
        print(error.render(), flush=True, file=sys.stderr)
        number = count(len(error.problems), "problem")
        raise Failure(
            f"{options.state} cannot be used: {number}", f"bridgedctl validate {options.state}"
        ) from None
    return loaded.state


def named_state(options: argparse.Namespace) -> State:
    """The declared state, `Failure` where a card in it has no name."""
    state = declared_state(options)
    unnamed = [port.device for _, port in unresolved(state)]
    if unnamed:
        raise Failure(
            f"{unnamed[0]} is told by what it is, and others want a name",
            "name the card in a copy of the state file, and export that with --state",
        )
    return state
