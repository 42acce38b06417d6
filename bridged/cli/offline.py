"""The commands that need neither an agent nor the host: validate and schema."""

import argparse
import json
import os
import sys
from typing import Any

from bridged.cli.client import Failure
from bridged.cli.leftout import left_out_lines
from bridged.cli.terminal import Terminal
from bridged.desired.errors import StateError
from bridged.desired.loader import FactsReader, load
from bridged.desired.match import Card
from bridged.desired.schema import text as state_schema
from bridged.desired.when import Facts, parse_labels
from bridged.observe.facts import facts_beside
from bridged.telling.words import count

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def validate(options: argparse.Namespace) -> int:
    """`bridgedctl validate [FILE]`: 0 where the file can be used, else 1 with what is wrong.

    Who may write a file matters only for the one in force: a draft is anybody's.
    """
    path = options.file or options.state
    draft = os.path.realpath(path) != os.path.realpath(options.state)
    try:
        loaded = load(path, trusted=draft, facts=_facts(options, path, draft))
    except StateError as error:
        print(error.render(), flush=True)
        number = len(error.problems)
        step = f"correct {'it' if number == 1 else 'them'} and run bridgedctl validate again"
        raise Failure(f"{path} cannot be used: {count(number, 'problem')}", step) from None
    state = loaded.state
    parts = [
        count(len(state.bridges or {}), "bridge"),
        count(len(list(state.ports())), "port"),
        count(len(state.modules or ()), "module"),
        count(len(state.sysctls or {}), "sysctl"),
    ]
    if state.packages is not None:
        parts.append(count(len(state.packages.present + state.packages.absent), "package"))
    if state.kubernetes is not None:
        parts.append(count(len(list(state.kubernetes.files())), "kept file"))
    others = len(loaded.files) - 1
    more = f" with {count(others, 'drop-in')}" if others else ""
    print(f"{path}{more}: valid, {', '.join(parts)}")
    terminal = Terminal.of(sys.stdout, os.environ)
    print("".join(f"{line}\n" for line in left_out_lines(loaded.left_out, terminal)), end="")
    return 0


def _facts(options: argparse.Namespace, path: str, draft: bool) -> FactsReader:
    """The facts of this node, or those of the one that is described by options."""
    if options.hostname is None and options.label is None and options.nic is None:
        return facts_beside(path, trusted=draft)
    labels, problems = parse_labels("--label", "\n".join(options.label or ()))
    if problems:
        said = problems[0]
        raise Failure(f"--label {said.excerpt.strip()}: {said.message}", said.remedy)
    cards = tuple(Card(name) for name in options.nic or ())
    facts = Facts(options.hostname or "", labels, "--label", cards)
    return lambda needs: facts


def schema(options: argparse.Namespace) -> int:
    """`bridgedctl schema [--status]`: a JSON Schema on stdout."""
    if options.status:
        print(json.dumps(status_schema(), indent=2))
    else:
        print(state_schema(), end="")
    return 0


def status_schema() -> dict[str, Any]:
    """The JSON Schema of `bridgedctl status --json`, from the records of the report.

    Every field is always there; new ones may come, so readers ignore what they do not know.
    """
    from pydantic import TypeAdapter

    from bridged.report import Report

    document = TypeAdapter(Report).json_schema(mode="serialization")
    definitions = document.pop("$defs")
    # as_json leaves the counters to /metrics and adds the verdict.
    del document["properties"]["counters"], definitions["Counters"]
    document["properties"]["converged"] = {
        "type": "boolean",
        "description": "whether every object is as declared and the state file is in force",
    }
    for record in (document, *definitions.values()):
        record["required"] = list(record["properties"])
        for field in record["properties"].values():
            field.pop("default", None)
            field.pop("title", None)
    return {"$schema": _DIALECT, **document, "$defs": definitions}
