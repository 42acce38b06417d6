"""Files that are kept as declared, on a real file system: replaced whole, with a backup of what was
there, and never by a way that somebody else could have laid."""

import errno
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridged.apply.files import FileWriter, backups
from bridged.errors import WorldError
from bridged.observe.files import FileReader
from bridged.observe.host import KeptFile
from bridged.plan.actions import KeepFile, ObjectId

PATH = "/etc/kubernetes/kubeadm.conf"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
OWNER = "root:root" if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}"


def keep(root: Path, content: str = "new\n", owner: str = OWNER, mode: int = 0o644) -> None:
    """Write the file."""
    FileWriter(root).keep(
        KeepFile(
            object=ObjectId("file", PATH),
            reason="",
            path=PATH,
            content=content,
            owner=owner,
            mode=mode,
        )
    )


def see(root: Path) -> KeptFile:
    """What is there."""
    return FileReader(root).kept([PATH])[PATH]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "etc/kubernetes"
    folder.mkdir(parents=True, mode=0o755)
    return tmp_path


def put(root: Path, content: str) -> Path:
    """Somebody writes the file by hand."""
    file = root / PATH.lstrip("/")
    file.write_text(content)
    return file


def others(root: Path) -> list[str]:
    """What lies beside the file."""
    folder = (root / PATH.lstrip("/")).parent
    return sorted(p.name for p in folder.iterdir() if p.name != "kubeadm.conf")


def test_a_new_file_is_made_with_its_folder_owner_and_mode(tmp_path: Path) -> None:
    assert see(tmp_path) == KeptFile(), "no folder is no obstacle: it is made with the file"
    old = os.umask(0o077)
    try:
        keep(tmp_path, mode=0o640)
    finally:
        os.umask(old)
    seen = see(tmp_path)
    assert (seen.content, seen.mode, seen.obstacle) == ("new\n", 0o640, "")
    assert seen.belongs_to(OWNER)
    assert stat.S_IMODE((tmp_path / "etc/kubernetes").stat().st_mode) & 0o022 == 0
    assert others(tmp_path) == []


def test_what_was_there_is_kept_beside_it_as_it_was(root: Path) -> None:
    file = put(root, "by hand\n")
    file.chmod(0o600)
    before = file.stat()
    keep(root)
    (backup,) = others(root)
    assert backup.startswith(backups("kubeadm.conf"))
    kept = (file.parent / backup).stat()
    assert (file.parent / backup).read_text() == "by hand\n"
    assert (kept.st_ino, kept.st_mode, kept.st_mtime) == (
        before.st_ino,
        before.st_mode,
        before.st_mtime,
    )
    assert file.read_text() == "new\n"


def test_the_same_content_is_backed_up_once_and_right_content_never(root: Path) -> None:
    for _ in range(3):
        put(root, "by hand\n")
        keep(root)
    keep(root)
    keep(root, mode=0o600)
    assert len(others(root)) == 1


def test_somebody_who_goes_on_for_ever_does_not_fill_the_disk(root: Path) -> None:
    """The first backup, the owner's own file, and the latest ones stay."""
    for number in range(25):
        put(root, f"edit {number}\n")
        keep(root)
    texts = [(root / "etc/kubernetes" / name).read_text() for name in others(root)]
    assert len(texts) == 10
    assert {"edit 0\n", "edit 24\n"} <= set(texts)
    assert "edit 5\n" not in texts


def test_a_reader_has_the_old_file_or_the_new_one(root: Path) -> None:
    file = put(root, "old\n")
    with file.open() as reader:
        keep(root)
        assert reader.read() == "old\n"
    assert file.read_text() == "new\n"


def test_what_a_killed_agent_left_is_overwritten(root: Path) -> None:
    stale = root / "etc/kubernetes/.kubeadm.conf.bridged.tmp"
    stale.write_text("half")
    keep(root)
    assert others(root) == []


def test_never_through_a_symbolic_link(root: Path) -> None:
    target = root / "theirs"
    target.write_text("theirs")
    (root / PATH.lstrip("/")).symlink_to(target)
    seen = see(root)
    assert seen.unseen
    assert "symbolic link" in seen.obstacle
    with pytest.raises(WorldError) as caught:
        keep(root)
    assert caught.value.kind == "refused"
    assert target.read_text() == "theirs"


def test_never_through_a_folder_that_is_a_link(root: Path) -> None:
    (root / "etc/kubernetes").rmdir()
    elsewhere = root / "elsewhere"
    elsewhere.mkdir()
    (root / "etc/kubernetes").symlink_to(elsewhere)
    assert "/etc/kubernetes is a symbolic link" in see(root).obstacle
    with pytest.raises(WorldError, match="symbolic link"):
        keep(root)
    assert list(elsewhere.iterdir()) == []


def test_not_in_a_folder_that_others_can_write(root: Path) -> None:
    (root / "etc/kubernetes").chmod(0o777)
    seen = see(root)
    assert "can be written by others" in seen.obstacle
    assert seen.remedy == "chmod go-w /etc/kubernetes"
    with pytest.raises(WorldError, match="chmod go-w /etc/kubernetes"):
        keep(root)


@as_root
def test_not_in_a_folder_of_somebody_else(root: Path) -> None:
    os.chown(root / "etc/kubernetes", 4711, 0)
    assert see(root).remedy == "chown root /etc/kubernetes"
    with pytest.raises(WorldError, match="belongs to uid 4711"):
        keep(root)


