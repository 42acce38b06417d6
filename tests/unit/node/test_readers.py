"""containerd, swap and cgroups on fake trees, and work beside the reconciling thread."""

import errno
import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bridged.agent.node_watch import NodeWatch
from bridged.apply.aside import Aside
from bridged.apply.containerd import FileEditor
from bridged.desired.runtime import Containerd
from bridged.errors import WorldError
from bridged.observe.containerd import ContainerdReader
from bridged.observe.host import Interest
from bridged.observe.memory import MemoryReader
from bridged.observe.packages import PackageReader
from bridged.observe.rest import RestReader
from bridged.plan.actions import Action, EditFile, InstallPackage, ObjectId

CONFIG, SOCKET = "/etc/containerd/config.toml", "/run/containerd/containerd.sock"
WAIT = 10.0


def put(root: Path, path: str, text: str = "", mode: int = 0o644) -> Path:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    place.chmod(mode)
    return place


# -------------------------------------------------------------------------------------- containerd


def test_containerd_is_read_with_what_it_imports_in_its_order(tmp_path: Path) -> None:
    put(tmp_path, CONFIG, 'version = 2\nimports = ["conf.d/*.toml", "/opt/one.toml"]\n')
    put(tmp_path, "/etc/containerd/conf.d/20.toml", "version = 2\n")
    put(tmp_path, "/etc/containerd/conf.d/10.toml", 'imports = ["../config.toml"]\n')
    put(tmp_path, "/opt/one.toml", "version = 2\n")
    put(tmp_path, "/usr/bin/crun", mode=0o755)
    put(tmp_path, "/usr/local/bin/containerd", mode=0o755)
    seen = ContainerdReader(tmp_path).read(CONFIG, SOCKET, ("crun", "runc", "/opt/crun"))
    folder = "/etc/containerd"
    assert [f.path for f in seen.files] == [
        CONFIG, f"{folder}/conf.d/10.toml", f"{folder}/conf.d/20.toml", "/opt/one.toml"
    ]  # fmt: skip
    assert dict(seen.programs) == {"crun": "/usr/bin/crun"}
    assert seen.installed
    assert not seen.answers


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = \n", "line 1"),
        ('imports = ["/nowhere.toml"]\n', "/nowhere.toml"),
        ("\udc80", "not UTF-8"),
        ('imports = ["/fifo.toml"]\n', "/fifo.toml is not a plain file"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_told_with_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    put(tmp_path, CONFIG).write_bytes(text.encode(errors="surrogateescape"))
    os.mkfifo(tmp_path / "fifo.toml")
    seen = ContainerdReader(tmp_path).read(CONFIG, SOCKET, ())
    assert said in seen.problem


def test_a_listener_is_found_with_the_time_since_when_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        seen = ContainerdReader(tmp_path).read(CONFIG, "/s", ())
    assert seen.answers
    assert seen.started is not None
    assert time.time() - 7200 < seen.started <= time.time()


def edit(before: str | None, content: str) -> EditFile:
    item = ObjectId("runtime", "containerd")
    return EditFile(
        object=item, reason="", path=CONFIG, before=before, content=content, backup=f"{CONFIG}.old"
    )


def test_a_file_of_others_is_edited_only_as_it_was_seen_and_keeps_its_mode(tmp_path: Path) -> None:
    place = put(tmp_path, CONFIG, "a", 0o600)
    editor = FileEditor(tmp_path)
    with pytest.raises(WorldError, match="just been changed"):
        editor.edit(edit("something else", "b"))
    editor.edit(edit("a", "b"))
    assert place.read_text() == "b"
    old = place.with_name("config.toml.old")
    assert (old.read_text(), old.stat().st_mode & 0o777) == ("a", 0o600)
    assert place.stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(place.parent)) == ["config.toml", "config.toml.old"]
    place.unlink()
    place.symlink_to("/etc/passwd")
    with pytest.raises(WorldError, match="symbolic link"):
        editor.edit(edit(None, "c"))


def test_a_file_with_the_line_ends_of_another_system_is_edited_as_it_was_seen(
    tmp_path: Path,
) -> None:
    """Read otherwise than the observation reads it, it would have changed for ever."""
    place = put(tmp_path, CONFIG)
    place.write_bytes(b"version = 2\r\n")
    (seen,) = ContainerdReader(tmp_path).read(CONFIG, SOCKET, ()).files
    FileEditor(tmp_path).edit(edit(seen.text, seen.text + "x = 1\r\n"))
    assert place.read_bytes() == b"version = 2\r\nx = 1\r\n"
    assert place.with_name("config.toml.old").read_bytes() == b"version = 2\r\n"


# ------------------------------------------------------------------------------------ swap, cgroups


