"""Files: whole or not at all, and nothing of anybody else's."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from bridged.apply.files import FileWriter
from bridged.errors import WorldError
from bridged.observe.files import FileReader

PATH = "/etc/sysctl.d/99-zz-bridged.conf"


def test_a_file_is_written_with_its_folder_and_read_back(tmp_path: Path) -> None:
    FileWriter(tmp_path).write(PATH, "net.ipv4.ip_forward = 1\n")
    assert FileReader(tmp_path).read([PATH]) == {PATH: "net.ipv4.ip_forward = 1\n"}
    file = tmp_path / PATH.lstrip("/")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        FileWriter(tmp_path).write(PATH, "x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / PATH.lstrip("/")).stat().st_mode) == 0o644


def test_a_file_is_replaced_not_rewritten(tmp_path: Path) -> None:
    """A reader that has the old one open goes on reading the old one."""
    writer = FileWriter(tmp_path)
    writer.write(PATH, "old\n")
    with (tmp_path / PATH.lstrip("/")).open(encoding="utf-8") as reader:
        writer.write(PATH, "new\n")
        assert reader.read() == "old\n"
    assert FileReader(tmp_path).read([PATH])[PATH] == "new\n"


def test_none_removes_the_file_and_its_absence_is_no_error(tmp_path: Path) -> None:
    writer = FileWriter(tmp_path)
    writer.write(PATH, "x")
    writer.write(PATH, None)
    writer.write(PATH, None)
    assert FileReader(tmp_path).read([PATH]) == {PATH: None}


@pytest.mark.parametrize("content", ["x", None])
def test_links_and_folders_are_left_alone(tmp_path: Path, content: str | None) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("theirs", encoding="utf-8")
    link = tmp_path / "etc/link.conf"
    folder = tmp_path / "etc/folder.conf"
    folder.mkdir(parents=True)
    link.symlink_to(target)
    for path in ("/etc/link.conf", "/etc/folder.conf"):
        with pytest.raises(WorldError) as caught:
            FileWriter(tmp_path).write(path, content)
        assert caught.value.kind == "refused"
        assert path in caught.value.message
        assert FileReader(tmp_path).read([path]) == {path: None}
    assert target.read_text(encoding="utf-8") == "theirs"
    assert link.is_symlink()


@pytest.mark.parametrize(
    ("number", "kind"), [(28, "failed"), (30, "permission"), (13, "permission")]
)
def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: str
) -> None:
    writer = FileWriter(tmp_path)
    writer.write(PATH, "old")

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(WorldError) as caught:
        writer.write(PATH, "new")
    assert caught.value.kind == kind
    file = tmp_path / PATH.lstrip("/")
    assert file.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/sysctl.d").write_text("", encoding="utf-8")
    with pytest.raises(WorldError):
        FileWriter(tmp_path).write(PATH, "x")
    assert FileReader(tmp_path).read([PATH]) == {PATH: None}


@pytest.mark.parametrize("content", ["x", None])
@pytest.mark.parametrize("letter", ["i", "a"])
@pytest.mark.parametrize("place", [PATH, "/etc/sysctl.d"])
def test_what_is_marked_is_named_with_the_command_that_ends_it(
    tmp_path: Path, place: str, letter: str, content: str | None
) -> None:
    writer = FileWriter(tmp_path)
    writer.write(PATH, "old")
    marked = str(tmp_path / place.lstrip("/"))
    if subprocess.run(["chattr", f"+{letter}", marked], capture_output=True).returncode:
        pytest.skip("this file system knows no marks, or root may not make one")
    try:
        with pytest.raises(WorldError, match=f"chattr -{letter} {place}$"):
            writer.write(PATH, content)
    finally:
        subprocess.run(["chattr", f"-{letter}", marked], check=True)


def test_bytes_that_are_no_text_survive_reading(tmp_path: Path) -> None:
    file = tmp_path / PATH.lstrip("/")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\xff\xfe\n")
    text = FileReader(tmp_path).read([PATH])[PATH]
    assert text is not None
    FileWriter(tmp_path).write(PATH, text)
    assert file.read_bytes() == b"\xff\xfe\n"


def test_a_device_is_there_by_its_node_or_by_the_kernels_word(tmp_path: Path) -> None:
    """Our unit has a /dev of its own."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/vhost-net").touch()
    (tmp_path / "sys/class/misc/kvm").mkdir(parents=True)
    wanted = ("/dev/kvm", "/dev/vhost-net", "/dev/vhost-vsock", "/etc/kvm")
    assert FileReader(tmp_path).exist(wanted) == dict(
        zip(wanted, (True, True, False, False), strict=True)
    )
