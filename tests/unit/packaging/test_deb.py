"""The .deb: what is in it, what it asks for and what its scripts do."""

import re
import shutil
import stat
import tomllib
from pathlib import Path

import pytest

from tests.unit.packaging.builds import CHECKOUT, Built, run

DEBIAN_NAMES = {"PyYAML": "python3-yaml"}


@pytest.fixture(scope="module")
def tree(deb: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package unpacked, its scripts in DEBIAN/."""
    folder = tmp_path_factory.mktemp("unpacked")
    run("dpkg-deb", "-R", deb.one("*.deb"), folder)
    return folder


def files(tree: Path) -> set[str]:
    return {f"/{p.relative_to(tree)}" for p in tree.rglob("*") if p.is_file()}


def test_it_has_what_an_operator_looks_for(tree: Path) -> None:
    assert files(tree) >= {
        "/usr/sbin/bridged",
        "/usr/bin/bridgedctl",
        "/usr/lib/bridged/bridged/agent/main.py",
        "/usr/lib/systemd/system/bridged.service",
        "/usr/lib/sysusers.d/bridged.conf",
        "/usr/lib/tmpfiles.d/bridged.conf",
        "/usr/share/bridged/state.yaml",
        "/usr/share/bridged/state.schema.json",
        "/usr/share/man/man1/bridgedctl.1.gz",
        "/usr/share/man/man5/bridged-state.5.gz",
        "/usr/share/man/man8/bridged.8.gz",
        "/usr/share/bash-completion/completions/bridgedctl",
        "/usr/share/zsh/vendor-completions/_bridgedctl",
        "/usr/share/fish/vendor_completions.d/bridgedctl.fish",
        "/usr/share/doc/bridged/copyright",
    }
    unit = (tree / "usr/lib/systemd/system/bridged.service").read_text()
    assert "ExecStart=/usr/sbin/bridged\n" in unit
    for program in ("usr/sbin/bridged", "usr/bin/bridgedctl"):
        assert (tree / program).read_text().startswith("#!/usr/bin/python3 -I\n")


def test_nothing_is_declared_for_the_operator_and_nothing_is_in_the_way(tree: Path) -> None:
    """What no operator wrote is not converged; nothing of /usr/local, no bytecode of this host."""
    assert not (tree / "etc/bridged/state.yaml").exists()
    assert not [p for p in files(tree) if p.startswith("/etc")]
    assert (tree / "etc/bridged/state.d").is_dir()
    assert not [p for p in files(tree) if "/local/" in p or p.endswith(".pyc") or "/tests/" in p]
    scripts = "".join(p.read_text() for p in (tree / "DEBIAN").glob("p*"))
    assert "deb-systemd-invoke start" not in scripts
    assert "deb-systemd-invoke try-restart" in scripts, "an upgrade restarts an agent that runs"
    # Enabled only where it has been before.
    assert "debian-installed" in scripts


def test_it_asks_for_the_distributions_own_libraries(deb: Built) -> None:
    """All of pyproject.toml's, not older than there, and nothing that is not Debian's."""
    depends = run("dpkg-deb", "-f", deb.one("*.deb"), "Depends")
    with (CHECKOUT / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)["project"]["dependencies"]
    for requirement in wanted:
        name, _, least = requirement.partition(">=")
        package = DEBIAN_NAMES.get(name, f"python3-{name}")
        assert f"{package} (>= {least})" in depends, requirement
    for package in ("python3-gi", "network-manager (>= 1.42)", "kmod"):
        assert package in depends.split(", ")
    assert run("dpkg-deb", "-f", deb.one("*.deb"), "Architecture").strip() == "all"


def test_only_root_may_write_what_it_installs(deb: Built) -> None:
    for line in run("dpkg-deb", "-c", deb.one("*.deb")).splitlines():
        mode, owner = line.split()[:2]
        assert owner == "root/root", line
        assert mode[5] == mode[8] == "-", line


def test_its_scripts_are_those_of_a_shell_and_may_run_again(tree: Path) -> None:
    for script in (tree / "DEBIAN").glob("p*"):
        run("sh", "-n", script)
        text = script.read_text()
        assert re.match(r"#!/bin/sh\nset -e\n", text), script
        assert stat.S_IMODE(script.stat().st_mode) == 0o755
        for word in ("pip", "nmcli", "ip link"):
            assert not re.search(rf"^\s*{word} ", text, re.MULTILINE), "the network is left alone"


def test_lintian_has_nothing_to_say(deb: Built) -> None:
    if shutil.which("lintian") is None:
        pytest.skip("lintian is not installed (tests/lab/host-tools does it)")
    said = run("lintian", "--allow-root", "--fail-on", "none", "--pedantic", deb.one("*.deb"))
    assert said == ""
