"""Netlink answers byte by byte: errors, interrupted dumps, silence."""

import errno
import socket
import struct
import sys
from typing import Any

import pytest

from bridged.errors import WorldError
from bridged.rtnetlink import RTM_GETLINK, KernelRefusal, Rtnetlink, world_error

HEADER = struct.Struct("=IHHII")
DONE, ERROR = 3, 2


def message(kind: int, body: bytes, flags: int = 0, sequence: int = 1) -> bytes:
    return HEADER.pack(HEADER.size + len(body), kind, flags, sequence, 0) + body


def link(index: int, sequence: int = 1, flags: int = 2) -> bytes:
    return message(16, struct.pack("=BxHiII", 0, 1, index, 0, 0), flags, sequence)


def done(sequence: int = 1, code: int = 0) -> bytes:
    return message(DONE, struct.pack("=i", code), 2, sequence)


class FakeSocket:
    """Gives prepared datagrams; nothing left is a kernel that does not answer."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.sent = 0
        self.closed = False

    def send(self, data: bytes) -> int:
        self.sent += 1
        return len(data)

    def recv(self, size: int) -> bytes:
        if not self.answers:
            raise TimeoutError
        return self.answers.pop(0)

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


@pytest.fixture
def netlink(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(*answers: bytes) -> tuple[Rtnetlink, FakeSocket]:
        fake = FakeSocket(*answers)
        monkeypatch.setattr(socket, "socket", lambda *_: fake)
        return Rtnetlink(0.1), fake

    return make


def test_a_dump_is_read_to_its_end(netlink: Any) -> None:
    reader, _ = netlink(link(1) + link(2), link(3), done())
    assert [item["index"] for item in reader.dump(RTM_GETLINK)] == [1, 2, 3]


def test_answers_to_somebody_else_are_ignored(netlink: Any) -> None:
    reader, _ = netlink(link(9, sequence=77) + link(1), done(77), done())
    assert [item["index"] for item in reader.dump(RTM_GETLINK)] == [1]


def test_an_interrupted_dump_is_read_again(netlink: Any) -> None:
    """NLM_F_DUMP_INTR: the table changed, so links may be missing or there twice."""
    reader, fake = netlink(
        link(1, flags=0x12), done(), link(1, sequence=2) + link(2, sequence=2), done(2)
    )
    assert [item["index"] for item in reader.dump(RTM_GETLINK)] == [1, 2]
    assert fake.sent == 2


def test_a_dump_that_is_interrupted_again_and_again_fails(netlink: Any) -> None:
    answers = [link(1, n, 0x12) + done(n) for n in range(1, 20)]
    reader, _ = netlink(*answers)
    with pytest.raises(WorldError) as caught:
        reader.dump(RTM_GETLINK)
    assert caught.value.kind == "failed"


def test_silence_is_a_timeout(netlink: Any) -> None:
    reader, _ = netlink(link(1))
    with pytest.raises(WorldError) as caught:
        reader.dump(RTM_GETLINK)
    assert caught.value.kind == "timeout"


def test_after_silence_another_socket_is_asked(
    netlink: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel refuses a second dump over a socket on which it has not ended the first."""
    reader, _ = netlink(link(1))
    fresh = FakeSocket(link(1, sequence=2), done(2))
    monkeypatch.setattr(socket, "socket", lambda *_: fresh)
    with pytest.raises(WorldError):
        reader.dump(RTM_GETLINK)
    assert [item["index"] for item in reader.dump(RTM_GETLINK)] == [1]


def test_a_dump_that_breaks_off_with_an_error_is_one(netlink: Any) -> None:
    reader, _ = netlink(link(1), done(code=-errno.ENOMEM))
    with pytest.raises(KernelRefusal) as caught:
        reader.dump(RTM_GETLINK)
    assert caught.value.errno == errno.ENOMEM


def test_the_kernels_sentence_is_kept(netlink: Any) -> None:
    text = b"Can not enslave a bridge to a bridge\0"
    attribute = struct.pack("=HH", 4 + len(text), 1) + text
    body = struct.pack("=i", -errno.ELOOP) + HEADER.pack(16, 16, 5, 1, 0) + attribute
    reader, _ = netlink(message(ERROR, body, 0x300))
    with pytest.raises(KernelRefusal) as caught:
        reader.change(16, {"index": 1})
    assert caught.value.errno == errno.ELOOP
    assert caught.value.reason == "Can not enslave a bridge to a bridge"


def test_an_acknowledgement_is_no_error(netlink: Any) -> None:
    body = struct.pack("=i", 0) + HEADER.pack(16, 16, 5, 1, 0)
    reader, fake = netlink(message(ERROR, body))
    reader.change(16, {"index": 1})
    assert fake.sent == 1


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENODEV, "vanished"),
        (errno.EPERM, "permission"),
        (errno.EBUSY, "refused"),
        (errno.EINVAL, "refused"),
        (errno.EOPNOTSUPP, "refused"),
        (errno.ELOOP, "refused"),
        (errno.ENOMEM, "failed"),
    ],
)
def test_errnos_are_sorted_into_kinds(number: int, kind: str) -> None:
    error = world_error(number, "plug vnet0 into br-lan", "the kernel's words")
    assert error.kind == kind
    assert "plug vnet0 into br-lan" in error.message
    assert "the kernel's words" in error.message


def test_the_package_is_imported_narrowly_and_completes_itself_on_demand() -> None:
    """In a fresh interpreter: 26 ms instead of 150, and `from pyroute2 import IPRoute` works."""
    import subprocess

    code = (
        "import sys, bridged.rtnetlink\n"
        "assert 'pyroute2.ndb' not in sys.modules and 'pyroute2.iproute' not in sys.modules\n"
        "from pyroute2 import IPRoute\n"
        "assert IPRoute.__module__.startswith('pyroute2.iproute')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
