"""What the agent's imports hold in memory, measured in processes that do nothing else.

    python3 -c 'from tests.bench.imports import main; main()' [order|packages|GROUP]

Prints kB as JSON.  It imports as little as it can before it has looked: whatever is there already
is the interpreter's, and so would be blamed on nobody.
"""

import sys

GROUPS = {
    "hashlib, ssl": ("hashlib", "ssl"),
    "HTTP, e-mail": ("http.server", "email.message", "urllib.parse"),
    "structlog": ("structlog",),
    "pydantic": ("pydantic.main", "pydantic.fields", "pydantic.types"),
    "yaml": ("yaml",),
    "gi, pydbus": ("gi.repository.GLib", "gi.repository.Gio", "pydbus"),
    "pyroute2": ("bridged.rtnetlink",),
    "prometheus_client": ("prometheus_client", "prometheus_client.core"),
    "watchfiles": ("bridged.agent.state_watcher",),
    "bridged.desired": ("bridged.desired.loader",),
    "bridged": ("bridged.agent.main",),
}
"""What the agent imports, in an order in which each finds what it builds on: a module that several
need counts with the first.  pyroute2 and watchfiles are imported as bridged does, without what it
has no use for."""
_OURS = ("bridged.desired", "bridged")


def memory() -> dict[str, int]:
    """RSS, and how much of it is anonymous: heaps and stacks, no file's."""
    rows = {}
    with open("/proc/self/smaps_rollup") as lines:
        for line in list(lines)[1:]:
            words = line.split()
            rows[words[0]] = int(words[1])
    return {"rss": rows["Rss:"], "anonymous": rows["Anonymous:"]}


def in_order() -> dict[str, dict[str, int]]:
    """What each group adds to a process that did nothing yet."""
    found = {"the interpreter": memory() | {"modules": len(sys.modules)}}
    for group in GROUPS:
        before, modules = memory(), len(sys.modules)
        _bring(group)
        now = memory()
        added = {key: now[key] - before[key] for key in now}
        found[group] = added | {"modules": len(sys.modules) - modules}
    return found


def alone(group: str) -> int:
    """RSS that a group adds to a process that has all others but bridged: what goes with it."""
    for other in GROUPS:
        if other not in (group, *_OURS):
            _bring(other)
    before = memory()["rss"]
    _bring(group)
    return memory()["rss"] - before


def by_package() -> dict[str, int]:
    """Heap that the modules of each package hold once imported, code included; a package's share is
    what its own modules took, not what they imported."""
    import tracemalloc
    from importlib.machinery import ExtensionFileLoader, SourceFileLoader

    held: dict[str, int] = {}
    nested = [0]

    def watch(loader: type) -> None:
        original = loader.exec_module  # type: ignore[attr-defined]

        def execute(self: object, module: object) -> None:
            before = tracemalloc.get_traced_memory()[0]
            nested.append(0)
            try:
                original(self, module)
            finally:
                took = tracemalloc.get_traced_memory()[0] - before
                package = _package(module.__name__)  # type: ignore[attr-defined]
                held[package] = held.get(package, 0) + took - nested.pop()
                nested[-1] += took

        loader.exec_module = execute  # type: ignore[attr-defined]

    watch(SourceFileLoader)
    watch(ExtensionFileLoader)
    tracemalloc.start()
    for group in GROUPS:
        _bring(group)
    ordered = sorted(held.items(), key=lambda item: -item[1])
    return {name: size // 1024 for name, size in ordered[:25]}


def _bring(group: str) -> None:
    for name in GROUPS[group]:
        if name.startswith("gi.repository."):
            import gi

            gi.require_version(name.rpartition(".")[2], "2.0")
        __import__(name)


def _package(name: str) -> str:
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "bridged" else parts[0]


def main() -> None:
    """Measure what the first argument says, and print it."""
    what = sys.argv[1]
    found: object
    if what == "order":
        found = in_order()
    elif what == "packages":
        found = by_package()
    else:
        found = alone(what)
    import json

    print(json.dumps(found))


ALONE = tuple(group for group in GROUPS if group not in _OURS)
