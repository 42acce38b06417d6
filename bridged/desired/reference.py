"""The reference of the state file for operators, as Markdown.

``python -m bridged.desired.reference`` prints it; the repository keeps it in
``docs/state-file.md``.
"""

import sys
from collections.abc import Iterator

from bridged.desired.grammar import (
    Boolean,
    Expected,
    Key,
    List,
    Parameter,
    Record,
    Table,
    Text,
    grammar,
)

_HEAD = """\
# The state file

`/etc/bridged/state.yaml` declares what this node has; files in `/etc/bridged/state.d` whose names
end in `.yaml` are laid over it in the order of their names. What is not declared is left as it is.
`bridgedctl validate` reads the files as the agent does and says what is wrong with them; the agent
keeps the last good state in force meanwhile.

Rules of the file:

- A key is known or the file is refused; so is a key that is written twice.
- Truth values are `true` and `false` (`yes`, `no`, `on` and `off` mean the same), without quotes.
  Numbers are decimal, without leading zeros and without quotes.
- One YAML document; no anchors, aliases, merge keys or tags.
- A key without a value is refused: an empty list is `[]`, an empty mapping `{}`.
- A section that is not written says nothing about its objects. `bridges: {}` says that there are to
  be none.
- The files and their directories belong to root and nobody else can write them.

Rules of merging: bridges merge by name and their ports by device, property by property; sysctls
merge by the parameter that they name. Of the same property the later file's value holds. Lists
of names (modules, protected interfaces, probes, packages) are united. Within one file nothing may
be declared twice, in whatever spelling.
"""

_PORTS = """\
A port is a network card, or a VLAN if it has `vlan` and `parent`. `enp13s0f0` alone is short for
`{name: enp13s0f0}`. A card can be a port of one bridge and the parent of VLANs of others.
"""

_SYSCTLS = """\
Keys are written as in sysctl.d(5): if the first separator is a dot, dots separate and a slash
stands for a dot in a name (`net.ipv6.conf.enp13s0f0/6.disable_ipv6`); if it is a slash, slashes
separate. The value is a whole number, text, or `{at-least: NUMBER}` where a larger value is as
good.
"""

_PACKAGES = """\
A package that another distribution calls otherwise may be written under either name
(`device-mapper-multipath` or `multipath-tools`, `docker` or `docker.io`); one that provides the
name counts as well. A name that no repository of the host knows is reported with those that are
like it.
"""

_CONTAINERD = """\
The configuration is read as containerd does, with its `imports`, in version 2 or 3 of its form;
values that differ are changed in the file that decides, everything else in it stays, and what was
there is kept beside it as `config.toml.before-bridged`.
"""


def reference() -> str:
    """The whole reference."""
    return "\n".join(_sections())


def _sections() -> Iterator[str]:
    root = grammar()
    yield _HEAD
    yield _table("The file", root)
    bridges = root.keys["bridges"].expected
    assert isinstance(bridges, Table)
    assert isinstance(bridges.item, Record)
    yield _table("A bridge", bridges.item)
    ports = bridges.item.keys["ports"].expected
    assert isinstance(ports, List)
    assert isinstance(ports.item, Record)
    nic, vlan = ports.item.kinds()
    yield _table("A port that is a network card", nic, _PORTS)
    yield _table("A port that is a VLAN", vlan)
    offloads = nic.keys["offloads"].expected
    assert isinstance(offloads, Record)
    yield _table("Offloads of a card", offloads)
    maintenance = root.keys["maintenance"].expected
    assert isinstance(maintenance, Record)
    yield _table("A maintenance window", maintenance)
    sysctls = root.keys["sysctls"].expected
    assert isinstance(sysctls, Table)
    assert isinstance(sysctls.item, Parameter)
    yield _table("A sysctl", sysctls.item.record, _SYSCTLS)
    packages = root.keys["packages"].expected
    assert isinstance(packages, Record)
    yield _table("Packages", packages, _PACKAGES)
    runtime = root.keys["runtime"].expected
    assert isinstance(runtime, Record)
    yield _table("The container runtime", runtime)
    containerd = runtime.keys["containerd"].expected
    assert isinstance(containerd, Record)
    yield _table("containerd", containerd, _CONTAINERD)


def _table(title: str, record: Record, text: str = "") -> str:
    rows = [f"## {title}", ""]
    if text:
        rows += [text]
    rows += ["| key | value | if left out | meaning |", "| --- | --- | --- | --- |"]
    rows += [_row(key) for key in record.keys.values()]
    return "\n".join(rows) + "\n"


def _row(key: Key) -> str:
    example = f", such as `{key.example}`" if key.example else ""
    if isinstance(key.expected, Text) and " such as " in key.expected.words:
        example = ""
    cells = (f"`{key.name}`", _words(key.expected) + example, _default(key), key.doc)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _words(expected: Expected) -> str:
    match expected:
        case List(item=Record()):
            return "a list of ports"
        case List(item=Text(what=what)):
            return f"a list; each item is {what}"
        case Record(shorthand=""):
            return "a mapping, see below"
        case Table(item=Record()):
            return "a mapping of names to bridges"
        case Table():
            return "a mapping of keys to values"
        case _:
            return expected.words


def _default(key: Key) -> str:
    if key.required:
        return "must be written"
    if key.default is None:
        return "left as it is" if not isinstance(key.expected, Text) else "see there"
    if isinstance(key.expected, Boolean):
        return "`true`" if key.default else "`false`"
    return "none" if key.default == () else f"`{key.default}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
