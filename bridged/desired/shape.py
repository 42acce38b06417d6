"""From nodes to plain values of the types that the grammar asks for, each with its place.

One sentence for each mistake, in the words of the file: what the key must be, and what it is.
"""

from dataclasses import dataclass
from typing import Any

from bridged.desired import scalars
from bridged.desired.document import Entry, Mapping, Node, Scalar, Sequence, Unusable
from bridged.desired.errors import shown
from bridged.desired.grammar import (
    Boolean,
    Choice,
    Expected,
    Integer,
    List,
    Parameter,
    Record,
    Table,
    Text,
    grammar,
    record,
)
from bridged.desired.hints import nearest, unknown_key
from bridged.desired.scalars import Mistake, Word
from bridged.desired.source import Place, Problems

_EACH = "each item of"


@dataclass(frozen=True, slots=True)
class Located:
    """A plain value with its place.

    `value` is a scalar, a dict of Located by key, or a list of Located.  `key` is the place of its
    key, None in a list.
    """

    value: Any
    place: Place
    key: Place | None = None

    @property
    def start(self) -> Place:
        """Where an operator looks for it: at its key, or where it begins."""
        return self.key or self.place

    def plain(self) -> Any:
        """The value without places; lists become tuples, as the strict models want them."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return tuple(item.plain() for item in self.value)
        return self.value


def shape(root: Mapping, problems: Problems) -> Located:
    """The values of a file.  Mistakes go to `problems`; what is wrong is left out."""
    return _Shaper(problems).record(root, grammar(), "the file", None)


class _Shaper:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def value(
        self, node: Node, expected: Expected, label: str, key: Place | None = None
    ) -> Located | None:
        """`node` as `expected`, or None where it is something else."""
        if isinstance(node, Unusable):
            return None
        if isinstance(node, Scalar) and node.word.reading == "null":
            self._nothing(key or node.place, expected, label)
            return None
        match expected, node:
            case (Record(), Mapping()):
                return self.record(node, expected, label, key)
            case (Parameter(), Mapping()):
                return self._minimum(node, expected, label, key)
            case (Record(shorthand=shorthand), Scalar()) if shorthand:
                name = self.value(node, expected.keys[shorthand].expected, label)
                return name and Located({shorthand: name}, node.place, key)
            case (Table(), Mapping()):
                return self._table(node, expected, key)
            case (List(), Sequence()):
                return self._list(node, expected, label, key)
            case (_, Scalar()):
                return self._scalar(node, expected, label, key)
            case _:
                self._misplaced(node, expected, label)
                return None

    def _misplaced(self, node: Sequence | Mapping, expected: Expected, label: str) -> None:
        got = "a list" if isinstance(node, Sequence) else "a mapping"
        self._wrong(node.place, expected, label, got, _instead(node, expected, label))

    def record(self, node: Mapping, expected: Record, label: str, key: Place | None) -> Located:
        found: dict[str, Located] = {}
        for entry in node.entries:
            known = expected.keys.get(entry.key)
            if known is None:
                self._unknown(entry, expected, label)
                continue
            name = f"`{entry.key}`"
            item = self.value(entry.value, known.expected, name, entry.place)
            if item:
                found[entry.key] = item
        return Located(found, node.place, key)

    def _minimum(
        self, node: Mapping, expected: Parameter, label: str, key: Place | None
    ) -> Located | None:
        """The record, if it has all it needs.

        Asked here and not of the model, since a parameter could be three things and pydantic would
        complain about each of them.
        """
        needed = [name for name, known in expected.record.keys.items() if known.required]
        if not node.entries:
            self._problems.add(
                node.place,
                f"`{needed[0]}` is missing here",
                f"write {{{needed[0]}: NUMBER}}, or the value alone",
            )
        found = self.record(node, expected.record, label, key)
        return found if all(name in found.value for name in needed) else None

    def _table(self, node: Mapping, expected: Table, key: Place | None) -> Located:
        found: dict[str, Located] = {}
        for entry in node.entries:
            name = f"`{shown(entry.key)}`"
            item = self.value(entry.value, expected.item, name, entry.place)
            if item:
                found[entry.key] = item
        return Located(found, node.place, key)

    def _list(self, node: Sequence, expected: List, label: str, key: Place | None) -> Located:
        each = f"{_EACH} {label}"
        items = [self.value(item, expected.item, each) for item in node.items]
        return Located([item for item in items if item], node.place, key)

    def _scalar(
        self, node: Scalar, expected: Expected, label: str, key: Place | None
    ) -> Located | None:
        try:
            value = _convert(node.word, expected)
        except Mistake as mistake:
            remedy = mistake.remedy
            if not remedy and isinstance(expected, Choice):
                remedy = _likely(node.word.text, expected)
            self._wrong(node.place, expected, label, mistake.got, remedy)
            return None
        if isinstance(expected, Integer) and not _within(value, expected):
            self._wrong(node.place, expected, label, str(value))
            return None
        return Located(value, node.place, key)

    def _wrong(
        self, place: Place, expected: Expected, label: str, got: str, remedy: str = ""
    ) -> None:
        self._problems.add(place, f"{label} must be {expected.words}, not {got}", remedy)

    def _nothing(self, place: Place, expected: Expected, label: str) -> None:
        """A key without a value: an unfinished line as likely as a wish for nothing."""
        if label.startswith(_EACH):
            item = label.replace("each", "an", 1)
            self._problems.add(place, f"{item} is empty", "write a value, or remove the lone `-`")
            return
        if isinstance(expected, List):
            remedy = f"write {label.strip('`')}: [] for none, or remove the line"
        elif isinstance(expected, Table | Record):
            remedy = f"write {label.strip('`')}: {{}} if nothing is to be said below it"
        else:
            remedy = f"write {expected.words}, or remove the line"
        self._problems.add(place, f"{label} has no value", remedy)

    def _unknown(self, entry: Entry, expected: Record, label: str) -> None:
        if self._problems.full:
            return  # looking for the nearest word takes its time
        remedy = unknown_key(entry.key, tuple(expected.keys), _places_of_keys())
        inside = "" if label == "the file" else f" in {label.replace('each', 'an', 1)}"
        self._problems.add(entry.place, f"unknown key `{shown(entry.key)}`{inside}", remedy)


def _convert(word: Word, expected: Expected) -> bool | int | str:
    match expected:
        case Boolean():
            return scalars.boolean(word)
        case Integer():
            return scalars.integer(word)
        case Choice(options=options) if any(isinstance(option, int) for option in options):
            number = scalars.integer(word)
            if number not in options:
                raise Mistake(str(number), f"this bridged reads version {options[-1]}")
            return number
        case Choice(options=options):
            return scalars.choice(word, tuple(map(str, options)))
        case Text():
            return scalars.text(word)
        case Parameter():
            return scalars.parameter(word)
    raise Mistake(str(word), _instead_of_scalar(word, expected))


def _within(value: Any, expected: Integer) -> bool:
    low, high = expected.low, expected.high
    return (low is None or value >= low) and (high is None or value <= high)


def _likely(text: str, expected: Choice) -> str:
    options = tuple(map(str, expected.options))
    likely = nearest(text, {option.lower(): option for option in options})
    back = {option.lower(): option for option in options}
    if not likely and text.lower() in {"no", "off", "false", "none", "0"}:
        likely = next((word for word in ("disabled", "off") if word in options), "")
    return f"write {back.get(likely, likely)}" if likely else ""


def _instead_of_scalar(word: Word, expected: Expected) -> str:
    """What to write instead of a lone value."""
    text = shown(word.text)
    if isinstance(expected, List) and text:
        return "put a space behind each `-`" if text.startswith("-") else f"write [{text}]"
    if isinstance(expected, Table | Record) and text:
        key, equals, value = (part.strip() for part in text.partition("="))
        if equals and len(value.split()) == 1:
            return f"write {key}: {value}"
        return "write `key: value` lines below it, or `{}` for nothing"
    return ""


def _instead(node: Sequence | Mapping, expected: Expected, label: str) -> str:
    """What to write instead of a list or mapping of the wrong kind."""
    if isinstance(expected, Table | Record) and isinstance(node, Sequence):
        if not node.items:
            return f"write {label.strip('`')}: {{}}"
        return "write `name: value` lines without `-` in front of them"
    if isinstance(expected, List) and isinstance(node, Mapping):
        if not node.entries:
            return f"write {label.strip('`')}: []"
        return "begin each item with `- `, or write the items between [ and ]"
    return ""


def _places_of_keys() -> tuple[tuple[str, str], ...]:
    """Every key of the file with the name of its place, for keys that stand in a wrong one."""
    root = grammar()
    found = [(name, "the top of the file") for name in root.keys]
    bridges = root.keys["bridges"].expected
    if isinstance(bridges, Table) and isinstance(bridges.item, Record):
        found += [(name, "a bridge") for name in bridges.item.keys]
        ports = bridges.item.keys["ports"].expected
        if isinstance(ports, List) and isinstance(ports.item, Record):
            for kind in map(record, ports.item.models):
                what = "a VLAN" if "vlan" in kind.keys else "a port"
                found += [(name, what) for name in kind.keys if (name, "a port") not in found]
    kubernetes = root.keys["kubernetes"].expected
    if isinstance(kubernetes, Record):
        found += [(name, "`kubernetes`") for name in kubernetes.keys if name not in root.keys]
    return tuple(found)
