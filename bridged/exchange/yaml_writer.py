"""Writing YAML: a state file with its comments, and documents for other programs."""

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from bridged.desired.names import sysctl_key
from bridged.desired.scalars import reading
from bridged.dumper import Dumper

WIDTH = 100
Comments = Mapping[tuple[str, ...], str]
"""Comments by the path of what they stand above: ``("bridges", "br-lan", "ports", "enp13s0f0")``;
ports go by their device, items of lists by their name."""

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./+-]*")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def state_text(data: Mapping[str, Any], comments: Comments, header: str) -> str:
    """A state file that declares `data`: plain values as the loader gives them (`Loaded.data`),
    sysctls by their path below /proc/sys.  `header` is the comment at the top."""
    blocks = [_comment(header, ""), [f"version: {data['version']}"]]
    for section, value in data.items():
        if section == "version":
            continue
        above = _comment(comments.get((section,), ""), "")
        if section == "bridges" and value:
            blocks.append([*above, "bridges:"])
            blocks += [_bridge(name, item, comments) for name, item in value.items()]
        elif section == "sysctls" and value:
            blocks.append([*above, "sysctls:", *_sysctls(value, comments)])
        elif isinstance(value, (list, tuple)) and value:
            blocks.append([*above, *_names(section, value, comments)])
        else:
            blocks.append([*above, f"{section}: {_flow(value)}"])
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def documents_text(documents: Iterable[Any], header: str = "") -> str:
    """YAML documents one after the other; text that a reader of YAML 1.1 or 1.2 could take for
    something else stands in quotes, text of several lines in blocks."""
    texts = [
        yaml.dump(
            document, Dumper=_Dumper, sort_keys=False, allow_unicode=False, default_flow_style=False
        )
        for document in documents
    ]
    head = "\n".join(_comment(header, ""))
    return (f"{head}\n" if head else "") + "---\n" + "---\n".join(texts)


def scalar(value: Any) -> str:
    """A single value as it is written in a state file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and reading(text) == "text":
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return scalar(value)


def _comment(text: str, indent: str) -> list[str]:
    lines = []
    for row in text.splitlines():
        printable = "".join(char if char.isprintable() else "?" for char in row)
        wrapped = textwrap.wrap(
            printable, WIDTH - len(indent) - 2, break_long_words=False, break_on_hyphens=False
        )
        lines += [f"{indent}# {line}".rstrip() for line in wrapped or [""]]
    return lines


def _bridge(name: str, bridge: Mapping[str, Any], comments: Comments) -> list[str]:
    """One bridge: on one line where it fits and nothing is to be said inside."""
    path = ("bridges", name)
    above = _comment(comments.get(path, ""), "  ")
    ports = [_short(port) for port in bridge.get("ports", ())]
    inside = any(key[:2] == path and len(key) > 2 for key in comments)
    line = f"  {scalar(name)}: {_flow({**bridge, 'ports': ports} if ports else bridge)}"
    if not bridge or (not inside and len(line) <= WIDTH):
        return [*above, line]
    lines = [*above, f"  {scalar(name)}:"]
    for key, value in bridge.items():
        lines += _comment(comments.get((*path, key), ""), "    ")
        if key != "ports":
            lines.append(f"    {key}: {_flow(value)}")
            continue
        lines.append("    ports:")
        for port, short in zip(value, ports, strict=True):
            lines += _comment(comments.get((*path, "ports", device(port)), ""), "      ")
            lines += _item(short)
    return lines


def _item(port: Any) -> list[str]:
    """A port as an item of a list: on one line where it fits."""
    line = f"      - {_flow(port)}"
    if len(line) <= WIDTH or not isinstance(port, Mapping):
        return [line]
    rows = [f"{key}: {_flow(value)}" for key, value in port.items()]
    return [f"      - {rows[0]}", *(f"        {row}" for row in rows[1:])]


def device(port: Mapping[str, Any]) -> str:
    """The name of the interface that a port is."""
    return str(port["name"] if "name" in port else f"{port['parent']}.{port['vlan']}")


def _short(port: Mapping[str, Any]) -> Any:
    """A card of which nothing else is said is its name alone."""
    return port["name"] if set(port) == {"name"} else port


def _sysctls(values: Mapping[str, Any], comments: Comments) -> list[str]:
    """Lines of parameters; a comment holds until the next one, so it is written once."""
    lines: list[str] = []
    said = ""
    for path, value in values.items():
        comment = comments.get(("sysctls", path), "")
        if comment and comment != said:
            lines += _comment(comment, "  ")
        said = comment or said
        lines.append(f"  {scalar(sysctl_key(path))}: {_flow(value)}")
    return lines


def _names(section: str, names: Iterable[str], comments: Comments) -> list[str]:
    """A list of names: on one line, or one a line where each has something to be said."""
    names = list(names)
    line = f"{section}: {_flow(names)}"
    if len(line) <= WIDTH and not any(key[0] == section and len(key) > 1 for key in comments):
        return [line]
    lines, said = [f"{section}:"], ""
    for name in names:
        comment = comments.get((section, name), "")
        if comment and comment != said:
            lines += _comment(comment, "  ")
        said = comment or said
        lines.append(f"  - {scalar(name)}")
    return lines


class _Dumper(Dumper):
    """Quotes what would be read as something else than text."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text:
        style = "|"
    elif reading(text) != "text":
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)
