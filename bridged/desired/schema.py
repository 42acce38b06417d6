"""The JSON Schema of the state file, for editors and for checks before a file reaches a node.

It is made from the grammar, as the reader of the file is, and says of every key what it is for.
It knows what single values may be; what must hold between objects is left to `bridgedctl validate`.

``python -m bridged.desired.schema`` prints it; the repository keeps it in
``config/state.schema.json``.
"""

import json
import sys
from typing import Any

from bridged.desired.grammar import (
    Boolean,
    Choice,
    Expected,
    Integer,
    Key,
    List,
    Parameter,
    Record,
    Table,
    Text,
    grammar,
)
from bridged.desired.rules import SECTIONS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SYSCTL_KEY = r"^[^-./\s*?=\[\]][^\s*?=\[\]]*[./][^\s*?=\[\]]*[^./\s*?=\[\]]$"
_ONE_LINE = r"^[^\n\r\u0000]*$"


def schema() -> dict[str, Any]:
    """The schema as plain values."""
    root = grammar()
    described = _record(root, "State of a node")
    described["description"] = (
        "The bridges, VLANs, kernel modules, sysctls, files, packages and container runtime that "
        "bridged keeps on this node."
    )
    # A file with none of its sections is refused: emptiness must be said.
    described["anyOf"] = [{"required": [section]} for section in SECTIONS]
    sysctls = described["properties"]["sysctls"]
    sysctls["propertyNames"] = {"pattern": _SYSCTL_KEY}
    for name in ("modules", "protect", "probes"):
        described["properties"][name]["uniqueItems"] = True
    for name in ("present", "absent"):
        described["properties"]["packages"]["properties"][name]["uniqueItems"] = True
    return {"$schema": DIALECT, **described}


def text() -> str:
    """The schema as the file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _value(expected: Expected) -> dict[str, Any]:
    match expected:
        case Boolean():
            return {"type": "boolean"}
        case Integer(low=low, high=high):
            bounds = {"minimum": low, "maximum": high}
            return {"type": "integer", **{k: v for k, v in bounds.items() if v is not None}}
        case Choice(options=(only,)):
            return {"const": only}
        case Choice(options=options):
            return {"enum": list(options)}
        case Text(pattern=pattern):
            return {"type": "string", "pattern": pattern or _ONE_LINE}
        case List(item=item):
            return {"type": "array", "items": _value(item)}
        case Table(key=key, item=item):
            names = {"propertyNames": {"pattern": key.pattern}} if key.pattern else {}
            return {"type": "object", "additionalProperties": _value(item), **names}
        case Parameter(record=record):
            return {
                "anyOf": [
                    {"title": "number", "type": "integer"},
                    {"title": "text", "type": "string", "pattern": _ONE_LINE},
                    {**_record(record, "at least"), "type": "object"},
                ]
            }
        case Record(shorthand=shorthand) if shorthand:
            name = expected.keys[shorthand]
            short = {"title": "name", "description": name.doc, **_value(name.expected)}
            kinds = [_record(kind, kind.models[0].__name__) for kind in expected.kinds()]
            return {"anyOf": [short, *kinds]}
        case Record():
            return _record(expected, expected.models[0].__name__)


def _record(record: Record, title: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "title": title,
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _key(key) for name, key in record.keys.items()},
    }
    if len(record.models) == 1 and record.models[0].__doc__:
        described["description"] = " ".join(record.models[0].__doc__.split())
    for one_of in (getattr(model, "one_of", ()) for model in record.models[:1]):
        if one_of:
            described["oneOf"] = [{"required": [name]} for name in one_of]
    required = [name for name, key in record.keys.items() if key.required]
    return {**described, "required": required} if required else described


def _key(key: Key) -> dict[str, Any]:
    described = {"description": key.doc, **_value(key.expected)}
    if isinstance(key.default, bool | int | str):
        described["default"] = key.default
    if key.example:
        example = int(key.example) if isinstance(key.expected, Integer) else key.example
        described["examples"] = [example]
    return described


if __name__ == "__main__":
    sys.stdout.write(text())
