"""nmstate for the benchmark: brought from PyPI, and run inside the laboratory.

    python3 -m tests.bench.peers set FILE        nmstatectl set FILE, inside

0.3.6 is the last release in pure Python: the later ones need libraries in Rust that neither PyPI
nor Debian has.  Its own words for three of NetworkManager's flags went with NetworkManager 1.52;
they are given back here, and nothing else is changed.
"""

import importlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.lab.node import CHECKOUT

VERSION = "0.3.6"
_WHEELS = (f"nmstate=={VERSION}", "varlink==31.0.0")


def bring(folder: Path) -> Path:
    """The folder with nmstate's packages, installed there once.  CalledProcessError where PyPI
    cannot be reached."""
    place = folder / f"nmstate-{VERSION}"
    if not place.is_dir():
        new = place.with_suffix(".new")
        pip = [str(CHECKOUT / ".venv/bin/python"), "-m", "pip"]
        if not Path(pip[0]).exists():
            pip[0] = sys.executable
        # Its dependencies with compiled parts are in the laboratory's tree.
        options = ("--quiet", "--no-deps", "--root-user-action=ignore", "--target", str(new))
        subprocess.run([*pip, "install", *options, *_WHEELS], check=True)
        new.rename(place)
    return place


def main() -> int:
    """nmstatectl, with the old names of NetworkManager's flags."""
    gi = importlib.import_module("gi")
    gi.require_version("NM", "1.0")
    manager: Any = importlib.import_module("gi.repository.NM")
    flags = manager.ActivationStateFlags
    words = {name: getattr(flags, name) for name in dir(flags) if name.isupper()}
    old = {"CONTROLLER_HAS_PORTS": "MASTER_HAS_SLAVES", "IS_CONTROLLER": "IS_MASTER",
           "IS_PORT": "IS_SLAVE"}  # fmt: skip
    words |= {name: words[new] for new, name in old.items() if new in words}
    manager.ActivationStateFlags = SimpleNamespace(**words)
    nmstatectl = importlib.import_module("nmstatectl.nmstatectl")
    return int(nmstatectl.main() or 0)


if __name__ == "__main__":
    sys.exit(main())