def test_swap_is_read_from_the_kernel_and_from_what_switches_it_on_at_boot(tmp_path: Path) -> None:
    put(
        tmp_path,
        "/proc/swaps",
        "Filename\tType\tSize\tUsed\tPriority\n/dev/zram0 partition 2097148 12 100\n"
        "/my\\040sw\\134ap file 1024 0 -2\n",
    )
    put(
        tmp_path,
        "/etc/fstab",
        "# swap\n/dev/sda1 / ext4 defaults 0 1\n/dev/sda2 none swap sw 0 0\n"
        "/dev/sda3 none swap noauto 0 0\n",
    )
    put(tmp_path, "/usr/lib/systemd/system-generators/zram-generator")
    put(tmp_path, "/usr/lib/systemd/zram-generator.conf", "# x\n[zram0]\n")
    put(tmp_path, "/sys/fs/cgroup/cgroup.controllers")
    put(tmp_path, "/proc/meminfo", "MemTotal: 9 kB\nMemAvailable:   123 kB\n")
    reader = MemoryReader(tmp_path)
    assert [(s.device, s.used) for s in reader.swaps()] == [("/dev/zram0", 12), ("/my sw\\ap", 0)]
    boot = ("/etc/fstab:3", "/usr/lib/systemd/zram-generator.conf:2")
    assert reader.at_boot() == boot
    assert (reader.cgroup(), reader.available()) == (2, 123)
    put(tmp_path, "/etc/systemd/zram-generator.conf")
    assert reader.at_boot() == boot[:1], "an empty file switches the generator off"
    put(tmp_path, "/etc/systemd/system/swap.target.wants/dev-sda2.swap")
    put(tmp_path, "/etc/systemd/system/swap.target.wants/dev-sda3.swap")
    (tmp_path / "etc/systemd/system/dev-sda3.swap").symlink_to("/dev/null")
    assert reader.at_boot()[1:] == ("/etc/systemd/system/swap.target.wants/dev-sda2.swap",)
    assert MemoryReader(tmp_path / "nothing").cgroup() == 0


# ------------------------------------------------------------------------------------------- aside


def install(name: str) -> Action:
    return InstallPackage(object=ObjectId("package", name), reason="", package=name)


def test_work_aside_holds_nobody_up_and_each_end_is_told_apart() -> None:
    go, ended = threading.Event(), threading.Event()

    def work(actions: Sequence[Action]) -> Mapping[Action, WorldError]:
        assert go.wait(WAIT)
        return {a: WorldError("failed", "no") for a in actions if a.object.name == "bad"}

    aside = Aside(ended=ended.set)
    for name in ("good", "bad"):
        aside.submit(install(name), work)
    assert {job.running for job in aside.jobs().values()} == {True}
    assert not aside.wait(0.0)
    go.set()
    assert aside.wait(WAIT)
    assert ended.wait(WAIT)
    good, bad = aside.jobs()["package/good"], aside.jobs()["package/bad"]
    assert (good.error, bad.error, bad.text) == (None, "failed", "no")
    assert bad.retry > time.monotonic()


def test_a_fault_in_the_work_is_a_failure_of_its_object_and_the_next_one_goes_on() -> None:
    def broken(actions: Sequence[Action]) -> Mapping[Action, WorldError]:
        raise ZeroDivisionError

    aside = Aside(gather=0.0)
    for _ in range(2):
        aside.submit(install("x"), broken)
        assert aside.wait(WAIT)
    job = aside.jobs()["package/x"]
    assert (job.error, job.attempts) == ("failed", 2)
    assert "ZeroDivisionError" in job.text


def test_a_database_that_could_not_be_read_once_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """rpm on a machine that boots, and answers late."""
    put(tmp_path, "/var/lib/dpkg/status", "Package: jq\nStatus: install ok installed\nVersion: 1\n")
    reader = PackageReader(tmp_path)
    reading = Path.read_text

    def late(self: Path, *args: Any, **options: Any) -> str:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_text", late)
    assert "cannot be read" in reader.read(["jq"]).reason
    monkeypatch.setattr(Path, "read_text", reading)
    assert reader.read(["jq"]).installed == {"jq": "1"}


def test_a_file_from_the_future_is_of_no_date_once_the_clock_has_come_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written while the clock was an hour ahead: containerd would be restarted an hour later."""
    path = put(tmp_path, "/etc/containerd/config.toml", "version = 2\n")
    now = path.stat().st_ctime
    reader = ContainerdReader(tmp_path)

    def changed(clock: float) -> float:
        monkeypatch.setattr(time, "time", lambda: clock)
        return reader.read("/etc/containerd/config.toml", "/none", ()).files[0].changed

    assert changed(now + 60) == now
    assert changed(now - 3600) == 0
    assert changed(now + 60) == 0


def test_the_watch_answers_at_once_and_rings_for_what_is_new(tmp_path: Path) -> None:
    status = put(tmp_path, "/var/lib/dpkg/status")
    rung = threading.Semaphore(0)
    reader = PackageReader(tmp_path)
    watch: NodeWatch

    rest = RestReader(
        lambda names: watch.packages(names),
        ContainerdReader(tmp_path),
        MemoryReader(tmp_path),
        dict,
    )
    watch = NodeWatch(lambda cause: rung.release(), reader, rest, poll=0.05)
    wanted = Interest(packages=frozenset({"crun"}), containerd=Containerd())
    assert watch.read(wanted).packages.database is None, "not read yet"
    watch.start()
    assert rung.acquire(timeout=WAIT)
    assert not watch.read(wanted).packages.installed
    status.write_text("Package: crun\nStatus: install ok installed\nVersion: 1.21\n\n")
    assert rung.acquire(timeout=WAIT)
    assert watch.read(wanted).packages.installed == {"crun": "1.21"}
    watch.stop()
