"""YAML that says the same to every reader, the same bytes every time; and what a file differs in.

Text stands in double quotes unless it is a plain word: readers of YAML 1.1 and 1.2, and Go's, take
the rest for different things (010, 1:30, y, 0o17).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import yaml

from bridged.desired.errors import shown
from bridged.desired.scalars import reading
from bridged.dumper import Dumper

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*(:(//)?[A-Za-z0-9_./-]+)*", re.ASCII)
_LARGEST = 1 << 16
"""Characters; a larger file is not read for its meaning."""
_SHOWN = 60


class Unreadable(ValueError):
    """Text that is no such YAML, with the reason."""


def dump(documents: Iterable[Mapping[str, Any]], header: str) -> str:
    """The documents one after the other below the comment `header`."""
    texts = [
        yaml.dump(
            document,
            Dumper=_Dumper,
            sort_keys=False,
            default_flow_style=False,
            allow_unicode=False,
            width=float("inf"),
        )
        for document in documents
    ]
    return "".join(f"# {line}\n" for line in header.splitlines()) + "---\n" + "---\n".join(texts)


class _Dumper(Dumper):
    """Quotes all but plain words."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(text) is not None and reading(text) == "text"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _represent)


class _Loader(yaml.SafeLoader):
    """No aliases: a few of them make a small file endless."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise Unreadable("it has aliases")
        return super().compose_node(parent, index)


@lru_cache(maxsize=8)
def parse(text: str) -> tuple[Any, ...]:
    """The documents of a file, empty ones left out.  Raises Unreadable."""
    if len(text) > _LARGEST:
        raise Unreadable(f"it has more than {_LARGEST} characters")
    try:
        return tuple(item for item in yaml.load_all(text, _Loader) if item is not None)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise Unreadable(f"it is no YAML{where}") from None
    except (RecursionError, ValueError, TypeError) as error:  # dates and keys that are none
        raise Unreadable(f"it is no YAML: {shown(str(error), _SHOWN)}") from None


def difference(wanted: str, have: str) -> str:
    """What a file differs in, empty where it says the same in other words or another order.

    A value that is not ours is named and never repeated: it could be a secret.
    """
    if wanted == have:
        return ""
    try:
        theirs, ours = _by_kind(parse(have)), _by_kind(parse(wanted))
    except Unreadable as error:
        return str(error)
    found = list(_compare(ours, theirs, ""))
    if not found:
        return ""
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{found[0]}{more}"


def _by_kind(documents: tuple[Any, ...]) -> dict[str, Any]:
    """Documents by their kind, for their order means nothing; a lone one without kind is all."""
    if len(documents) == 1 and isinstance(documents[0], dict) and "kind" not in documents[0]:
        return documents[0]
    found: dict[str, Any] = {}
    for number, document in enumerate(documents):
        kind = document.get("kind") if isinstance(document, dict) else None
        name = kind if isinstance(kind, str) and kind not in found else f"document {number + 1}"
        found[name] = document
    return found


def _compare(ours: Any, theirs: Any, path: str) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            below = f"{path}.{key}" if path else str(key)
            if key not in theirs:
                yield f"{below} is missing"
            else:
                yield from _compare(value, theirs[key], below)
        for key in [key for key in theirs if key not in ours]:
            yield f"{path}.{shown(str(key))}".lstrip(".") + " is not declared"
    elif type(ours) is not type(theirs) or ours != theirs:
        same_kind = isinstance(theirs, (str, int, float)) and not isinstance(ours, (dict, list))
        yield f"{path} is {shown(str(theirs), _SHOWN)}" if same_kind else f"{path} differs"
