"""Reading documents of others: every scalar as its text, every key accounted for.

Programs that write YAML disagree on what is a number, so a value is what its place asks for, as
nmstate itself does it; what nobody took from a mapping is told.
"""

from typing import Any

import yaml

from bridged.desired.grammar import Boolean, Choice, Expected, Integer, Text
from bridged.desired.scalars import FALSE, TRUE
from bridged.errors import BridgedError
from bridged.exchange.notes import Notes

_LARGEST = 4 << 20
_OFF = frozenset({"", "~", "null"}) | FALSE


class DocumentError(BridgedError):
    """A document that cannot be read: where and why, and the remedy."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class _Loader(yaml.BaseLoader):
    """Leaves scalars as text; refuses keys that occur twice, which YAML readers drop."""


def _mapping(loader: yaml.BaseLoader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(
                None, None, "a key that is not text", key_node.start_mark
            )
        if key in found:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} stands here for the second time", key_node.start_mark
            )
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_documents(data: bytes, name: str) -> list[Any]:
    """The YAML (or JSON) documents of a file, scalars as text.  Raises DocumentError."""
    if len(data) > _LARGEST:
        raise DocumentError(f"{name} is larger than {_LARGEST >> 20} MiB", "is it the right file?")
    try:
        text = data.decode("utf-8-sig")
        return [item for item in yaml.load_all(text, Loader=_Loader) if item not in (None, "")]
    except UnicodeDecodeError:
        raise DocumentError(f"{name} is not UTF-8", "save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise DocumentError(f"{place}: {error.problem or error}", "correct it there") from None
    except (yaml.YAMLError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise DocumentError(f"{name} is no YAML: {reason}", "correct it") from None


class Part:
    """A mapping of which keys are taken one by one; the rest is told at the end."""

    def __init__(self, value: Any, path: str, notes: Notes) -> None:
        self.path = path
        self.notes = notes
        self._left: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
        if not isinstance(value, dict) and not off(value):
            notes.lose(path, "is not a mapping", "correct it there")

    def at(self, key: str) -> str:
        """The path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        """Whether the key is there and was not taken yet."""
        return key in self._left

    def take(self, key: str) -> Any:
        """The value of a key, None where it is missing or null."""
        value = self._left.pop(key, None)
        return None if value in ("", "~", "null") else value

    def part(self, key: str) -> "Part":
        """A mapping below; an empty one where it is missing."""
        return Part(self._left.pop(key, {}), self.at(key), self.notes)

    def items(self, key: str) -> list[tuple[str, Any]]:
        """The items of a list below, with their paths."""
        value = self.take(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.notes.lose(self.at(key), "is not a list", "correct it there")
            return []
        return [(f"{self.at(key)}[{number}]", item) for number, item in enumerate(value)]

    def text(self, key: str) -> str:
        """The text of a key, empty where it is missing or no single value."""
        value = self.take(key)
        if isinstance(value, (dict, list)):
            self.notes.lose(self.at(key), "is not a single value", "correct it there")
            return ""
        return value or ""

    def value(self, key: str, expected: Expected) -> Any:
        """The value of a key as a key of the state file expects it; None, and a note, where it is
        something else."""
        if key not in self._left:
            return None
        return convert(self.take(key), expected, self.at(key), self.notes)

    def rest(self, message: str, remedy: str = "", off_is_nothing: bool = False) -> None:
        """Tell every key that was not taken.

        `off_is_nothing` where what is empty or switched off says as much as what is missing.
        """
        for key, value in self._left.items():
            if off_is_nothing and off(value):
                continue
            self.notes.lose(self.at(key), message, remedy)
        self._left = {}


def off(value: Any) -> bool:
    """Whether a value says nothing, or that something is off: ``false``, ``{enabled: false}``,
    ``[]``."""
    if isinstance(value, dict):
        return all(map(off, value.values()))
    return value in _OFF if isinstance(value, str) else not value


def convert(value: Any, expected: Expected, path: str, notes: Notes) -> Any:
    """A text as the state file's key expects it, None and a note where it is none."""
    if value is None:
        return None
    if isinstance(value, str):
        if isinstance(expected, Boolean) and value.lower() in {"1", *map(str.lower, TRUE)}:
            return True
        if isinstance(expected, Boolean) and value.lower() in {"0", *map(str.lower, FALSE)}:
            return False
        if isinstance(expected, Integer) and value.isascii() and value.isdigit():
            number = int(value) if len(value) < 20 else -1
            low, high = expected.low, expected.high
            if (low is None or number >= low) and (high is None or number <= high):
                return number
        if isinstance(expected, Choice):
            words = {str(option).lower(): option for option in expected.options}
            if value.lower() in words:
                return words[value.lower()]
        if isinstance(expected, Text):
            return value
    notes.lose(path, f"is {_shown(value)}, which is not {expected.words}", "correct it there")
    return None


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return str(value)[:40]
