"""Real databases of dpkg and rpm, made in the test's own folder, and the real tools on them."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridged.apply.packages import AptGet, Dnf, PackageWork
from bridged.errors import WorldError
from bridged.observe.packages import PackageReader
from bridged.plan.actions import Action, InstallPackage, ObjectId, RemovePackage

NEEDED = {"dpkg": ("dpkg", "dpkg-deb", "apt-get"), "rpm": ("rpm", "rpmbuild")}
DNF = ("dnf", "createrepo_c")


def need(*tools: str) -> None:
    absent = [tool for tool in tools if shutil.which(tool) is None]
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)} (tests/lab/host-tools installs it)")
    if os.geteuid() != 0:
        pytest.skip("installing into a folder of one's own needs root")


def run(*command: str, **options: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return str(done.stdout)


# ------------------------------------------------------------------------------------------- dpkg


def deb(folder: Path, name: str, **fields: str) -> Path:
    """A package without files."""
    tree = folder / f"{name}-tree"
    (tree / "DEBIAN").mkdir(parents=True)
    control = {"Package": name, "Version": "1.0-1", "Architecture": "all", "Maintainer": "x <x@x>"}
    control |= {key.replace("_", "-"): value for key, value in fields.items()}
    lines = [f"{key}: {value}" for key, value in control.items()]
    (tree / "DEBIAN/control").write_text("\n".join([*lines, "Description: x", ""]))
    run("dpkg-deb", "--root-owner-group", "-b", str(tree), str(folder / f"{name}.deb"))
    shutil.rmtree(tree)
    return folder / f"{name}.deb"


class Debian:
    """A root with packages in it, a repository beside it, and apt-get for both."""

    def __init__(self, folder: Path) -> None:
        self.root, self.pool = folder / "root", folder / "pool"
        for name in ("updates", "info", "triggers", "parts"):
            (self.root / "var/lib/dpkg" / name).mkdir(parents=True)
        (self.root / "var/lib/dpkg/status").touch()
        (self.root / "var/lib/dpkg/available").touch()
        self.pool.mkdir()
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        deb(self.pool, "crun", Provides="oci-runtime")
        deb(self.pool, "multipath-tools")
        deb(self.pool, "docker.io", Depends="containerd")
        deb(self.pool, "containerd")
        deb(self.pool, "podman", Conflicts="docker.io")
        packages = run("dpkg-scanpackages", "-m", ".", cwd=self.pool)
        (self.pool / "Packages").write_text(packages)
        (folder / "sources.list").write_text(f"deb [trusted=yes] file:{self.pool} ./\n")
        settings = {
            "Dir::State": folder, "Dir::State::status": self.root / "var/lib/dpkg/status",
            "Dir::State::lists": folder / "lists", "Dir::Cache": folder / "cache",
            "Dir::Etc::SourceList": folder / "sources.list", "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Log": folder, "DPkg::Options::": f"--root={self.root}",
            "DPkg::Lock::Timeout": 0, "APT::Architecture": "amd64", "APT::Sandbox::User": "root",
            "DPkg::Pre-Install-Pkgs": "", "DPkg::Post-Invoke": "",
        }  # fmt: skip
        self.options = [
            word for key, value in settings.items() for word in ("-o", f"{key}={value}")
        ]
        run("apt-get", "-q", *self.options, "update")
        self.reader = PackageReader(self.root)

    def install(self, *names: str) -> None:
        files = [str(self.pool / f"{name}.deb") for name in names]
        run("dpkg", f"--root={self.root}", "-i", *files)

    def tool(self) -> AptGet:
        return AptGet(self.options)


@pytest.fixture
def debian(tmp_path: Path) -> Debian:
    need(*NEEDED["dpkg"], "dpkg-scanpackages")
    return Debian(tmp_path)


def test_dpkg_tells_the_reference_rows_right(debian: Debian) -> None:
    debian.install("crun", "multipath-tools", "containerd")
    asked = {"crun", "device-mapper-multipath", "jq", "docker", "containerd", "oci-runtime"}
    seen = debian.reader.read(asked)
    assert seen.database == "dpkg"
    assert dict(seen.installed) == {
        "crun": "1.0-1", "multipath-tools": "1.0-1", "containerd": "1.0-1"
    }  # fmt: skip
    assert dict(seen.provided) == {"oci-runtime": "crun"}

    # Removed by hand: seen by the next look; what left its configuration behind is not installed.
    again = debian.reader.read(asked)
    assert again is seen, "not read while nothing has changed"
    run("dpkg", f"--root={debian.root}", "-r", "crun")
    assert "crun" not in debian.reader.read(asked).installed


def test_dpkg_tells_a_package_that_is_only_halfway_in(debian: Debian) -> None:
    run("dpkg", f"--root={debian.root}", "--unpack", str(debian.pool / "crun.deb"))
    seen = debian.reader.read({"crun"})
    assert (dict(seen.installed), dict(seen.broken)) == ({}, {"crun": "unpacked"})


def change(kind: type[Action], name: str, **values: object) -> Action:
    item = ObjectId("package", name)
    return kind(object=item, reason="", package=name, **values)  # type: ignore[call-arg]


def test_apt_installs_and_removes_but_takes_nothing_along(debian: Debian) -> None:
    work = PackageWork(debian.tool)
    install = [change(InstallPackage, name) for name in ("crun", "docker.io")]
    assert work(install) == {}
    every = {"crun", "docker.io", "containerd", "podman"}
    assert set(debian.reader.read(every).installed) == {"crun", "docker.io", "containerd"}

    conflict, lone = change(InstallPackage, "podman"), change(RemovePackage, "containerd")
    nonsense = change(InstallPackage, "no-such-thing")
    gone = change(RemovePackage, "crun")
    errors = work([conflict, lone, nonsense, gone])
    assert {action: error.kind for action, error in errors.items()} == {
        conflict: "refused", lone: "refused", nonsense: "failed"
    }  # fmt: skip
    assert "would also remove docker.io" in errors[lone].message
    assert "Unable to locate package no-such-thing" in errors[nonsense].message
    assert set(debian.reader.read(every).installed) == {"docker.io", "containerd"}

    both = frozenset({"docker.io", "containerd"})
    assert work([change(RemovePackage, name, along=both - {name}) for name in both]) == {}
    assert not debian.reader.read(every).installed


def test_apt_leaves_the_lock_to_who_holds_it(debian: Debian) -> None:
    with (debian.root / "var/lib/dpkg/lock-frontend").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        child = os.fork()
        if not child:  # a lock does not stop the process that holds it
            os._exit(_locked_kind(debian.tool()) != "unavailable")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not debian.reader.read({"crun"}).installed


def _locked_kind(tool: AptGet) -> str:
    try:
        tool.install(["crun"])
    except WorldError as error:
        return error.kind
    return ""


# -------------------------------------------------------------------------------------------- rpm


def rpm(folder: Path, name: str, *lines: str) -> None:
    """A package without files, built with rpmbuild."""
    spec = folder / f"{name}.spec"
    head = [f"Name: {name}", "Version: 1.0", "Release: 1", "Summary: x", "License: x"]
    spec.write_text(
        "\n".join([*head, "BuildArch: noarch", *lines, "%description", "x", "%files\n"])
    )
    where = [f"--define=_topdir {folder}/top", f"--define=_rpmdir {folder}"]
    run("rpmbuild", "-bb", "--quiet", *where, str(spec))


class Rocky:
    """A root with an rpm database in it, and packages to install."""

    def __init__(self, folder: Path) -> None:
        self.root, self.pool = folder / "root", folder / "pool"
        self.pool.mkdir()
        (self.root / "var/lib/rpm").mkdir(parents=True)
        rpm(self.pool, "crun", "Provides: oci-runtime = 2")
        rpm(self.pool, "device-mapper-multipath")
        rpm(self.pool, "docker-ce", "Requires: containerd.io")
        rpm(self.pool, "containerd.io")
        rpm(self.pool, "podman", "Conflicts: docker-ce")
        self.reader = PackageReader(self.root)

    def rpm(self, *command: str) -> None:
        where = (f"--root={self.root}", "--dbpath=/var/lib/rpm")
        run("rpm", *where, "--nodeps", "--force-debian", *command)

    def install(self, *names: str) -> None:
        self.rpm(
            "-i",
            "--ignorearch",
            *(str(self.pool / f"noarch/{name}-1.0-1.noarch.rpm") for name in names),
        )


@pytest.fixture
def rocky(tmp_path: Path) -> Rocky:
    need(*NEEDED["rpm"])
    return Rocky(tmp_path)


def test_rpm_tells_the_reference_rows_right(rocky: Rocky) -> None:
    rocky.install("crun", "device-mapper-multipath", "docker-ce")
    asked = {"crun", "multipath-tools", "jq", "docker", "containerd", "oci-runtime"}
    seen = rocky.reader.read(asked)
    assert seen.database == "rpm"
    assert dict(seen.installed) == {
        "crun": "1.0-1", "device-mapper-multipath": "1.0-1", "docker-ce": "1.0-1"
    }  # fmt: skip
    assert dict(seen.provided) == {"oci-runtime": "crun"}
    assert rocky.reader.read(asked) is seen
    rocky.rpm("-e", "crun")
    assert "crun" not in rocky.reader.read(asked).installed


def test_a_database_that_cannot_be_opened_says_nothing_of_packages(rocky: Rocky) -> None:
    rocky.install("crun")
    for name in ("rpmdb.sqlite", "rpmdb.sqlite-wal", "rpmdb.sqlite-shm"):
        (rocky.root / "var/lib/rpm" / name).write_bytes(b"no database" * 1000)
    seen = rocky.reader.read({"crun"})
    assert seen.database is None
    assert "the rpm database cannot be read" in seen.reason


@pytest.fixture
def dnf(rocky: Rocky) -> Dnf:
    need(*DNF)
    run("createrepo_c", "-q", str(rocky.pool))
    (rocky.root / "etc").mkdir()
    # Debian's librpm keeps the database in the home folder, whatever the root.
    (rocky.root / "root").mkdir()
    (rocky.root / "root/.rpmdb").symlink_to("../var/lib/rpm")
    (rocky.root / "etc/os-release").write_text('ID="rocky"\nID_LIKE="rhel fedora"\n')
    return Dnf(_dnf_options(rocky))


def _dnf_options(rocky: Rocky) -> Sequence[str]:
    return (
        f"--installroot={rocky.root}", f"--repofrompath=test,file://{rocky.pool}", "--repo=test",
        "--nogpgcheck", "--releasever=10", "--setopt=cachedir=/cache", "--noplugins",
    )  # fmt: skip


def test_dnf_installs_and_removes_but_takes_nothing_along(rocky: Rocky, dnf: Dnf) -> None:
    work = PackageWork(lambda: dnf)
    assert work([change(InstallPackage, name) for name in ("crun", "docker-ce")]) == {}
    every = {"crun", "docker-ce", "containerd.io", "podman"}
    assert set(rocky.reader.read(every).installed) == {"crun", "docker-ce", "containerd.io"}
    lone, gone = change(RemovePackage, "containerd.io"), change(RemovePackage, "crun")
    nonsense = change(InstallPackage, "no-such-thing")
    errors = work([lone, gone, nonsense])
    assert {action: error.kind for action, error in errors.items()} == {
        lone: "refused", nonsense: "failed"
    }  # fmt: skip
    assert "would also remove docker-ce" in errors[lone].message
    assert set(rocky.reader.read(every).installed) == {"docker-ce", "containerd.io"}
