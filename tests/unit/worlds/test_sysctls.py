"""Kernel parameters on fake trees."""

import errno
import os
from pathlib import Path

import pytest

from bridged.apply.sysctls import SysctlWriter
from bridged.errors import WorldError
from bridged.observe.sysctls import SysctlReader


def key(root: Path, path: str, value: str) -> Path:
    file = root / "proc/sys" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(value, encoding="utf-8")
    return file


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Have the kernel refuse every value with that error."""

    def write(descriptor: int, data: bytes) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", write)


def test_values_are_read_with_single_spaces(tmp_path: Path) -> None:
    """Case 16: the kernel prints tabs."""
    key(tmp_path, "net/ipv4/ip_local_port_range", "1024\t65535\n")
    found = SysctlReader(tmp_path).read(["net/ipv4/ip_local_port_range"])
    assert found["net/ipv4/ip_local_port_range"].value == "1024 65535"


def test_a_missing_key_has_a_reason_and_the_others_are_read(tmp_path: Path) -> None:
    """Case 10: each key by its own file."""
    key(tmp_path, "net/bridge/bridge-nf-call-iptables", "1\n")
    found = SysctlReader(tmp_path).read(
        ["net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-arptables"]
    )
    assert found["net/bridge/bridge-nf-call-iptables"].value == "1"
    assert found["net/bridge/bridge-nf-call-arptables"].value is None
    assert "no such key" in found["net/bridge/bridge-nf-call-arptables"].reason


def test_a_secret_that_was_never_set_is_empty_and_can_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel answers with EIO until ``stable_secret`` has a value."""
    path = "net/ipv6/conf/default/stable_secret"
    key(tmp_path, path, "")

    def read(descriptor: int, size: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "read", read)
    reader = SysctlReader(tmp_path)
    assert reader.read([path])[path].value == ""
    assert reader.unchanged({path: ""})


def test_a_name_with_a_dot_is_one_part_of_the_path(tmp_path: Path) -> None:
    """Case 4."""
    path = "net/ipv6/conf/enp13s0f0.6/disable_ipv6"
    key(tmp_path, path, "1\n")
    assert SysctlReader(tmp_path).read([path])[path].value == "1"


def test_a_directory_is_no_value(tmp_path: Path) -> None:
    key(tmp_path, "net/ipv4/ip_forward", "1\n")
    assert SysctlReader(tmp_path).read(["net/ipv4"])["net/ipv4"].value is None


@pytest.mark.parametrize("path", ["../../etc/passwd", "net/../../x", "/etc/passwd", "net", ""])
def test_nothing_outside_is_read_or_written(tmp_path: Path, path: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("secret", encoding="utf-8")
    (tmp_path / "proc/sys").mkdir(parents=True)
    assert SysctlReader(tmp_path).read([path])[path].value is None
    with pytest.raises(WorldError):
        SysctlWriter(tmp_path).write(path, "1")
    assert (tmp_path / "etc/passwd").read_text(encoding="utf-8") == "secret"


def test_a_link_is_not_followed_out_of_proc_sys(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("0", encoding="utf-8")
    folder = tmp_path / "proc/sys/net"
    folder.mkdir(parents=True)
    (folder / "key").symlink_to(outside)
    (folder / "sub").symlink_to(tmp_path, target_is_directory=True)
    writer = SysctlWriter(tmp_path)
    for path in ("net/key", "net/sub/outside"):
        with pytest.raises(WorldError) as caught:
            writer.write(path, "1")
        assert caught.value.kind == "refused"
    assert outside.read_text(encoding="utf-8") == "0"


def test_a_value_is_written_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = key(tmp_path, "net/ipv4/tcp_rmem", "")
    writes: list[bytes] = []
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        writes.append(data)
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    SysctlWriter(tmp_path).write("net/ipv4/tcp_rmem", "4096 131072 6291456")
    assert writes == [b"4096 131072 6291456\n"]
    assert file.read_text(encoding="utf-8") == "4096 131072 6291456\n"


def test_a_missing_key_is_not_found_and_not_created(tmp_path: Path) -> None:
    (tmp_path / "proc/sys/net").mkdir(parents=True)
    with pytest.raises(WorldError) as caught:
        SysctlWriter(tmp_path).write("net/nothing", "1")
    assert caught.value.kind == "not-found"
    assert not (tmp_path / "proc/sys/net/nothing").exists()


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (30, "permission"),  # EROFS: a sandbox
        (1, "permission"),  # EPERM
        (13, "permission"),  # EACCES
        (22, "refused"),  # EINVAL
        (34, "refused"),  # ERANGE
        (5, "failed"),  # EIO
    ],
)
def test_errors_are_sorted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: str
) -> None:
    """Case 22: a sandbox is not a wrong value."""
    key(tmp_path, "net/ipv4/ip_forward", "0")

    refuse(monkeypatch, number)
    with pytest.raises(WorldError) as caught:
        SysctlWriter(tmp_path).write("net/ipv4/ip_forward", "maybe")
    assert caught.value.kind == kind
    assert "net/ipv4/ip_forward" in caught.value.message
    if kind == "refused":
        assert "maybe" in caught.value.message


@pytest.mark.parametrize(
    ("path", "number", "remedy"),
    [
        ("user/max_user_namespaces", 13, "CapabilityBoundingSet=CAP_SYS_RESOURCE"),
        ("kernel/yama/ptrace_scope", 1, "CapabilityBoundingSet=CAP_SYS_PTRACE"),
        ("sunrpc/tcp_slot_table_entries", 30, "systemctl restart bridged"),
        ("xen/balloon", 30, "ReadWritePaths=/proc/sys/xen/balloon"),
    ],
)
def test_what_the_unit_denies_is_told_with_the_line_that_allows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, number: int, remedy: str
) -> None:
    key(tmp_path, path, "0")

    refuse(monkeypatch, number)
    with pytest.raises(WorldError) as caught:
        SysctlWriter(tmp_path).write(path, "1")
    assert remedy in caught.value.message


def test_a_value_that_the_kernel_does_not_know_is_not_taken_for_a_missing_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`net.ipv4.tcp_congestion_control` and `net.core.default_qdisc` answer ENOENT."""
    key(tmp_path, "net/ipv4/tcp_congestion_control", "cubic")

    refuse(monkeypatch, errno.ENOENT)
    with pytest.raises(WorldError, match="comes with a module") as caught:
        SysctlWriter(tmp_path).write("net/ipv4/tcp_congestion_control", "bbr3")
    assert caught.value.kind == "refused"


def test_what_nobody_can_write_is_told_as_that_and_not_blamed_on_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`net.ipv4.tcp_available_congestion_control` is denied to root too."""
    key(tmp_path, "net/ipv4/tcp_available_congestion_control", "reno").chmod(0o444)

    refuse(monkeypatch, errno.EACCES)
    with pytest.raises(WorldError, match="lets nobody set it") as caught:
        SysctlWriter(tmp_path).write("net/ipv4/tcp_available_congestion_control", "bbr")
    assert caught.value.kind == "refused"
