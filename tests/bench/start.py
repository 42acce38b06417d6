"""From the agent's start to READY on a node that is right, and `bridgedctl status`.

Runs inside the namespace laboratory and prints the seconds as one line of JSON.  READY is what
systemd is told, on a socket that stands in for its own.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.agent import BRIDGED, BRIDGEDCTL, agent, environment
from tests.bench.layouts import STATE, TWO, settle, start_over

_LIMIT = 60.0


def _to_ready() -> float:
    """Seconds from the start of the process to READY=1."""
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified,
    ):
        path = str(Path(folder) / "notify")
        notified.bind(path)
        notified.settimeout(_LIMIT)
        began = time.monotonic()
        process = subprocess.Popen(
            [*BRIDGED, "--log-level", "warning"],
            env={**os.environ, "NOTIFY_SOCKET": path},
            stdin=subprocess.DEVNULL,
        )
        try:
            while b"READY=1" not in notified.recv(4096):
                pass
            return time.monotonic() - began
        finally:
            process.terminate()
            process.wait()


def _ran(*command: str) -> float:
    began = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def measure(rounds: int) -> dict[str, Any]:
    """See the module; a bare interpreter beside it, which no program in Python undercuts."""
    start_over()
    STATE.parent.mkdir(parents=True, exist_ok=True)
    STATE.write_text(TWO.state)
    with agent():
        settle()
    _to_ready()  # the first one compiles
    ready = [_to_ready() for _ in range(rounds)]
    with agent():
        status = [_ran(*BRIDGEDCTL, "status") for _ in range(rounds + 1)][1:]
    bare = [_ran(sys.executable, "-c", "pass") for _ in range(rounds)]
    return {"ready": ready, "status": status, "bare": bare}


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    environment()
    print(json.dumps({"start": measure(options.rounds)}))


if __name__ == "__main__":
    main()
