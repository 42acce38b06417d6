"""TCP sockets: the kernel's socket diagnosis and its table in /proc tell the same."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridged.observe import sockets
from bridged.observe.sockets import ESTABLISHED, LISTENING, Socket, tcp_sockets
from bridged.rtnetlink import KernelRefusal


@pytest.fixture
def ports() -> Iterator[dict[str, int]]:
    """Somebody listens at each of these addresses, and is connected to."""
    with ExitStack() as stack:
        found = {}
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            listening = stack.enter_context(socket.socket(family))
            listening.bind((address, 0))
            listening.listen()
            found[address] = listening.getsockname()[1]
            caller = stack.enter_context(socket.socket(family))
            caller.connect((address, found[address]))
            stack.enter_context(listening.accept()[0])
        # IPv4 within IPv6.
        listening = stack.enter_context(socket.socket(socket.AF_INET6))
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(("::", 0))
        listening.listen()
        found["::"] = listening.getsockname()[1]
        stack.enter_context(socket.create_connection(("127.0.0.1", found["::"])))
        stack.enter_context(listening.accept()[0])
        yield found


def _ours(found: list[Socket], ports: dict[str, int]) -> list[tuple[str, int, str, int]]:
    numbers = set(ports.values())
    return sorted((s.local, s.port, s.remote, s.state) for s in found if s.port in numbers)


def test_both_ways_of_asking_tell_what_is_there(
    ports: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = sorted(
        [
            ("127.0.0.1", ports["127.0.0.1"], "0.0.0.0", LISTENING),
            ("127.0.0.1", ports["127.0.0.1"], "127.0.0.1", ESTABLISHED),
            ("::1", ports["::1"], "::", LISTENING),
            ("::1", ports["::1"], "::1", ESTABLISHED),
            ("::", ports["::"], "::", LISTENING),
            ("127.0.0.1", ports["::"], "127.0.0.1", ESTABLISHED),
        ]
    )
    quick = tcp_sockets()
    assert _ours(quick, ports) == expected

    def refuse(*args: object, **options: object) -> None:
        raise KernelRefusal(2, "")

    monkeypatch.setattr(sockets.Rtnetlink, "dump_of", refuse)
    slow = tcp_sockets()
    assert _ours(slow, ports) == expected
    inodes = {s.inode for s in slow if s.port in set(ports.values())}
    assert inodes == {s.inode for s in quick if s.port in set(ports.values())}


def test_a_row_that_is_cut_off_is_no_socket(tmp_path: Path) -> None:
    table = tmp_path / "proc/net/tcp"
    table.parent.mkdir(parents=True)
    table.write_text("  sl  local_address\n   0: 0100007F:0016 00000000:0000 0A\n")
    assert tcp_sockets(tmp_path) == []
