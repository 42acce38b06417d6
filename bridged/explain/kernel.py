"""Modules, sysctls and boot files: values, and who sets them at boot."""

from bridged.desired.names import sysctl_path
from bridged.desired.state import Minimum, State
from bridged.explain.places import Places
from bridged.explain.records import BootLine, PropertyView
from bridged.observe.host import Host
from bridged.plan.boot import FILES, MINIMUMS, MODULES, SYSCTLS, contents
from bridged.plan.kernel import provider, satisfied, wanted_text

Parts = tuple[tuple[PropertyView, ...], tuple[tuple[str, str], ...], tuple[BootLine, ...]]
"""Properties, facts and boot lines."""


def module_parts(state: State, host: Host, name: str, places: Places) -> Parts:
    """A module: whether it is there, and who loads or forbids it at boot."""
    have = host.modules.get(name)
    row = PropertyView(
        "state",
        "loaded",
        places.of("modules", name),
        "not read" if have is None else have,
        differs=have is not None and have == "absent",
    )
    lines = tuple(
        BootLine(entry.file, entry.value, wins=entry.value == name, ours=entry.file == MODULES)
        for entry in host.boot_modules.get(name, ())
    )
    facts: list[tuple[str, str]] = []
    if have == "builtin":
        facts.append(("kernel", "built in: nothing has to be loaded and it cannot be unloaded"))
    brings = sorted(p for p in state.sysctls or {} if provider(p) == name)
    if brings:
        facts.append(("brings", ", ".join(brings)))
    return (row,), tuple(facts), lines


def sysctl_parts(state: State, host: Host, key: str, places: Places) -> Parts:
    """A sysctl: its value, and every sysctl.d line about it in the order of application."""
    path = sysctl_path(key)
    wish = (state.sysctls or {}).get(path)
    seen = host.sysctls.get(path)
    if wish is None:
        return (), (), ()
    value = seen.value if seen else None
    wanted = wanted_text(wish)
    row = PropertyView(
        "value",
        f"at least {wanted}" if isinstance(wish, Minimum) else wanted,
        places.of("sysctls", path),
        value if value is not None else "no such key" if seen else "not read",
        differs=value is None or not satisfied(wish, value, path),
    )
    assigned = host.boot_sysctls.get(path, ())
    lines = tuple(
        BootLine(
            entry.file,
            f"{path} = {entry.value}",
            wins=number == len(assigned),
            ours=entry.file in {SYSCTLS, MINIMUMS},
        )
        for number, entry in enumerate(assigned, 1)
    )
    module = provider(path)
    facts = [("file", f"/proc/sys/{path}")]
    if module:
        there = host.modules.get(module, "not read")
        facts.append(("comes with", f"module {module} ({there})"))
    return (row,), tuple(facts), lines


def file_parts(state: State, host: Host, path: str) -> Parts:
    """A boot file of ours: whether it is as it has to be, and what it has to say."""
    if path not in FILES:
        return (), (), ()
    want, have = contents(state, host)[path], host.files.get(path)
    row = PropertyView(
        "content",
        "absent" if want is None else "as declared",
        "derived",
        "as declared" if have == want else "missing" if have is None else "different",
        differs=have != want,
    )
    lines = tuple(
        BootLine(path, line, ours=True)
        for line in (want or "").splitlines()
        if line and not line.startswith("#")
    )
    return (row,), (), lines
