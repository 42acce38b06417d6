"""The way from the files to the desired state.

    files -> bytes -> text -> nodes -> values -> one tree -> models -> rules
    files    source           document shape     merge       state     rules

Everything but the reading of the files is a pure function of their names and contents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bridged.desired import files, merge
from bridged.desired.document import parse
from bridged.desired.errors import COLLECTED, StateError, shown
from bridged.desired.grammar import record
from bridged.desired.kubernetes import NEEDED
from bridged.desired.port import Nic, Vlan
from bridged.desired.rules import violations
from bridged.desired.shape import Located, shape
from bridged.desired.source import Place, Problems, Source, decode, digest, names
from bridged.desired.state import State
from bridged.desired.violation import HERE

STATE_FILE = Path("/etc/bridged/state.yaml")


@dataclass(frozen=True)
class Loaded:
    """A desired state and where it comes from.

    `hash` is the SHA-256 of the files' names and contents, `files` their paths in the order in
    which they were merged, `data` what they declare as plain values, with sysctls by their path and
    modules in the kernel's spelling.
    """

    state: State
    hash: str
    files: tuple[str, ...]
    data: Mapping[str, Any]
    tree: Located

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


def load(
    path: Path | str = STATE_FILE, drop_ins: Path | str | None = None, *, trusted: bool = False
) -> Loaded:
    """The state that the file at `path` and the drop-ins declare.

    `drop_ins` is the directory of the drop-ins, ``state.d`` beside `path` unless given; it need not
    exist.  `trusted` skips the question who may write the files.  Raises StateError.
    """
    return load_sources(files.read(path, drop_ins, trusted=trusted))


def load_sources(sources: Sequence[Source]) -> Loaded:
    """The state that the files declare; the first one is the state file, the others drop-ins.

    Raises StateError with every mistake that was found.
    """
    tree = _merged(sources)
    problems = Problems()
    data = tree.plain()
    state = _validated(data, tree, problems)
    problems.raise_any()
    assert state is not None
    _check(state, tree, problems)
    problems.raise_any()
    return Loaded(state, digest(sources), names(sources), data, tree)


def _merged(sources: Sequence[Source]) -> Located:
    problems = Problems()
    trees: list[Located] = []
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
        trees.append(merge.normal(shape(root, problems), problems))
    problems.raise_any()
    return merge.merge(trees)


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
    elif key in NEEDED:
        remedy = f"add `{key}: {NEEDED[key]}`"
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
