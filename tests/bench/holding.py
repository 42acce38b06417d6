"""What holds the agent's memory: import by import, package by package, mapping by mapping.

Runs inside the namespace laboratory, for the libraries there are the ones the agent runs with, and
prints one line of JSON.  All sizes in kB.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench.agent import environment
from tests.bench.idle import memory, resting
from tests.bench.imports import ALONE

_MAPPINGS = 12


def by_mapping(pid: int) -> dict[str, dict[str, int]]:
    """RSS of a process by what is mapped, and how much of it no other process shares."""
    found: dict[str, dict[str, int]] = {}
    name = ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if re.match(r"[0-9a-f]+-[0-9a-f]+$", words[0]):
            name = words[5].rpartition("/")[2] if len(words) > 5 else "anonymous"
        elif words[0] in ("Rss:", "Private_Dirty:", "Private_Clean:"):
            row = found.setdefault(name, {"rss": 0, "own": 0})
            row["rss" if words[0] == "Rss:" else "own"] += int(words[1])
    ordered = sorted(found.items(), key=lambda item: -item[1]["rss"])
    first, rest = ordered[:_MAPPINGS], ordered[_MAPPINGS:]
    other = {key: sum(row[key] for _, row in rest) for key in ("rss", "own")}
    return dict(first) | {f"{len(rest)} others": other}


def _imported(what: str) -> Any:
    command = [sys.executable, "-c", "from tests.bench.imports import main; main()", what]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def measure() -> dict[str, Any]:
    """See the module."""
    _imported("order")  # compiles
    found: dict[str, Any] = {
        "imports": _imported("order"),
        "alone": {group: _imported(group) for group in ALONE},
        "packages": _imported("packages"),
    }
    with resting() as pid:
        found |= {"mappings": by_mapping(pid), "running": memory(pid)}
        found["threads"] = len(os.listdir(f"/proc/{pid}/task"))
    return found


def main() -> None:
    """Measure, and print it."""
    environment()
    print(json.dumps({"holding": measure()}))


if __name__ == "__main__":
    main()
