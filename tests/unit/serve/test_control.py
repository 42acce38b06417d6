"""The control socket, with real sockets in a directory of the test's."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bridged.errors import WorldError
from bridged.report import as_json
from bridged.serve.control import AgentLock, ControlServer, lock_path
from bridged.serve.peers import Policy
from bridged.serve.protocols import ApplyOptions
from bridged.serve.requests import Limits
from tests.unit.serve.reports import AS_DESIRED, DRIFTING, FakeAgent

NOBODY = 65534
QUICK = Limits(read_timeout=0.4, connections=6, reserved=2)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory that other users may enter, unlike tmp_path; short, as socket paths must be."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture
def agent() -> FakeAgent:
    return FakeAgent()


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "control.sock"


@pytest.fixture
def start(agent: FakeAgent, path: Path) -> Iterator[Callable[..., ControlServer]]:
    servers: list[ControlServer] = []

    def begin(**options: Any) -> ControlServer:
        server = ControlServer(agent, path, **{"limits": QUICK, **options})
        server.start()
        servers.append(server)
        return server

    yield begin
    for server in servers:
        server.stop()


def connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    connection.connect(str(path))
    return connection


def talk(path: Path, *lines: bytes) -> list[dict[str, Any]]:
    """Send lines, and read until the server closes or as many answers as lines have come."""
    with connect(path) as connection, connection.makefile("rb") as answers:
        with suppress(BrokenPipeError):
            connection.sendall(b"".join(lines))
        connection.shutdown(socket.SHUT_WR)
        return [json.loads(line) for line in answers]


def drip(connection: socket.socket, data: bytes) -> float:
    """Send a little now and then, for 5 s at most; the seconds until the server had enough."""
    begin = time.monotonic()
    with suppress(BrokenPipeError, ConnectionResetError):
        while time.monotonic() - begin < 5:
            connection.sendall(data)
            time.sleep(0.05)
    return time.monotonic() - begin


def call(path: Path, method: str, **params: Any) -> dict[str, Any]:
    """The last line of the answer to one request."""
    return talk(path, json.dumps({"method": method, "params": params}).encode() + b"\n")[-1]


def test_status_is_the_last_report_and_does_not_wait_for_the_loop(
    start: Callable[..., ControlServer], agent: FakeAgent, path: Path
) -> None:
    start()
    agent.hold.clear()  # a pass is under way and takes its time
    busy = connect(path)
    busy.sendall(b'{"method": "apply"}\n')
    answer = call(path, "status")["result"]
    assert not agent.hold.is_set()  # the pass is still under way
    assert answer == json.loads(json.dumps(as_json(AS_DESIRED)))
    agent.hold.set()
    busy.close()


def test_status_follows_the_report(
    start: Callable[..., ControlServer], agent: FakeAgent, path: Path
) -> None:
    start()
    assert call(path, "status")["result"]["converged"] is True
    agent.current = DRIFTING
    assert call(path, "status")["result"]["converged"] is False


def test_before_the_first_pass_status_says_so(
    start: Callable[..., ControlServer], agent: FakeAgent, path: Path
) -> None:
    start()
    agent.current = None
    error = call(path, "status")["error"]
    assert error["kind"] == "unavailable"
    assert "first pass" in error["message"]
    assert error["remedy"]


def test_explain_takes_an_object_and_tells_what_was_meant(
    start: Callable[..., ControlServer], path: Path
) -> None:
    start()
    assert call(path, "explain", object="br-lan")["result"]["kind"] == "bridge"
    error = call(path, "explain", object="br-lna")["error"]
    assert error["kind"] == "not-found"
    assert error["remedy"] == "did you mean bridge/br-lan?"
    for params in ({}, {"object": 7}, {"object": ""}, {"object": "x" * 400}, {"objekt": "br-lan"}):
        assert call(path, "explain", **params)["error"]["kind"] == "bad-request"


def test_plan_and_reload(start: Callable[..., ControlServer], agent: FakeAgent, path: Path) -> None:
    start()
    plan = call(path, "plan")["result"]
    assert [step["object"] for step in plan["actions"]] == ["module/kvm", "port/enp13s0f3"]
    assert plan["withheld"][0]["disruption"] == "guests"
    assert call(path, "reload") == {"result": {}}
    assert agent.reloads == 1


def test_apply_streams_its_steps_and_ends_with_the_report(
    start: Callable[..., ControlServer], agent: FakeAgent, path: Path
) -> None:
    start()
    lines = talk(path, b'{"method": "apply", "params": {"allow_disruption": ["br-lan"]}}\n')
    assert [line.get("progress") for line in lines[:-1]] == list(agent.steps)
    assert lines[-1]["result"]["converged"] is True
    assert agent.applied[0][0].allow_disruption == ("br-lan",)


@pytest.mark.parametrize("method", ["confirm", "rollback"])
def test_a_trial_is_ended_once(
    start: Callable[..., ControlServer], agent: FakeAgent, path: Path, method: str
) -> None:
    start()
    agent.waiting = True
    assert call(path, method) == {"result": {}}
    error = call(path, method)["error"]
    assert "no changes wait to be confirmed" in error["message"]
    assert agent.ended == [method, method]


def test_a_candidate_is_given_with_the_time_of_its_trial(
    start: Callable[..., ControlServer], agent: FakeAgent, path: Path
) -> None:
    start()
    call(path, "apply", confirm=60, candidate="/root/new.yaml")
    assert agent.applied[0][0] == ApplyOptions((), 60.0, "/root/new.yaml")
    for wrong in ({"candidate": "/new.yaml"}, {"confirm": 9, "candidate": "new.yaml"}):
        assert call(path, "apply", **wrong)["error"]["kind"] == "bad-request"
    assert len(agent.applied) == 1


def test_progress_arrives_while_the_pass_goes_on(
    start: Callable[..., ControlServer], agent: FakeAgent, path: Path
) -> None:
    start()
    agent.hold.clear()
    with connect(path) as connection, connection.makefile("rb") as answers:
        connection.sendall(b'{"method": "apply"}\n')
        assert json.loads(answers.readline()) == {"progress": agent.steps[0]}
        agent.hold.set()


def test_a_client_that_does_not_read_never_holds_up_the_pass(
    start: Callable[..., ControlServer], agent: FakeAgent, path: Path
) -> None:
    start()
    agent.steps = tuple("x" * 1000 for _ in range(5000))  # far more than the socket takes
    passed = threading.Event()
    agent.during = passed.set
    with connect(path) as connection:
        connection.sendall(b'{"method": "apply"}\n')
        assert passed.wait(5)


def test_an_apply_that_takes_too_long_is_told(
    start: Callable[..., ControlServer], agent: FakeAgent, path: Path
) -> None:
    start()
    agent.hold.clear()
    error = call(path, "apply", timeout=0.2)["error"]
    assert error["kind"] == "timeout"


@pytest.mark.parametrize(
    ("raised", "kind"),
    [(WorldError("unavailable", "NetworkManager is away"), "unavailable"), (KeyError(1), "failed")],
)
def test_errors_of_the_agent_reach_the_client(
    start: Callable[..., ControlServer],
    agent: FakeAgent,
    path: Path,
    raised: Exception,
    kind: str,
) -> None:
    start()
    agent.after = raised
    assert call(path, "apply")["error"]["kind"] == kind
    assert call(path, "status")["result"]  # and the server goes on


@pytest.mark.parametrize(
    "line",
    [
        b"garbage\n",
        b"\xff\xfe\x00\n",
        b"[" * 50_000 + b"\n",
        b"[]\n",
        b'{"method": 3}\n',
        b'{"method": "reboot"}\n',
        b'{"method": "status", "params": []}\n',
        b'{"method": "status", "params": {"colour": 1}}\n',
        b'{"method": "apply", "params": {"allow_disruption": "br-lan"}}\n',
        b'{"method": "apply", "params": {"timeout": true}}\n',
        b'{"method": "apply", "params": {"timeout": NaN}}\n',
        b'{"method": "apply", "params": {"timeout": 1e9}}\n',
        b'{"method": "history", "params": {"limit": 1' + b"0" * 400 + b"}}\n",
        b'{"method": "history", "params": {"since": -1e400}}\n',
        b'{"method": "apply", "params": {"confirm": 5, "candidate": "/x\\u0000y"}}\n',
    ],
)
def test_garbage_is_refused_and_the_connection_goes_on(
    start: Callable[..., ControlServer], agent: FakeAgent, path: Path, line: bytes
) -> None:
    start()
    answers = talk(path, line, b'{"method": "status"}\n')
    assert answers[0]["error"]["kind"] == "bad-request"
    assert answers[0]["error"]["message"]
    assert "result" in answers[1]
    assert not agent.applied


def test_an_oversize_request_ends_the_connection(
    start: Callable[..., ControlServer], path: Path
) -> None:
    start()
    answers = talk(path, b"x" * (QUICK.request_bytes + 10))
    assert answers[0]["error"]["kind"] == "bad-request"
    assert len(answers) == 1


def test_silent_clients_block_nobody_and_are_dropped(
    start: Callable[..., ControlServer], path: Path
) -> None:
    start()
    silent = [connect(path) for _ in range(3)]
    assert call(path, "status")["result"]
    for connection in silent:
        assert connection.recv(1) == b""  # dropped after the read timeout
        connection.close()


def test_a_client_that_drips_is_dropped_at_the_same_time(
    start: Callable[..., ControlServer], path: Path
) -> None:
    start()
    with connect(path) as connection:
        assert drip(connection, b"x") < 2


def test_more_connections_than_allowed_are_turned_away(
    start: Callable[..., ControlServer], path: Path
) -> None:
    start(limits=Limits(connections=6, reserved=2))
    open_ones = [connect(path) for _ in range(6)]
    time.sleep(0.1)
    with connect(path) as late, late.makefile("rb") as answers:
        assert json.loads(answers.readline())["error"]["kind"] == "busy"
    for connection in open_ones:
        connection.close()


def test_many_at_once(start: Callable[..., ControlServer], path: Path) -> None:
    start(limits=Limits())
    answers: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(call(path, "status"))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["result"]["hostname"] for answer in answers] == ["node1"] * 20


def test_socket_file_mode_and_its_end(start: Callable[..., ControlServer], path: Path) -> None:
    server = start()
    assert path.stat().st_mode & 0o777 == 0o660
    assert lock_path(path).stat().st_mode & 0o777 == 0o600
    server.stop()
    assert not path.exists()
    start()  # and again
    assert call(path, "status")["result"]


def test_a_second_agent_is_refused_with_the_pid_of_the_first(
    start: Callable[..., ControlServer], path: Path
) -> None:
    start()
    with pytest.raises(WorldError, match=f"another bridged runs, pid {os.getpid()}") as caught:
        start()
    assert caught.value.kind == "refused"
    lock_path(path).unlink()
    with pytest.raises(WorldError, match=f"another bridged runs, pid {os.getpid()}"):
        start()
    assert call(path, "status")["result"]


def test_what_a_dead_agent_left_is_replaced(
    start: Callable[..., ControlServer], path: Path
) -> None:
    code = (
        "import os, sys; from bridged.serve.control import ControlServer\n"
        f"ControlServer(None, {str(path)!r}).start(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    assert path.exists()
    start()
    assert call(path, "status")["result"]


def test_the_lock_is_for_one(folder: Path) -> None:
    with AgentLock(folder / "lock"), pytest.raises(WorldError, match=f"pid {os.getpid()}"):
        AgentLock(folder / "lock").acquire()
    with AgentLock(folder / "lock"):
        pass


# Rights are dropped inside: the interpreter may be one that only root can start.
_DROP = """
import json, os, socket, sys, time
def become(group, groups):
    os.setgroups(groups); os.setgid(group); os.setuid(65534)
