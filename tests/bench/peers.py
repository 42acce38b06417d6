"""Peers for the benchmark: nmstate and ifstate from PyPI, run inside the laboratory; node_exporter.

    python3 -m tests.bench.peers set FILE        nmstatectl set FILE, inside

nmstate 0.3.6 is the last release in pure Python: the later ones read the kernel through nispor,
a library in Rust that is not on PyPI, and in Debian as source only.  Its own words for three of
NetworkManager's flags went with NetworkManager 1.52; they are given back here, and nothing else is
changed.
"""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.lab.node import CHECKOUT

VERSION = "0.3.6"
_WHEELS = (f"nmstate=={VERSION}", "varlink==31.0.0")
_EXPORTER = "prometheus-node-exporter"
_IFSTATE = Path(__file__).with_name("ifstate.txt")
_FOR_TRIXIE = ("--only-binary=:all:", "--implementation=cp", "--python-version=3.13",
               "--platform=manylinux2014_x86_64", "--platform=manylinux_2_28_x86_64")  # fmt: skip


def bring(folder: Path) -> Path:
    """The folder with nmstate's packages, installed there once.  CalledProcessError where PyPI
    cannot be reached."""
    # Its dependencies with compiled parts are in the laboratory's tree.
    return _brought(folder / f"nmstate-{VERSION}", _WHEELS)


def ifstate_version() -> str:
    """The release that is brought."""
    lines = _IFSTATE.read_text().splitlines()
    return next(line.split()[0] for line in lines if line.startswith("ifstate==")).split("==")[1]


def bring_ifstate(folder: Path) -> Path:
    """The same for ifstate and all that it needs, by the hashes in ifstate.txt."""
    lock = ("--require-hashes", *_FOR_TRIXIE, "-r", str(_IFSTATE))
    return _brought(folder / f"ifstate-{ifstate_version()}", lock)


def bring_node_exporter(folder: Path) -> Path | None:
    """The program, this machine's own or unpacked there once from Debian's package, of which
    nothing is installed or started; None where neither can be had."""
    installed = shutil.which(_EXPORTER)
    if installed:
        return Path(installed)
    place = folder / _EXPORTER
    if not place.is_dir():
        with tempfile.TemporaryDirectory() as loading, suppress(OSError):
            os.chmod(loading, 0o755)  # apt loads as a user of its own
            subprocess.run(["apt-get", "-qq", "download", _EXPORTER], cwd=loading)
            for package in Path(loading).glob("*.deb"):
                new = place.with_name(f"{place.name}.new")
                subprocess.run(["dpkg-deb", "-x", package, new], check=True)
                new.rename(place)  # whole, or not at all
    program = place / "usr/bin" / _EXPORTER
    return program if program.exists() else None


def _brought(place: Path, wanted: tuple[str, ...]) -> Path:
    if not place.is_dir():
        new = place.with_name(f"{place.name}.new")
        pip = [str(CHECKOUT / ".venv/bin/python"), "-m", "pip"]
        if not Path(pip[0]).exists():
            pip[0] = sys.executable
        options = ("--quiet", "--no-deps", "--root-user-action=ignore", "--target", str(new))
        subprocess.run([*pip, "install", *options, *wanted], check=True)
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
