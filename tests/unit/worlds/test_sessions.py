"""Ssh sessions from fake /proc trees."""

from pathlib import Path

import pytest

from bridged.observe.sessions import SessionReader

HEADER = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"
    "  timeout inode\n"
)


def row(local: str, state: str, inode: int = 1) -> str:
    rest = f"00000000:00000000 00:00000000 00000000  0 0 {inode} 1"
    return f"   0: {local} 0200000A:D2F0 {state} {rest}\n"


def tree(root: Path, tcp: str = "", tcp6: str = "") -> SessionReader:
    (root / "proc/net").mkdir(parents=True, exist_ok=True)
    (root / "proc/net/tcp").write_text(HEADER + tcp, encoding="utf-8")
    (root / "proc/net/tcp6").write_text(HEADER + tcp6, encoding="utf-8")
    return SessionReader(root)


def test_the_local_address_of_a_session_is_decoded(tmp_path: Path) -> None:
    reader = tree(tmp_path, row("A00AA8C0:0016", "01"))
    assert reader.ssh_addresses() == {"192.168.10.160"}


def test_ipv6_and_ipv4_within_it(tmp_path: Path) -> None:
    reader = tree(
        tmp_path,
        tcp6=row("000080FE00000000FFA3C80A0100A8C0:0016", "01")
        + row("0000000000000000FFFF0000A00AA8C0:0016", "01"),
    )
    assert reader.ssh_addresses() == {"fe80::ac8:a3ff:c0a8:1", "192.168.10.160"}


@pytest.mark.parametrize(
    "other",
    [
        row("A00AA8C0:0016", "06"),  # time-wait
        row("00000000:0016", "0A"),  # listening
        row("A00AA8C0:0050", "01"),  # another service
        row("0100007F:0016", "01"),  # a session of the node with itself
    ],
)
def test_what_is_no_session_does_not_count(tmp_path: Path, other: str) -> None:
    assert tree(tmp_path, other).ssh_addresses() == frozenset()


def test_other_ports_of_the_configuration_count(tmp_path: Path) -> None:
    reader = tree(tmp_path, row("A00AA8C0:08AE", "01") + row("A10AA8C0:0D05", "01"))
    drop_in = tmp_path / "etc/ssh/sshd_config.d/port.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text("  port 2222\n#Port 80\n", encoding="utf-8")
    (tmp_path / "etc/ssh/sshd_config").write_text(
        "ListenAddress [::]:3333\nListenAddress 0.0.0.0\n", encoding="utf-8"
    )
    assert reader.ssh_addresses() == {"192.168.10.160", "192.168.10.161"}


def test_ports_that_the_running_sshd_listens_on_count(tmp_path: Path) -> None:
    reader = tree(tmp_path, row("00000000:1F90", "0A", 77) + row("A00AA8C0:1F90", "01"))
    assert reader.ssh_addresses() == frozenset()
    (tmp_path / "run").mkdir()
    (tmp_path / "run/sshd.pid").write_text("42\n", encoding="utf-8")
    (tmp_path / "proc/42/fd").mkdir(parents=True)
    (tmp_path / "proc/42/comm").write_text("sshd\n", encoding="utf-8")
    (tmp_path / "proc/42/fd/3").symlink_to("socket:[77]")
    assert reader.ssh_addresses() == {"192.168.10.160"}
    (tmp_path / "proc/42/comm").write_text("nginx\n", encoding="utf-8")
    assert reader.ssh_addresses() == frozenset()


def test_nothing_there_is_no_error(tmp_path: Path) -> None:
    assert SessionReader(tmp_path).ssh_addresses() == frozenset()
    assert SessionReader(tmp_path).machine_id() == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0123456789abcdef0123456789abcdef\n", "0123456789abcdef0123456789abcdef"),
        ("uninitialized\n", ""),
        ("", ""),
    ],
)
def test_the_machine_id(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/machine-id").write_text(text, encoding="utf-8")
    assert SessionReader(tmp_path).machine_id() == found


def logged_in(root: Path, host: str, service: str = "sshd") -> None:
    notes = root / "run/systemd/sessions/1"
    notes.parent.mkdir(parents=True)
    notes.write_text(f"UID=0\nREMOTE=1\nREMOTE_HOST={host}\nSERVICE={service}\n", encoding="utf-8")


def test_a_session_that_logind_knows_counts_at_any_port(tmp_path: Path) -> None:
    """A unit that hides other processes hides what sshd listens on too."""
    serving = row("00000000:1F90", "0A")
    reader = tree(tmp_path, serving + row("A00AA8C0:1F90", "01") + row("A10AA8C0:9999", "01"))
    logged_in(tmp_path, "10.0.0.2")
    assert reader.ssh_addresses() == {"192.168.10.160"}, "not what the node itself has opened"


def test_whose_connection_is_known_makes_no_others_count(tmp_path: Path) -> None:
    serving = row("00000000:1F90", "0A")
    reader = tree(tmp_path, serving + row("A00AA8C0:0016", "01") + row("A10AA8C0:1F90", "01"))
    logged_in(tmp_path, "10.0.0.2")
    assert reader.ssh_addresses() == {"192.168.10.160"}


@pytest.mark.parametrize(("host", "service"), [("10.0.0.9", "sshd"), ("10.0.0.2", "login")])
def test_other_sessions_do_not_count(tmp_path: Path, host: str, service: str) -> None:
    serving = row("00000000:1F90", "0A")
    reader = tree(tmp_path, serving + row("A00AA8C0:1F90", "01"))
    logged_in(tmp_path, host, service)
    assert reader.ssh_addresses() == frozenset()
