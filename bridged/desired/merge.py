"""From the values of several files to those of the whole state.

Files are merged in their order.  Bridges merge by name and ports by device, property by property;
sysctls by the parameter that they name; of the same property the later file's value holds.
Lists of names are united.  The same thing twice within one file is a mistake.
"""

from collections.abc import Callable, Sequence

from bridged.desired.errors import shown
from bridged.desired.match import label
from bridged.desired.names import module_name, sysctl_path, sysctl_problem
from bridged.desired.shape import Located
from bridged.desired.source import Problems

Path = tuple[str, ...]
"""Names from the top down: ``("bridges", "br-lan", "ports", "enp13s0f0", "mtu")``; items of lists
go by their names."""


def normal(tree: Located, problems: Problems) -> Located:
    """One file's values with every name in the spelling to compare by.

    Sysctls become paths below /proc/sys, modules are spelt as the kernel does.  What occurs twice
    in two spellings goes to `problems`.
    """
    sections = dict(tree.value)
    if "sysctls" in sections:
        sections["sysctls"] = _sysctls(sections["sysctls"], problems)
    if "modules" in sections:
        sections["modules"] = _unique(sections["modules"], _module, "the module", problems)
    if "protect" in sections:
        sections["protect"] = _unique(sections["protect"], _as_is, "the interface", problems)
    if "probes" in sections:
        sections["probes"] = _unique(sections["probes"], _as_is, "the probe", problems)
    if "packages" in sections:
        lists = sections["packages"].value
        unique = {
            key: _unique(lists[key], _as_is, "the package", problems)
            for key in ("present", "absent")
            if key in lists
        }
        sections["packages"] = _with(sections["packages"], {**lists, **unique})
    if "bridges" in sections:
        bridges = sections["bridges"]
        sections["bridges"] = _with(
            bridges, {name: _bridge(item, problems) for name, item in bridges.value.items()}
        )
    return _with(tree, sections)


def merge(trees: Sequence[Located]) -> Located:
    """The values of all files, each with the place where it was written last."""
    merged, *later = trees
    for tree in later:
        merged = _over(merged, tree)
    return merged


def device(port: Located) -> str:
    """Name of the device that a port is, empty where it does not tell."""
    fields = port.value
    if "name" in fields:
        return str(fields["name"].value)
    parent = str(fields["parent"].value) if "parent" in fields else _matched(fields)
    if "vlan" in fields:
        return f"{parent}.{fields['vlan'].value}" if parent else ""
    return "" if "parent" in fields else parent


def _matched(fields: dict[str, Located]) -> str:
    """The label of a `match`, empty where there is none."""
    match = fields["match"].value if "match" in fields else {}
    mac, path = (str(match[key].value) if key in match else "" for key in ("mac", "path"))
    return label(mac, path) if mac or path else ""


def find(tree: Located, path: Sequence[str | int]) -> Located:
    """What stands at `path`, or the nearest thing above it.  Parts that lead nowhere are skipped,
    so that it also follows the paths of pydantic's errors."""
    here = tree
    for part in path:
        if isinstance(here.value, dict) and part in here.value:
            here = here.value[part]
        elif isinstance(here.value, list):
            found = _item(here.value, part)
            here = found or here
    return here


def _item(items: list[Located], part: str | int) -> Located | None:
    if isinstance(part, int):
        return items[part] if part < len(items) else None
    return next((item for item in items if _name(item) == part), None)


def _name(item: Located) -> str:
    return device(item) if isinstance(item.value, dict) else str(item.value)


def _with(item: Located, value: object) -> Located:
    return Located(value, item.place, item.key)


def _as_is(item: Located) -> Located:
    return item


def _module(item: Located) -> Located:
    return _with(item, module_name(item.value))


def _unique(
    items: Located, spell: Callable[[Located], Located], what: str, problems: Problems
) -> Located:
    """The items in their right spelling, each once."""
    first: dict[str, Located] = {}
    for item in items.value:
        spelt = spell(item)
        before = first.setdefault(spelt.value, item)
        if before is not item:
            both = "" if before.value == item.value else f' (as "{shown(before.value)}")'
            problems.add(
                item.place,
                f'{what} "{shown(item.value)}" is listed twice, '
                f"first in line {before.place.line}{both}",
                "remove one of them",
            )
    return _with(items, [spell(item) for item in first.values()])


def _sysctls(section: Located, problems: Problems) -> Located:
    found: dict[str, Located] = {}
    spelling: dict[str, str] = {}
    for key, item in section.value.items():
        problem = sysctl_problem(key)
        if problem:
            problems.add(item.start, problem, _sysctl_remedy(key))
            continue
        path = sysctl_path(key)
        before = found.setdefault(path, item)
        first = spelling.setdefault(path, key)
        if before is not item:
            problems.add(
                item.start,
                f"`{shown(key, 80)}` and `{shown(first, 80)}` in line {before.start.line} "
                "are the same parameter",
                "keep one of them",
            )
    return _with(section, found)


def _sysctl_remedy(key: str) -> str:
    for prefix in ("/proc/sys/", "proc/sys/", "sys/"):
        if key.startswith(prefix):
            return f"write {shown(key.removeprefix(prefix), 80)}"
    bare = key.lstrip("-").split("=")[0].strip()
    if bare != key and not sysctl_problem(bare):
        return f"write {shown(bare, 80)}: and the value behind it"
    return ""


def _bridge(bridge: Located, problems: Problems) -> Located:
    """A bridge whose ports are each listed once."""
    if "ports" not in bridge.value:
        return bridge
    first: dict[str, Located] = {}
    for port in bridge.value["ports"].value:
        name = device(port)
        before = first.setdefault(name, port) if name else port
        if before is not port:
            problems.add(
                port.place,
                f"`{shown(name)}` is listed twice as a port of this bridge, "
                f"first in line {before.place.line}",
                "remove one of them",
            )
    return bridge


def _over(base: Located, later: Located) -> Located:
    """`later` laid over `base`."""
    if isinstance(base.value, dict) and isinstance(later.value, dict):
        merged = dict(base.value)
        for key, item in later.value.items():
            merged[key] = _over(merged[key], item) if key in merged else item
        return _with(base, merged)
    if isinstance(base.value, list) and isinstance(later.value, list):
        return _with(base, _union(base.value, later.value))
    return later


def _union(base: list[Located], later: list[Located]) -> list[Located]:
    """Items of both lists; those of the same name merge, those without a name stay apart."""
    united = list(base)
    index = {_name(item): number for number, item in enumerate(base) if _name(item)}
    for item in later:
        number = index.get(_name(item))
        if number is None:
            united.append(item)
        elif isinstance(item.value, dict):
            united[number] = _over(united[number], item)
    return united
