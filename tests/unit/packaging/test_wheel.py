"""The wheel: pipx and pip make a working bridgedctl of it."""

import os
import shutil
import site
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.unit.packaging.builds import CHECKOUT, Built


@pytest.fixture(scope="module")
def environment(wheel: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel in it, its dependencies being ours."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    found = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    own = Path(found)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", folder, "install", "--quiet", "--no-deps",
         "--no-index", "--disable-pip-version-check", wheel.one("*.whl")],
        check=True,
    )  # fmt: skip
    # As folders, not as site directories: an editable install of this checkout is not to be found.
    (own / "ours.pth").write_text("\n".join(site.getsitepackages()))
    return folder


def bridgedctl(environment: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    settings = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        [environment / "bin/bridgedctl", *words],
        cwd=environment,
        env=settings,
        capture_output=True,
        text=True,
    )


def test_it_runs_where_it_was_installed(environment: Path) -> None:
    told = bridgedctl(environment, "--version")
    assert (told.returncode, told.stdout.split()[0]) == (0, "bridgedctl"), told.stderr
    assert (environment / "bin/bridged").exists()
    script = "import bridged; print(bridged.__path__[0])"
    where = subprocess.run(
        [environment / "bin/python", "-c", script], cwd="/", capture_output=True, text=True
    ).stdout
    assert where.startswith(str(environment)), where


def test_it_validates_a_state_file(environment: Path, tmp_path: Path) -> None:
    good = tmp_path / "state.yaml"
    shutil.copyfile(CHECKOUT / "config/state.yaml", good)
    assert bridgedctl(environment, "validate", good).returncode == 0
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: 1\nbridges: {br-lan: {mtu: soon}}\n")
    told = bridgedctl(environment, "validate", bad)
    assert told.returncode == 1
    assert "bad.yaml:2" in told.stdout + told.stderr


def test_it_has_the_manual_and_the_licence_and_nothing_of_the_tests(wheel: Built) -> None:
    names = zipfile.ZipFile(wheel.one("*.whl")).namelist()
    for end in ("share/man/man1/bridgedctl.1", "share/man/man5/bridged-state.5", "LICENSE"):
        assert any(name.endswith(end) for name in names), end
    assert not [name for name in names if name.startswith(("tests/", "packaging/"))]
