"""The control socket: its file, who may connect, and that only one agent has it."""

import contextlib
import fcntl
import os
import socket
from pathlib import Path
from typing import Any

from bridged.desired import trust
from bridged.errors import WorldError
from bridged.folders import make_folder
from bridged.report import Finding
from bridged.serve.defaults import CONTROL_SOCKET, GROUP
from bridged.serve.listener import Listener
from bridged.serve.peers import Peer, Policy, read_peer
from bridged.serve.protocols import Agent
from bridged.serve.requests import Cache, Limits, Session, error_line

_BUSY = error_line("busy", "bridged has too many connections", "try again in a few seconds")

_RESTART = "systemctl restart bridged"


class AgentLock:
    """Held by whoever changes the node by itself: the agent, or `bridgedctl apply` without one.

    A lock of the kernel's on the file `path`: it ends with its process, however that ends.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock.  `WorldError` ``refused`` names the process that has it."""
        try:
            make_folder(self.path.parent)
            # For root's eyes only: whoever may open a file for reading may lock it too.
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise _world_error(error, f"cannot make {self.path}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 32, 0).decode("ascii", "replace").strip()
            os.close(file)
            raise another(holder) from None
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file

    def release(self) -> None:
        """Give the lock back; the file stays, for taking it away would let two hold it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> "AgentLock":
        self.acquire()
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()


def another(pid: str) -> WorldError:
    """The error that says whose turn it is."""
    who = f"pid {pid}" if pid.isdigit() else "pid unknown"
    return WorldError("refused", f"another bridged runs, {who}")


def lock_path(socket_path: str | os.PathLike[str]) -> Path:
    """The lock that belongs to a control socket."""
    return Path(f"{os.fspath(socket_path)}.lock")


class ControlServer:
    """Serves `agent` on the unix socket `path`; its file is 0660 root:`group`."""

    def __init__(
        self,
        agent: Agent,
        path: str | os.PathLike[str] = CONTROL_SOCKET,
        *,
        group: str = GROUP,
        limits: Limits | None = None,
        policy: Policy | None = None,
    ) -> None:
        self._agent = agent
        self._path = Path(path)
        self._limits = limits or Limits()
        self._policy = policy or Policy.of(group)
        self._lock = AgentLock(lock_path(path))
        self._cache = Cache()
        self._listener: Listener | None = None
        self._identity: tuple[int, int] | None = None

    def start(self) -> None:
        """Take the socket and serve.

        `WorldError`: ``refused`` where another agent lives or others may write the socket's
        directory, ``permission`` or ``failed`` where the socket cannot be made.
        """
        self._lock.acquire()
        try:
            _refuse_untrusted(self._path)
            _refuse_live(self._path)
            listening = self._bind()
        except BaseException:
            self._lock.release()
            raise
        self._listener = Listener(
            listening,
            self._serve,
            name="control",
            limit=self._limits.connections,
            turned_away=_BUSY,
            admit=self._admit,
        )
        self._listener.start()

    def stop(self) -> None:
        """Stop serving and take the socket away, unless somebody has replaced it."""
        if self._listener is None:
            return
        self._listener.stop()
        self._listener = None
        with contextlib.suppress(OSError):
            if _identity(self._path) == self._identity:
                self._path.unlink()
        self._lock.release()

    def findings(self) -> tuple[Finding, ...]:
        """What an operator has to know of the socket: that others may, or did, replace it."""
        if self._listener is None:
            return ()
        try:
            _refuse_untrusted(self._path)
            if _identity(self._path) == self._identity:
                return ()
            told, remedy = f"another file is in the place of {self._path}", _RESTART
        except FileNotFoundError:
            told, remedy = f"somebody has taken {self._path} away", _RESTART
        except OSError as error:
            told, remedy = f"{self._path} cannot be looked at: {error.strerror}", _RESTART
        except WorldError as error:
            told, _, remedy = error.message.partition("; ")
        message = f"{told}: whoever asks there may not be answered by bridged"
        return (Finding("control-socket", message, remedy),)

    def _bind(self) -> socket.socket:
        """The listening socket.  Made under another name and moved into place when its owner and
        mode are right: nobody can connect in between, and a dead agent's file is replaced."""
        fresh = self._path.with_name(f".{self._path.name}.new")
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            fresh.unlink(missing_ok=True)
            listening.bind(os.fspath(fresh))
            fresh.chmod(0o600)
            if self._policy.group_id is not None:
                # An agent that is not root (in tests) may not give files away.
                with contextlib.suppress(PermissionError):
                    os.chown(fresh, -1, self._policy.group_id)
            fresh.chmod(0o660)
            listening.listen(128)
            self._identity = _identity(fresh)
            fresh.rename(self._path)
        except OSError as error:
            listening.close()
            raise _world_error(error, f"cannot make the control socket {self._path}") from error
        return listening

    def _admit(self, connection: socket.socket, count: int) -> bool:
        if count < self._limits.connections - self._limits.reserved:
            return True
        try:
            return self._policy.trusted(read_peer(connection))
        except OSError:
            return False

    def _serve(self, connection: socket.socket, address: Any) -> None:
        peer: Peer = read_peer(connection)
        Session(connection, peer, self._policy, self._agent, self._limits, self._cache).run()


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat(follow_symlinks=False)
    return status.st_dev, status.st_ino


def _refuse_untrusted(path: Path) -> None:
    """Raise if others could put a socket of theirs, which tells what they like, in its place."""
    try:
        trust.check_directories(path)
    except trust.Untrusted as error:
        raise WorldError("refused", f"{error.path}: {error.message}; {error.remedy}") from None


def _refuse_live(path: Path) -> None:
    """Raise if somebody answers at `path`: an agent whose lock file was taken away."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except TimeoutError:
            raise another("") from None  # listens, but its queue is full
        except OSError:
            return
        # On a client's side the peer is the process that called listen().
        raise another(str(read_peer(probe).pid))


def _world_error(error: OSError, what: str) -> WorldError:
    text = f"{what}: {error.strerror or error}"
    return WorldError("permission" if isinstance(error, PermissionError) else "failed", text)
