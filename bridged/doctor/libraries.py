"""The Python that runs us.  Imports only the standard library: it has to work where others lack."""

import re
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from importlib.util import find_spec

from bridged.doctor.records import Check, ok, problem

NEEDED = {
    "pydbus": "0.6.0",
    "pyroute2": "0.7.7",
    "pydantic": "2.10",
    "watchfiles": "0.24",
    "prometheus-client": "0.21",
    "structlog": "24.1",
    "PyYAML": "6.0",
    "tomlkit": "0.11",
}
"""Distribution -> least version, as in pyproject.toml."""
_PYTHON = (3, 11)
_INSTALL = "install bridged again (its package, or make install), which brings what is missing"


def installed(name: str) -> str | None:
    """The version of a distribution, None where it is not there."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def check_libraries(
    version: Callable[[str], str | None] = installed,
    has_gi: Callable[[], bool] = lambda: find_spec("gi") is not None,
    python: tuple[int, ...] = tuple(sys.version_info[:3]),
) -> Iterator[Check]:
    """The interpreter, and every library with its version."""
    shown = ".".join(map(str, python))
    if python < _PYTHON:
        least = ".".join(map(str, _PYTHON))
        yield problem("python", f"Python {shown}", f"bridged needs {least} or newer", _INSTALL)
    found = {name: version(name) for name in NEEDED}
    bad = [
        f"{name} {have or 'missing'} (needs {NEEDED[name]})"
        for name, have in found.items()
        if have is None or _numbers(have) < _numbers(NEEDED[name])
    ]
    if not has_gi():
        bad.append("PyGObject (gi) missing")
    if bad:
        why = "without them bridged does not start, or not all of it works"
        yield problem("libraries", ", ".join(bad), why, _INSTALL)
    else:
        versions = ", ".join(f"{name} {have}" for name, have in found.items())
        yield ok("libraries", f"Python {shown}, {versions}")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)[:3]]
