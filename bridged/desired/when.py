"""For which nodes a drop-in is: its `when`, judged by facts of the node.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from bridged.desired.base import IfName, Model, Refused, Text
from bridged.desired.errors import Problem
from bridged.desired.match import Card, Match, matching

Pattern = Annotated[str, Text("a pattern such as kvm-*", r"^[^\n\r\u0000]+$")]


class Present(Model):
    """An interface that is to be there, by its name or by what it is."""

    shorthand: ClassVar[str] = "name"
    one_of: ClassVar[tuple[str, ...]] = ("name", "match")

    name: Annotated[
        IfName | None, Field(description="interface name (an alternative name counts too)")
    ] = None
    match: Annotated[Match | None, Field(description="the card by what it is")] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.name is None) == (self.match is None):
            raise Refused("`nic-present` takes a name or a `match`", "write one of the two")
        return self


class When(Model):
    """What must hold on a node for a drop-in to be part of its state: every key that is written."""

    hostname: Annotated[
        tuple[Pattern, ...] | None,
        Field(description="patterns (`*`, `?`, `[ab]`) of which one fits the node's host name"),
    ] = None
    labels: Annotated[
        Mapping[str, Pattern] | None,
        Field(
            description="labels with patterns that all fit; a node's labels are the `KEY=VALUE` "
            "lines of the file `labels` beside the state file"
        ),
    ] = None
    nic_present: Annotated[
        tuple[Present, ...] | None,
        Field(description="interfaces that are all there"),
    ] = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.hostname or self.labels or self.nic_present):
            raise Refused(
                "a `when` without a condition means nothing",
                "write hostname:, labels: or nic-present: with something in it, or remove `when`",
            )
        return self

    @property
    def needs(self) -> frozenset[str]:
        """Names of the facts that decide it: ``hostname``, ``labels``, ``cards``."""
        asked = {"hostname": self.hostname, "labels": self.labels, "cards": self.nic_present}
        return frozenset(name for name, value in asked.items() if value)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a node is told by.  `label_file` is where labels come from, `problems` are what is wrong
    with it; `cards` is None where the kernel did not tell."""

    hostname: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    label_file: str = "/etc/bridged/labels"
    cards: tuple[Card, ...] | None = ()
    problems: tuple[Problem, ...] = ()


def why_not(when: When, facts: Facts) -> str:
    """Why a drop-in is not for this node, as a sentence; empty where it is."""
    if when.hostname and not any(fnmatchcase(facts.hostname, p) for p in when.hostname):
        return f"the host is called {facts.hostname}, not {' or '.join(when.hostname)}"
    for key, pattern in (when.labels or {}).items():
        value = facts.labels.get(key)
        if value is None:
            return f"the label {key} is not set in {facts.label_file}"
        if not fnmatchcase(value, pattern):
            return f"the label {key} is {value}, not {pattern}"
    for present in when.nic_present or ():
        if present.match is not None:
            if not matching(present.match, facts.cards or ()):
                return f"there is no card with {present.match.words}"
        elif not any(present.name in (c.name, *c.altnames) for c in facts.cards or ()):
            return f"there is no interface {present.name}"
    return ""


def parse_labels(file: str, text: str) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Labels of a file of ``KEY=VALUE`` lines, and what is wrong with it.

    Empty lines and lines that begin with ``#`` mean nothing; space around key and value is dropped.
    """
    labels: dict[str, str] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals or not key or any(char.isspace() for char in key):
            problems.append(
                Problem(file, number, 1, "this is not KEY=VALUE", "write role=kvm", line)
            )
        elif key in labels:
            problems.append(
                Problem(file, number, 1, f"`{key}` is set twice", "remove one of them", line)
            )
        else:
            labels[key] = value
    return labels, tuple(problems)
