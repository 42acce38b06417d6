"""The way from the files to the desired state.

    files -> bytes -> text -> nodes -> values -> those for this node -> one tree -> models -> rules
    files    source           document shape     when                   merge       state     rules

Everything but the reading of the files is a pure function of their names and contents.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bridged.desired import files, merge
from bridged.desired.document import parse
from bridged.desired.errors import COLLECTED, StateError, shown
from bridged.desired.grammar import record
from bridged.desired.kubernetes import NEEDED
from bridged.desired.port import Missing, Nic, Vlan
from bridged.desired.rules import SECTIONS, violations
from bridged.desired.shape import Located, shape
from bridged.desired.source import Place, Problems, Source, decode, digest, names
from bridged.desired.state import State
from bridged.desired.violation import HERE
from bridged.desired.when import Facts, When, why_not

FactsReader = Callable[[frozenset[str]], Facts]
"""Reads the facts of the given names (`When.needs`); the others may be left empty."""
STATE_FILE = Path("/etc/bridged/state.yaml")
_NEEDED = NEEDED | {"start": "02:00", "end": "04:00"}


@dataclass(frozen=True)
class Loaded:
    """A desired state and where it comes from.

    `hash` is the SHA-256 of the files' names and contents, `files` their paths in the order in
    which they were merged, `data` what they declare as plain values, with sysctls by their path and
    modules in the kernel's spelling.  All of that is without the drop-ins that are `left_out`.
    """

    state: State
    hash: str
    files: tuple[str, ...]
    data: Mapping[str, Any]
    tree: Located
    left_out: tuple["LeftOut", ...] = ()

    def place(self, *path: str) -> Place | None:
        """Where the object at `path` is declared, None where it is not.

        Paths are names from the top down; ports go by their device, sysctls by their path below
        /proc/sys: ``place("bridges", "br-lan", "ports", "enp13s0f0", "mtu")``.
        """
        here = self.tree
        for part in path:
            below = merge.find(here, (part,))
            if below is here:
                return None
            here = below
        return here.start

    def where(self, *path: str) -> str:
        """``FILE:LINE`` of the object at `path`, the empty text where it is not declared."""
        return str(self.place(*path) or "")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A drop-in that is not for this node: the place of its `when`, and why."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


def no_facts(needs: frozenset[str]) -> Facts:
    """Where nothing is known of the node: no `when` holds."""
    return Facts()


def load(
    path: Path | str = STATE_FILE,
    drop_ins: Path | str | None = None,
    *,
    trusted: bool = False,
    facts: FactsReader = no_facts,
) -> Loaded:
    """The state that the file at `path` and the drop-ins declare.

    `drop_ins` is the directory of the drop-ins, ``state.d`` beside `path` unless given; it need not
    exist.  `trusted` skips the question who may write the files.  `facts` reads what a `when` asks
    for.  Raises StateError.
    """
    return load_sources(files.read(path, drop_ins, trusted=trusted), facts)


def load_sources(sources: Sequence[Source], facts: FactsReader = no_facts) -> Loaded:
    """The state that the files declare; the first one is the state file, the others drop-ins.

    Raises StateError with every mistake that was found.
    """
    parsed = parse_sources(sources)
    return parsed.load(parsed.left_out(facts(parsed.needs)))


@dataclass(frozen=True, slots=True)
class _File:
    """One file as it was read; `tree` is without its `when`, which `when` is."""

    source: Source
    tree: Located
    when: When | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """All files, right by themselves; for which nodes the drop-ins are is still open."""

    files: tuple[_File, ...]

    @property
    def needs(self) -> frozenset[str]:
        """Names of the facts that decide about drop-ins; none where all are for every node."""
        return frozenset[str]().union(*(file.when.needs for file in self.files if file.when))

    def left_out(self, facts: Facts) -> tuple[str, ...]:
        """For each file why it is left out on a node of these facts, "" for one that is not.

        Raises StateError where that cannot be told: it may be a drop-in that matters.
        """
        if "labels" in self.needs and facts.problems:
            raise StateError(facts.problems)
        if "cards" in self.needs and facts.cards is None:
            raise StateError(
                file.place.problem("the interfaces of this node cannot be read", "try again")
                for file in self.files
                if file.when and file.place and file.when.nic_present
            )
        return tuple(why_not(file.when, facts) if file.when else "" for file in self.files)

    def load(self, left_out: Sequence[str]) -> Loaded:
        """The state without the files for which `left_out` holds a reason.  Raises StateError."""
        used = [file for file, reason in zip(self.files, left_out, strict=True) if not reason]
        tree = merge.merge([file.tree for file in used])
        problems = Problems()
        data = tree.plain()
        state = _validated(data, tree, problems)
        problems.raise_any()
        assert state is not None
        if len(used) < len(self.files) and not {*SECTIONS} & tree.value.keys():
            others = len(self.files) - len(used)
            problems.add(
                tree.place,
                f"nothing is declared for this node ({others} left out by `when`)",
                "declare in the state file what every node has; `modules: []` declares nothing",
            )
            problems.raise_any()
        _check(state, tree, problems)
        problems.raise_any()
        sources = [file.source for file in used]
        return Loaded(
            state,
            digest(sources),
            names(sources),
            data,
            tree,
            tuple(
                LeftOut(str(file.place), reason)
                for file, reason in zip(self.files, left_out, strict=True)
                if reason
            ),
        )


def parse_sources(sources: Sequence[Source]) -> Parsed:
    """The files, each of them right by itself.  Raises StateError."""
    problems = Problems()
    found: list[_File] = []
    for number, source in enumerate(sources):
        try:
            root = parse(decode(source), problems)
        except StateError as error:
            problems.extend(error)
            continue
        if root is None:
            continue
        if number == 0 and all(entry.key != "version" for entry in root.entries):
            problems.add(
                root.place, "`version` is missing", "begin the file with the line `version: 1`"
            )
        tree = merge.normal(shape(root, problems), problems)
        found.append(_conditional(source, tree, number == 0, problems))
        # A file cut off behind its head must not take away what it declared.
        if number and not problems and not tree.value.keys() - {"version", "when"}:
            problems.add(
                root.place,
                "the file declares nothing",
                "declare something, or delete the drop-in; `bridges: {}` says that there are to be "
                "none",
            )
    problems.raise_any()
    return Parsed(tuple(found))


def _conditional(source: Source, tree: Located, main: bool, problems: Problems) -> _File:
    """A file and its `when`."""
    written = tree.value.get("when")
    if written is None:
        return _File(source, tree)
    rest = {key: item for key, item in tree.value.items() if key != "when"}
    bare = Located(rest, tree.place, tree.key)
    if main:
        problems.add(
            written.start,
            "`when` can stand in drop-ins only: the state file is for every node that has it",
            "put this part into a file of its own in state.d",
        )
        return _File(source, bare)
    if problems:
        return _File(source, bare)
    when = None
    try:
        when = When.model_validate(written.plain())
    except ValidationError as error:
        for item in error.errors(include_url=False)[:COLLECTED]:
            problems.add(*_explain(item, merge.find(written, item["loc"])))
    else:
        # What is left out here is in force elsewhere: a mistake is told by whoever reads it first.
        _validated({"version": 1, **bare.plain()}, bare, problems)
    return _File(source, bare, when, written.start)


def _validated(data: dict[str, Any], tree: Located, problems: Problems) -> State | None:
    try:
        return State.model_validate(data)
    except ValidationError as error:
        for item in error.errors(include_url=False)[:COLLECTED]:
            where = merge.find(tree, item["loc"])
            problems.add(*_explain(item, where))
        return None


def _explain(item: Any, where: Located) -> tuple[Place, str, str]:
    """Place, message and remedy of an error of pydantic.

    Types were seen to by `shape`; what is left are the values that a model refuses for a reason of
    its own, and keys that belong to another kind of port.
    """
    loc, kind = item["loc"], item["type"]
    last = str(loc[-1]) if loc else ""
    if kind == "missing":
        return (where.start, *_missing(last, where))
    if kind == "extra_forbidden":
        model: type[BaseModel] = Vlan if last in record(Vlan).keys else Nic
        what = "VLANs" if model is Vlan else "network cards"
        remedy = "a VLAN has `vlan: ID` and `parent: NIC`" if model is Vlan else "remove it"
        return where.start, f"`{shown(last)}` is a key of {what} only", remedy
    place = where.start if last == "[key]" else where.place
    error = (item.get("ctx") or {}).get("error")
    if isinstance(error, Missing):
        return (where.start, *_missing(str(error), where))
    if isinstance(error, ValueError):
        return place, str(error), getattr(error, "remedy", "")
    return place, f"`{shown(last)}` is not valid: {item['msg']}", ""


def _missing(key: str, where: Located) -> tuple[str, str]:
    """Message and remedy for a required key that is not there."""
    written = where.value if isinstance(where.value, dict) else {}
    remedy = ""
    if key == "parent":
        remedy = "add `parent: NIC`, the interface that carries the tagged frames"
        if "name" in written:
            remedy = (
                f"write `parent: {shown(written['name'].value)}` if that is the interface that "
                "carries the tagged frames (`name` is the VLAN's own)"
            )
    elif key == "vlan":
        remedy = "add `vlan: ID`, a number from 1 to 4094"
    elif key == "name":
        remedy = "add `name: NIC`; for a VLAN, `vlan: ID` and `parent: NIC`"
    elif key in _NEEDED:
        remedy = f"add `{key}: {_NEEDED[key]}`"
    return f"`{key}` is missing here", remedy


def _check(state: State, tree: Located, problems: Problems) -> None:
    for violation in violations(state):
        if problems.full:
            return
        at = merge.find(tree, violation.path).start
        message = violation.message
        if violation.other is not None:
            other = merge.find(tree, violation.other).start
            message = message.replace(HERE, other.seen_from(at))
        problems.add(at, message, violation.remedy)
