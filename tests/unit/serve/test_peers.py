"""Who may what."""

import os
import socket
from pathlib import Path

import pytest

from bridged.serve import peers
from bridged.serve.peers import Peer, Policy, group_id, read_peer

POLICY = Policy("bridged", 100, own_uid=990)


@pytest.mark.parametrize("uid", [0, 990])
def test_root_and_the_agents_own_user_may_everything(uid: int) -> None:
    peer = Peer(1, uid, 5)
    assert POLICY.refusal(peer, "read") is None
    assert POLICY.refusal(peer, "change") is None


@pytest.mark.parametrize("peer", [Peer(1, 7, 100), Peer(1, 7, 5, frozenset({4, 100}))])
def test_members_read_by_primary_or_supplementary_group(peer: Peer) -> None:
    assert POLICY.refusal(peer, "read") is None
    assert POLICY.refusal(peer, "change") is not None


def test_without_the_group_nobody_else_reads() -> None:
    refusal = Policy("bridged", None, 0).refusal(Peer(1, 7, 5, frozenset({4})), "read")
    assert refusal is not None
    assert "neither root nor a member of bridged" in refusal[0]


def test_the_kernel_tells_who_connected(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
        connection, _ = server.accept()
        with connection:
            peer = read_peer(connection)
    assert (peer.pid, peer.uid, peer.gid) == (os.getpid(), os.geteuid(), os.getegid())
    assert peer.groups == frozenset(os.getgroups())
    assert peers._groups_of_process(os.getpid()) == frozenset(os.getgroups())
    assert peers._groups_of_process(2**22 + 1) == frozenset()


def test_groups_by_name() -> None:
    assert group_id("root") == 0
    assert group_id("no-such-group-here") is None