@pytest.mark.parametrize("kind", ["folder", "fifo", "socket"])
def test_what_is_no_file_is_left_alone(root: Path, kind: str) -> None:
    place = root / PATH.lstrip("/")
    if kind == "folder":
        place.mkdir()
    elif kind == "fifo":
        os.mkfifo(place)
    else:
        os.mknod(place, stat.S_IFSOCK | 0o600)
    before = place.stat().st_ino
    assert see(root).unseen
    with pytest.raises(WorldError) as caught:
        keep(root)
    assert caught.value.kind == "refused"
    assert place.stat().st_ino == before


@as_root
def test_owners_go_by_name_or_number(root: Path) -> None:
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nkube:x:990:991::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nkube:x:991:\n")
    keep(root, owner="kube:kube")
    seen = see(root)
    assert (seen.owner, seen.ids) == ("kube:kube", (990, 991))
    assert seen.belongs_to("990:kube")
    assert not seen.belongs_to("kube:root")
    keep(root, owner="4711:4712")
    assert see(root).owner == "4711:4712"
    with pytest.raises(WorldError, match="there is no account nobody-here"):
        keep(root, owner="nobody-here:root")


@pytest.mark.parametrize(
    ("number", "step"),
    [(errno.ENOSPC, "make room"), (errno.EDQUOT, "make room"), (errno.EROFS, "ReadWritePaths=")],
)
def test_a_failed_write_leaves_the_old_file_and_says_what_to_do(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int, step: str
) -> None:
    file = put(root, "old\n")

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(WorldError, match=step):
        keep(root)
    assert file.read_text() == "old\n"
    assert others(root) == []


@pytest.fixture
def small_disk(root: Path) -> Iterator[Path]:
    """The folder on a file system of 64 KiB."""
    place = root / "etc/kubernetes"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", str(place)], check=False
    )
    if done.returncode:
        pytest.skip("nothing can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@as_root
def test_a_full_disk_is_said_and_the_old_file_stays(root: Path, small_disk: Path) -> None:
    file = put(root, "old\n")
    with pytest.raises(WorldError, match="No space left on device; make room in /etc/kubernetes"):
        keep(root, "x" * 200_000)
    assert file.read_text() == "old\n"
    assert others(root) == []


@as_root
def test_a_file_system_that_can_only_be_read_is_seen_before(root: Path, small_disk: Path) -> None:
    put(root, "old\n")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    seen = see(root)
    assert (seen.content, seen.unseen) == ("old\n", False)
    assert "can only be read" in seen.obstacle
    assert "ReadWritePaths=/etc/kubernetes" in seen.remedy
    with pytest.raises(WorldError, match="ReadWritePaths=/etc/kubernetes"):
        keep(root)


@pytest.fixture
def marked(root: Path) -> Iterator[Path]:
    """The file, immutable."""
    file = put(root, "old\n")
    done = subprocess.run(["chattr", "+i", str(file)], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("this file system knows no immutable files, or root may not make one")
    yield file
    subprocess.run(["chattr", "-i", str(file)], check=True)


@as_root
def test_an_immutable_file_is_named_and_stays(root: Path, marked: Path) -> None:
    seen = see(root)
    assert seen.content == "old\n"
    assert "immutable" in seen.obstacle
    assert seen.remedy == f"chattr -i {PATH}"
    with pytest.raises(WorldError, match="immutable; chattr -i"):
        keep(root)
    assert marked.read_text() == "old\n"
    assert others(root) == []


def test_the_selinux_label_goes_along(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SELinux the attribute cannot be set for real; what is asked of the kernel can."""
    put(root, "old\n")
    given: list[tuple[str, bytes]] = []

    def get(file: int, name: str) -> bytes:
        assert name == "security.selinux"
        return b"system_u:object_r:kubernetes_file_t:s0\0"

    monkeypatch.setattr(os, "getxattr", get)
    monkeypatch.setattr(os, "setxattr", lambda file, name, value: given.append((name, value)))
    keep(root)
    assert given == [("security.selinux", b"system_u:object_r:kubernetes_file_t:s0\0")]


@pytest.mark.parametrize("call", ["open", "fchmod", "fsync", "link", "rename", "unlink"])
def test_rule_9_killed_anywhere_it_is_right_again(root: Path, call: str) -> None:
    """Killed before any of its steps: the file is the old one or the new one, what was there is
    never lost, and the next write leaves nothing else behind."""
    file = put(root, "by hand\n")
    for nth in range(6):
        child = os.fork()
        if child == 0:
            _die_before(call, nth)
            keep(root)
            os._exit(0)
        os.waitpid(child, 0)
        assert file.read_text() in {"by hand\n", "new\n"}
        keep(root)
        assert file.read_text() == "new\n"
        (backup,) = others(root)
        assert (file.parent / backup).read_text() == "by hand\n"
        (file.parent / backup).unlink()
        put(root, "by hand\n")


def _die_before(call: str, nth: int) -> None:
    """The process ends before this system call is made for the nth time."""
    real, left = getattr(os, call), [nth]

    def dying(*arguments: object, **options: object) -> object:
        if left[0] == 0:
            os._exit(9)
        left[0] -= 1
        return real(*arguments, **options)

    setattr(os, call, dying)