"""
_CLIENT = """
for method in sys.argv[2:]:
    s = socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect(sys.argv[1])
    s.sendall(json.dumps({"method": method}).encode() + b"\\n"); s.shutdown(socket.SHUT_WR)
    print(s.makefile().read().strip().splitlines()[-1])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes other users")
@pytest.mark.parametrize("supplementary", [True, False])
def test_members_of_the_group_read_and_change_nothing(
    start: Callable[..., ControlServer], agent: FakeAgent, path: Path, supplementary: bool
) -> None:
    group = 4711
    start(policy=Policy("bridged", group, 0))
    primary, groups = (NOBODY, [group]) if supplementary else (group, [])
    answers = _as_user(path, primary, groups, "status", "apply")
    assert "result" in answers[0]
    assert answers[1]["error"]["kind"] == "permission"
    assert answers[1]["error"]["remedy"] == "use sudo"
    assert not agent.applied


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes other users")
def test_others_are_refused_by_the_file_and_by_the_server(
    start: Callable[..., ControlServer], agent: FakeAgent, path: Path
) -> None:
    start(policy=Policy("bridged", 4711, 0))
    with pytest.raises(subprocess.CalledProcessError):
        _as_user(path, NOBODY, [], "status")
    path.chmod(0o666)
    answers = _as_user(path, NOBODY, [], "status", "plan", "reload", "apply")
    assert {answer["error"]["kind"] for answer in answers} == {"permission"}
    assert "join the group bridged" in answers[0]["error"]["remedy"]
    assert not agent.reloads
    assert not agent.applied


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes other users")
def test_silent_readers_leave_connections_for_root(
    start: Callable[..., ControlServer], path: Path
) -> None:
    start(policy=Policy("bridged", 4711, 0), limits=Limits(connections=6, reserved=2))
    hoard = (
        f"{_DROP}\n"
        "become(4711, [])\n"
        "held = []\n"
        "for _ in range(10):\n"
        "    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); held.append(s)\n"
        "print('held', flush=True); time.sleep(30)"
    )
    greedy = subprocess.Popen(
        [sys.executable, "-I", "-c", hoard, str(path)],
        stdout=subprocess.PIPE,
    )
    try:
        assert greedy.stdout is not None
        assert greedy.stdout.readline() == b"held\n"
        assert call(path, "status")["result"]
    finally:
        greedy.kill()
        greedy.communicate()


def _as_user(path: Path, group: int, groups: list[int], *methods: str) -> list[dict[str, Any]]:
    code = f"{_DROP}\nbecome({group}, {groups})\n{_CLIENT}"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(path), *methods],
        capture_output=True,
        check=True,
        timeout=20,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(("mode", "who"), [(0o775, "its group"), (0o757, "everybody")])
def test_no_socket_where_others_could_put_theirs(
    start: Callable[..., ControlServer], folder: Path, path: Path, mode: int, who: str
) -> None:
    """Who asks there would be told lies, root too."""
    folder.chmod(mode)
    with pytest.raises(WorldError, match=f"can be written by {who}.*chmod go-w {folder}"):
        start()
    assert not path.exists()
    folder.chmod(0o755)
    start()


def test_what_happens_to_the_socket_later_is_told(
    start: Callable[..., ControlServer], folder: Path, path: Path
) -> None:
    server = start()
    assert server.findings() == ()
    folder.chmod(0o777)
    (found,) = server.findings()
    assert "can be written by its group and everybody" in found.message
    assert found.remedy == f"chmod go-w {folder}"
    folder.chmod(0o755)
    assert server.findings() == ()
    path.rename(folder / "gone")
    (found,) = server.findings()
    assert "has taken" in found.message
    path.touch()
    (found,) = server.findings()
    assert "another file is in the place" in found.message
    assert found.remedy == "systemctl restart bridged"


def test_a_socket_under_a_directory_reached_by_a_link_that_others_may_change_is_refused(
    agent: FakeAgent, folder: Path
) -> None:
    (folder / "open").mkdir()
    (folder / "open").chmod(0o777)
    (folder / "real").mkdir()
    (folder / "open/link").symlink_to(folder / "real/control.sock")
    (folder / "control.sock").symlink_to(folder / "open/link")
    with pytest.raises(WorldError, match="can be written by"):
        ControlServer(agent, folder / "control.sock", limits=QUICK).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_bridgedctl_believes_nobody_but_root(folder: Path, path: Path) -> None:
    """Another user's socket in the place of ours: an error, not a status."""
    from bridged.cli.client import Failure, ask

    folder.chmod(0o777)
    script = (
        "import os, socket, sys; os.setuid(int(sys.argv[2])); s = socket.socket(socket.AF_UNIX); "
        "s.bind(sys.argv[1]); s.listen(); print(flush=True); s.accept()[0].recv(1)"
    )
    words = [sys.executable, "-c", script, str(path), str(NOBODY)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as liar:
        assert liar.stdout is not None
        liar.stdout.readline()
        with pytest.raises(Failure, match=f"runs as user {NOBODY}, not as root"):
            ask(str(path), "status")
        liar.kill()
