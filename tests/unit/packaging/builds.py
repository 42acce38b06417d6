"""Packages built for the tests, each once more from a copy of the checkout."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
TOOLS = {"deb": ("dh", "dh_python3"), "rpm": ("rpmbuild",), "wheel": ()}
_TIME = 1_790_000_000
_PARTS = ("bridged", "config", "docs", "packaging", "systemd", "LICENSE", "README.md",
          "pyproject.toml")  # fmt: skip


@dataclass(frozen=True)
class Built:
    """What one build put down."""

    folder: Path

    def one(self, pattern: str) -> Path:
        """The only file of a name."""
        (found,) = self.folder.glob(pattern)
        return found


def unbuildable(kind: str) -> str | None:
    """Why packages of a kind cannot be built here, or None."""
    absent = [tool for tool in TOOLS[kind] if shutil.which(tool) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (tests/lab/host-tools does it)"
    try:
        metadata.version("cyclonedx-python-lib")
        old = int(metadata.version("setuptools").split(".")[0]) < 77
    except metadata.PackageNotFoundError as error:
        return f"{sys.executable} lacks {error.name} (make .venv)"
    return "setuptools is older than 77 (make .venv)" if old else None


def build(kind: str, target: Path, checkout: Path = CHECKOUT, **settings: str) -> Built:
    """Runs packaging/build; skips where the tools for it are missing."""
    reason = unbuildable(kind)
    if reason is not None:
        pytest.skip(f"no {kind} is built: {reason}")
    environment = {
        **os.environ,
        "DIST": str(target),
        "PYTHON": sys.executable,
        "SOURCE_DATE_EPOCH": str(_TIME),
        **settings,
    }
    done = subprocess.run(
        [checkout / "packaging/build", kind], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return Built(target)


def elsewhere(folder: Path) -> Path:
    """A copy of the checkout: another path, other times and modes, in no repository."""
    for part in _PARTS:
        source, target = CHECKOUT / part, folder / part
        if source.is_dir():
            shutil.copytree(source, target, copy_function=_copy)
        else:
            _copy(source, target)
    (folder / "build").symlink_to(CHECKOUT / "build")
    return folder


def _copy(source: str | Path, target: str | Path) -> None:
    shutil.copyfile(source, target)
    Path(target).chmod(0o700 if Path(source).stat().st_mode & 0o100 else 0o600)


def run(*argv: str | Path) -> str:
    """What a program says."""
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout
