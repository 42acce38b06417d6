"""bridged inside the laboratory: starting it, asking it, stopping it, counting what it calls."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_SOURCE = Path(__file__).resolve().parents[2]
_SOCKET = "/run/bridged/control.sock"
_LOG = Path("/run/bench-bridged.log")


def command(module: str, function: str = "main") -> tuple[str, ...]:
    """What runs a function of a module as a program of its own, its result the exit code."""
    return sys.executable, "-c", f"import sys; from {module} import {function} as f; sys.exit(f())"


BRIDGED = command("bridged.agent.main")
BRIDGEDCTL = command("bridged.cli.main")


class Agent:
    """The agent's process; there is one at a time."""

    _running: "Agent | None" = None

    def __init__(self, options: Sequence[str], command: Sequence[str] = BRIDGED) -> None:
        self._options = options
        self._command = command
        self.process = self._start(_SOURCE)
        Agent._running = self

    @classmethod
    def running(cls) -> "Agent":
        """The one that runs.  RuntimeError where none does."""
        if cls._running is None:
            raise RuntimeError("no agent runs")
        return cls._running

    def _start(self, source: Path) -> subprocess.Popen[bytes]:
        with _LOG.open("ab") as log:
            return subprocess.Popen(
                [*self._command, "--metrics", "none", *self._options],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=source,
                env={**os.environ, "PYTHONPATH": f"{source}:{_SOURCE}"},
            )  # fmt: skip

    def wait(self) -> None:
        """Return when it has a report."""
        deadline = time.monotonic() + 120
        while ask("status") is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"bridged does not run: {_LOG.read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it as systemd does."""
        self.process.terminate()
        self.process.wait()

    def restart(self, source: Path = _SOURCE, wait: bool = True) -> None:
        """End it if it still runs, and start it again, from another place if so told."""
        self.stop()
        self.process = self._start(source)
        if wait:
            self.wait()


@contextmanager
def agent(*options: str, command: Sequence[str] = BRIDGED) -> Iterator[None]:
    """bridged runs, its first pass is over; it is stopped at the end."""
    _LOG.unlink(missing_ok=True)
    started = Agent(options, command)
    try:
        started.wait()
        yield
    finally:
        started.stop()
        Agent._running = None


def ask(method: str, params: dict[str, Any] | None = None, patience: float = 120) -> Any:
    """The agent's answer to one request, None where it has none yet, or none within so many seconds
    after its last word."""
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.settimeout(patience)
        connection.connect(_SOCKET)
        request = json.dumps({"method": method, "params": params or {}})
        connection.sendall(request.encode() + b"\n")
        with connection.makefile() as lines:
            for line in lines:
                message = json.loads(line)
                if "progress" not in message:
                    return message.get("result")
    return None


@contextmanager
def counted() -> Iterator[dict[str, Any]]:
    """Count calls to NetworkManager and changes; the result is filled in at the end."""
    result: dict[str, Any] = {}
    watch = subprocess.Popen(
        [sys.executable, str(_SOURCE / "tests" / "lab" / "buswatch.py")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watch.stdout is not None
    watch.stdout.readline()
    try:
        yield result
        time.sleep(1)  # what follows of it belongs to it
    finally:
        watch.terminate()
        said = watch.stdout.read()
        watch.wait()
    seen = json.loads(said)
    result["calls"] = sum(seen["calls"].values())
    result["changing"] = len(seen["changes"])
    result["links"] = len(seen["links"])
    result["files"] = len(seen["files"])


def environment() -> None:
    """What every process here is run with."""
    os.environ.setdefault("PYTHONPATH", str(_SOURCE))
