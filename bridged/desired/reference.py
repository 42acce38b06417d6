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
from bridged.desired.match import Match
from bridged.desired.when import Present, When

HEAD = """\
# The state file

`/etc/bridged/state.yaml` declares what this node has; files in `/etc/bridged/state.d` whose names
end in `.yaml` are laid over it in the order of their names. What is not declared is left as it is.
`bridgedctl validate` reads the files as the agent does and says what is wrong with them; the agent
keeps the last good state in force meanwhile.

Rules of the file:

- A key is known or the file is refused; so is a key that is written twice.
- Truth values are `true` and `false` (`yes`, `no`, `on` and `off` mean the same), without quotes.
  Numbers are decimal, without leading zeros and without quotes; so are VLAN ids in a range
  (`10-20`) and the port behind an address (`192.0.2.1:443`), as a part of a text.
- One YAML document; no anchors, aliases, merge keys or tags.
- A key without a value is refused: an empty list is `[]`, an empty mapping `{}`.
- A file without content is refused, and so is a drop-in of nothing but `version` and `when`: it may
  be unfinished.
- A section that is not written says nothing about its objects. `bridges: {}` says that there are to
  be none.
- The files and their directories belong to root and nobody else can write them.

Rules of merging: bridges merge by name and their ports by device, property by property; sysctls
merge by the parameter that they name. Of the same property the later file's value holds. Lists
of names (modules, protected interfaces, probes, packages) are united. Within one file nothing may
be declared twice, in whatever spelling.
"""

PORTS = """\
A port is a network card, or a VLAN if it has `vlan`. `enp13s0f0` alone is short for
`{name: enp13s0f0}`. A card can be a port of one bridge and the parent of VLANs of others. Where
names differ from node to node, `match` tells the card instead.
"""

KUBERNETES = """\
`kubernetes` holds the values from which `bridgedctl render kubeadm` and `bridgedctl render cilium`
make their files; with `file` these are kept on the node. Networks are IPv4. There is no place for
tokens and keys: kubeadm makes them.
"""

SYSCTLS = """\
Keys are written as in sysctl.d(5): if the first separator is a dot, dots separate and a slash
stands for a dot in a name (`net.ipv6.conf.enp13s0f0/6.disable_ipv6`); if it is a slash, slashes
separate. The value is a whole number, text, or `{at-least: NUMBER}` where a larger value is as
good: more is never lowered, and a boot file asks for a minimum only where the node once had less.
`kernel.modules_disabled` is set by bridged once the network and all modules are as declared (until
then it is `pending`: a card that comes later needs its driver), and stands in no boot file.
"""

WHEN = """\
A drop-in with `when:` is part of the state of those nodes for which all of it holds. An item of
`nic-present` is a name or `{match: ...}`.
"""

PACKAGES = """\
A package that another distribution calls otherwise may be written under either name
(`device-mapper-multipath` or `multipath-tools`, `docker` or `docker.io`); one that provides the
name counts as well. A name that no repository of the host knows is reported with those that are
like it.
"""

CONTAINERD = """\
The configuration is read as containerd does, with its `imports`, in version 2 or 3 of its form;
values that differ are changed in the file that decides, everything else in it stays, and what was
there is kept beside it as `config.toml.before-bridged`.
"""


def reference() -> str:
    """The whole reference."""
    return "\n".join([HEAD, *(_table(*section) for section in sections())])


def sections() -> Iterator[tuple[str, Record, str]]:
    """Every record of the file: its title, its keys, and what is to be said before them."""
    root = grammar()
    yield "The file", root, ""
    bridges = root.keys["bridges"].expected
    assert isinstance(bridges, Table)
    assert isinstance(bridges.item, Record)
    yield "A bridge", bridges.item, ""
    ports = bridges.item.keys["ports"].expected
    assert isinstance(ports, List)
    assert isinstance(ports.item, Record)
    nic, vlan = ports.item.kinds()
    yield "A port that is a network card", nic, PORTS
    yield "A port that is a VLAN", vlan, ""
    match = nic.keys["match"].expected
    assert isinstance(match, Record)
    yield "A `match`", match, ""
    offloads = nic.keys["offloads"].expected
    assert isinstance(offloads, Record)
    yield "Offloads of a card", offloads, ""
    maintenance = root.keys["maintenance"].expected
    assert isinstance(maintenance, Record)
    yield "A maintenance window", maintenance, ""
    kubernetes = root.keys["kubernetes"].expected
    assert isinstance(kubernetes, Record)
    yield "Kubernetes", kubernetes, KUBERNETES
    for title, name in (("kubeadm.conf", "kubeadm"), ("cilium-values.yaml", "cilium")):
        kept = kubernetes.keys[name].expected
        assert isinstance(kept, Record)
        yield title, kept, ""
    sysctls = root.keys["sysctls"].expected
    assert isinstance(sysctls, Table)
    assert isinstance(sysctls.item, Parameter)
    yield "A sysctl", sysctls.item.record, SYSCTLS
    packages = root.keys["packages"].expected
    assert isinstance(packages, Record)
    yield "Packages", packages, PACKAGES
    runtime = root.keys["runtime"].expected
    assert isinstance(runtime, Record)
    yield "The container runtime", runtime, ""
    containerd = runtime.keys["containerd"].expected
    assert isinstance(containerd, Record)
    yield "containerd", containerd, CONTAINERD
    when = root.keys["when"].expected
    assert isinstance(when, Record)
    yield "For which nodes a drop-in is", when, WHEN


def _table(title: str, record: Record, text: str) -> str:
    rows = [f"## {title}", ""]
    if text:
        rows += [text]
    rows += ["| key | value | if left out | meaning |", "| --- | --- | --- | --- |"]
    rows += [_row(key, record) for key in record.keys.values()]
    return "\n".join(rows) + "\n"


def _row(key: Key, record: Record) -> str:
    example = f", such as `{key.example}`" if key.example else ""
    if isinstance(key.expected, Text) and " such as " in key.expected.words:
        example = ""
    cells = (f"`{key.name}`", words(key.expected) + example, default(key, record), key.doc)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def words(expected: Expected) -> str:
    """What is expected, in words."""
    match expected:
        case List(item=Record(models=(model, *_))) if model is Present:
            return "a list of names or `{match: ...}`"
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


def default(key: Key, record: Record) -> str:
    """What a key of `record` that is left out means."""
    if record.models[0] in {When, Match}:
        return "any"
    if key.required:
        return "must be written"
    if key.default is None and "left out" in key.doc:
        return "see there"
    if key.default is None:
        told = isinstance(key.expected, Text) or key.name == "match"
        return "see there" if told else "left as it is"
    if isinstance(key.expected, Boolean):
        return "`true`" if key.default else "`false`"
    return "none" if key.default == () else f"`{key.default}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
