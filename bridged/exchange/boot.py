"""From what is set at boot to the sections `modules` and `sysctls`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridged.desired.names import (
    module_name,
    module_problem,
    sysctl_key,
    sysctl_path,
    sysctl_problem,
    sysctl_value,
)
from bridged.desired.scalars import reading
from bridged.exchange.notes import Notes
from bridged.observe.boot_files import BootFile
from bridged.observe.host import Host, ModuleState
from bridged.plan.boot import MINIMUMS

FOR_MACHINES = ("overlay", "br_netfilter", "kvm", "vhost_net", "dm_crypt")
"""What a node of virtual machines needs; loaded, these are worth declaring even where no file
names them."""
_DIGITS = 18


@dataclass(frozen=True)
class Found:
    """What the files of the owner ask for: modules and sysctls, each with the file it is from."""

    modules: Mapping[str, str] = field(default_factory=dict)
    sysctls: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By path below /proc/sys: value and file."""


def parse(files: Iterable[BootFile], notes: Notes) -> Found:
    """What the files ask for that did not come with the distribution."""
    modules: dict[str, str] = {}
    sysctls: dict[str, tuple[str, str]] = {}
    for file in files:
        if file.shipped:
            continue
        for number, row in enumerate(file.text.splitlines(), 1):
            line = row.strip()
            if not line or line[0] in "#;":
                continue
            at = f"{file.path}:{number}"
            if file.kind == "modules-load.d":
                _module(line, file.path, at, modules, notes)
            else:
                _sysctl(line, file.path, at, sysctls, notes)
    return Found(modules, sysctls)


def _module(line: str, path: str, at: str, modules: dict[str, str], notes: Notes) -> None:
    problem = module_problem(line)
    if problem:
        notes.lose(at, problem)
        return
    modules.setdefault(module_name(line), path)


def _sysctl(
    line: str, path: str, at: str, sysctls: dict[str, tuple[str, str]], notes: Notes
) -> None:
    key, equals, value = line.partition("=")
    key = key.strip().removeprefix("-").strip()
    if not equals:
        return  # `-key` alone takes a key out of a pattern
    problem = sysctl_problem(key)
    if problem:
        pattern = any(char in key for char in "*?[")
        why = f"{key} stands for several parameters" if pattern else problem
        notes.lose(at, why, "write each of them under sysctls" if pattern else "")
        return
    found = sysctl_path(key)
    sysctls.pop(found, None)  # the last file counts, and the order of a file stays
    sysctls[found] = (sysctl_value(value), path)


def modules_section(
    found: Found, states: Mapping[str, ModuleState], notes: Notes
) -> tuple[list[str], dict[str, str]]:
    """Modules to declare, and where each comes from."""
    names: list[str] = []
    comments: dict[str, str] = {}
    wanted = list(found.modules)
    # In the order of the reference, the others behind.
    for name in sorted({*wanted, *FOR_MACHINES}, key=lambda n: _order(n, wanted)):
        state, file = states.get(name, "absent"), found.modules.get(name)
        if file and state == "absent":
            notes.lose(file, f"the module {name} is not loaded", "declare it if it is wanted")
        elif file:
            names.append(name)
            comments[name] = file
        elif state == "loaded":
            names.append(name)
            comments[name] = "loaded now, and named in no file of modules-load.d"
    return names, comments


def _order(name: str, wanted: list[str]) -> tuple[int, int]:
    if name in FOR_MACHINES:
        return 0, FOR_MACHINES.index(name)
    return 1, wanted.index(name)


def sysctls_section(
    found: Found, host: Host, notes: Notes
) -> tuple[dict[str, Any], dict[str, str]]:
    """Sysctls to declare by path, and where each comes from."""
    values: dict[str, Any] = {}
    comments: dict[str, str] = {}
    for path, (value, file) in found.sysctls.items():
        number = _number(value)
        minimum = file == MINIMUMS and number is not None
        values[path] = {"at-least": number} if minimum else value if number is None else number
        comments[path] = file
        seen = host.sysctls.get(path)
        if seen is None or seen.value is None:
            notes.tell(file, f"{sysctl_key(path)} does not exist now; declared as the file has it")
        elif seen.value != value and not (minimum and _above(seen.value, value)):
            notes.tell(
                file,
                f"{sysctl_key(path)} is {seen.value} now; declared as the file has it, {value}",
            )
    return values, comments


def _number(text: str) -> int | None:
    plain = reading(text) == "integer" and len(text) <= _DIGITS
    return int(text) if plain else None


def _above(have: str, least: str) -> bool:
    number = _number(have)
    return number is not None and number >= int(least)
