"""YAML to a tree of nodes that know their places.

Nothing of YAML's own construction is used: no tags, anchors, aliases or merge keys (the file is
short enough to say things twice, and an alias can be a bomb), no second document, no key that is
not plain text.  The events of PyYAML's parser are taken one by one, so that neither deep nesting
nor a huge list can exhaust the machine.
"""

from dataclasses import dataclass
from typing import Any

import yaml

from bridged.desired.errors import StateError, shown
from bridged.desired.scalars import Word, reading
from bridged.desired.source import Place, Problems, Text, invisible
from bridged.desired.syntax import (
    TYPOGRAPHIC,
    explain,
    explain_number,
    typographic_words,
    unseen_words,
)

DEPTH = 32
"""Levels of nesting; a state needs seven."""
NODES = 100_000
"""Values in one file; hundreds of bridges need some thousand."""

_NOTHING = "the file declares nothing"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a kind of file holds: two of its `keys`, how to `begin` where it is no mapping, and what
    to do where there is `nothing` in it."""

    keys: str
    begin: str
    nothing: str


_STATE = Expected(
    "`version:` and `bridges:`",
    "begin with the line `version: 1`",
    "declare something, or say that there is to be nothing: `bridges: {}` for no bridges; "
    "a drop-in that is not wanted can be deleted",
)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value."""

    place: Place
    word: Word


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its value."""

    place: Place
    key: str
    value: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values, in the order of the file, each key once."""

    place: Place
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Unusable:
    """A value whose problem is already noted."""

    place: Place


Node = Scalar | Sequence | Mapping | Unusable


@dataclass(slots=True)
class _Open:
    """A list or mapping that has not ended yet; a mapping's nodes are key, value, key, value..."""

    place: Place
    is_mapping: bool
    nodes: list[Node]


def parse(text: Text, problems: Problems, expected: Expected = _STATE) -> Mapping | None:
    """The file as a mapping, or None where it is none.

    Mistakes go to `problems`; the tree leaves out what they make useless.
    """
    return _Builder(text, problems, expected).run()


class _Builder:
    def __init__(self, text: Text, problems: Problems, expected: Expected) -> None:
        self._text = text
        self._problems = problems
        self._expected = expected
        self._open: list[_Open] = []
        self._root: Node | None = None
        self._documents = 0
        self._nodes = 0

    def run(self) -> Mapping | None:
        try:
            for event in yaml.parse(self._text.content, Loader=yaml.SafeLoader):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            self._problems.add(*explain(error, self._text))
            return None
        except StateError as error:
            self._problems.extend(error)
            return None
        except (yaml.YAMLError, ValueError, OverflowError):
            self._problems.add(*explain_number(self._text))
            return None
        return self._document()

    def _document(self) -> Mapping | None:
        root = self._root
        if isinstance(root, Mapping):
            return root
        if isinstance(root, Unusable):
            return None
        if root is None and not self._documents:
            what = "has only comments" if self._text.content.strip() else "is empty"
            self._problems.add(self._text.place(0), f"the file {what}", self._expected.nothing)
        elif root is None or (isinstance(root, Scalar) and root.word.reading == "null"):
            self._problems.add(self._text.place(0), _NOTHING, self._expected.nothing)
        else:
            got = "a list" if isinstance(root, Sequence) else str(root.word)
            self._problems.add(
                root.place,
                f"the file must hold keys such as {self._expected.keys}, not {got}",
                self._expected.begin,
            )
        return None

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise StateError(
                        [
                            self._place(event).problem(
                                "a second document begins here; a state file holds one",
                                "remove the line `---`, or put this part into a file of its own "
                                "in state.d",
                            )
                        ]
                    )
            case yaml.AliasEvent():
                self._problems.add(
                    self._place(event),
                    f"the alias `*{shown(event.anchor or '')}` is not supported",
                    "write the value out",
                )
                self._close(Unusable(self._place(event)))
            case yaml.ScalarEvent():
                self._properties(event)
                self._close(self._scalar(event))
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._properties(event)
                place = self._place(event)
                if len(self._open) >= DEPTH:
                    raise StateError([place.problem(f"nested deeper than {DEPTH} levels")])
                self._open.append(_Open(place, isinstance(event, yaml.MappingStartEvent), []))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                done = self._open.pop()
                if done.is_mapping:
                    self._close(self._mapping(done))
                else:
                    self._close(Sequence(done.place, tuple(done.nodes)))

    def _place(self, event: Any) -> Place:
        mark = event.start_mark
        return Place(self._text, mark.line + 1, mark.column + 1)

    def _close(self, node: Node) -> None:
        """A node is complete: give it to the list or mapping around it."""
        self._nodes += 1
        if self._nodes > NODES:
            raise StateError([node.place.problem(f"the file holds more than {NODES} values")])
        if self._open:
            self._open[-1].nodes.append(node)
        else:
            self._root = node

    def _properties(self, event: Any) -> None:
        """Refuse anchors and tags."""
        if event.anchor is not None:
            self._problems.add(
                self._place(event),
                f"the anchor `&{shown(event.anchor)}` is not supported",
                "remove it, and write the value out where it is needed",
            )
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._problems.add(
                self._place(event), f"the tag `{shown(tag)}` is not supported", "remove it"
            )

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        place = self._place(event)
        word = Word(event.value, quoted=bool(event.style))
        unseen = invisible(word.text)
        if unseen:
            offset, name = unseen
            # In a plain scalar of one line the character's own place is known.
            line = self._text.lines[place.line - 1]
            if line.startswith(word.text, place.column - 1):
                place = Place(place.text, place.line, place.column + offset)
            self._problems.add(place, *unseen_words(name))
        elif not word.quoted and word.text.startswith(tuple(TYPOGRAPHIC)):
            self._problems.add(place, *typographic_words(word.text))
        return Scalar(place, word)

    def _mapping(self, done: _Open) -> Mapping:
        entries: dict[str, Entry] = {}
        for key, value in zip(done.nodes[::2], done.nodes[1::2], strict=True):
            name = self._key(key)
            if name is None:
                continue
            first = entries.setdefault(name, Entry(key.place, name, value))
            if first.value is not value:
                self._problems.add(
                    key.place,
                    f"`{shown(name)}` is written twice, first in line {first.place.line}",
                    "keep one of them",
                )
        return Mapping(done.place, tuple(entries.values()))

    def _key(self, node: Node) -> str | None:
        """The text of a key, or None where it is not text."""
        if isinstance(node, Unusable):
            return None
        if not isinstance(node, Scalar):
            line = self._text.lines[node.place.line - 1]
            template = "{{" in line or "{%" in line
            self._problems.add(
                node.place,
                "a key must be a word, not a list or mapping",
                "fill in the template before it is installed" if template else "",
            )
            return None
        word = node.word
        if word.text == "<<" and not word.quoted:
            self._problems.add(
                node.place, "merge keys (`<<`) are not supported", "write the keys out"
            )
            return None
        if word.quoted or reading(word.text) in {"text", "letter"}:
            return word.text
        if word.text:
            kind = "a truth value" if word.reading == "boolean" else "a number"
            self._problems.add(
                node.place,
                f"the key {shown(word.text)} is {'null' if word.reading == 'null' else kind} "
                "to YAML, not text",
                f'put it in quotes: "{shown(word.text)}"',
            )
        else:
            self._problems.add(node.place, "a key is missing before the `:`")
        return None
