"""The node that the demonstration happens on, seen from inside: bridged's installation and journal.

The root file system here is the laboratory's, and goes away with it.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.demo_screen import run

STATE = Path("/etc/bridged/state.yaml")
_ROOT = Path(__file__).resolve().parents[2]
_LOG = Path("/run/demo-bridged.log")
_ROUTINE = ("pass", "state_loaded", "stopped")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\S+ ")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of bridged's journal: when it was written (Unix seconds), its event and the line."""

    time: float
    event: str
    text: str


def install(state: str) -> None:
    """Install bridged from the checkout as its README says, with this state file.

    Raises RuntimeError with what the installer said.
    """
    done = run(f"{_ROOT}/packaging/install.sh install")
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    STATE.write_text(state)


def has_systemd() -> bool:
    """Whether systemd runs this node."""
    return Path("/run/systemd/system").is_dir()


class Agent:
    """The running bridged, and what it writes to its journal."""

    start_command = "systemctl start bridged"

    def __init__(self) -> None:
        self._systemd = has_systemd()
        self._process: subprocess.Popen[bytes] | None = None
        self._mark: str | int = 0
        if not self._systemd:
            self.start_command = "bridged &"

    def start(self) -> None:
        """Start it; with systemd this returns after its first pass."""
        if self._systemd:
            done = run(self.start_command)
            if done.returncode:
                raise RuntimeError(done.stderr + run("journalctl -u bridged -n 30").stdout)
            return
        with _LOG.open("wb") as log:
            self._process = subprocess.Popen(
                ["/usr/local/sbin/bridged"], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def stop(self) -> None:
        """Stop it; the network stays as it is."""
        if self._systemd:
            run("systemctl stop bridged")
        elif self._process is not None:
            self._process.terminate()
            self._process.wait()

    def mark(self) -> None:
        """From here on `journal` tells."""
        if not self._systemd:
            self._mark = _LOG.stat().st_size if _LOG.exists() else 0
            return
        shown = run("journalctl -q -u bridged -n 1 -o json --output-fields=MESSAGE").stdout
        self._mark = json.loads(shown)["__CURSOR"] if shown else ""

    def journal(self, since: float, patience: float) -> list[Entry]:
        """What it wrote since the mark, once it has looked at the node again after `since` (Unix
        seconds), which it is given `patience` seconds for."""
        deadline = time.monotonic() + patience
        while self._last_look() <= since and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.2)  # what is written last is on its way
        return [entry for entry in self._entries() if entry.event not in _ROUTINE]

    @staticmethod
    def _last_look() -> float:
        """When it last looked at the node (Unix seconds)."""
        shown = run("bridgedctl status --json").stdout
        return float(json.loads(shown)["time"]) if shown else 0.0

    def _entries(self) -> Iterator[Entry]:
        return self._from_journald() if self._systemd else self._from_log()

    def _from_log(self) -> Iterator[Entry]:
        with suppress(FileNotFoundError), _LOG.open("rb") as log:
            log.seek(int(self._mark))
            for line in log.read().decode(errors="replace").splitlines():
                stamp = _STAMP.match(line)
                if stamp:
                    text = line[stamp.end() :]
                    yield Entry(_unix(stamp.group().strip()), text.split(" ", 1)[0], text)

    def _from_journald(self) -> Iterator[Entry]:
        after = f"--after-cursor='{self._mark}'" if self._mark else ""
        shown = run(f"journalctl -q -u bridged {after} -o json --output-fields=MESSAGE,_COMM")
        for line in shown.stdout.splitlines():
            fields = json.loads(line)
            text = str(fields.get("MESSAGE", ""))
            if fields.get("_COMM") != "systemd":
                when = int(fields["__REALTIME_TIMESTAMP"]) / 1e6
                yield Entry(when, text.split(" ", 1)[0], text)


def _unix(stamp: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def converged() -> bool:
    """Whether bridged itself says that all is as desired."""
    done = run("bridgedctl status --json")
    return done.returncode == 0 and bool(json.loads(done.stdout)["converged"])


def wait_for_network_manager(seconds: float) -> None:
    """Wait until NetworkManager knows its devices and what is automatic has been tried."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        shown = run("nmcli -t -f TYPE,STATE device").stdout
        states = [row.split(":")[1] for row in shown.splitlines() if row.startswith("ethernet")]
        if states and not {"unavailable", "unmanaged"} & set(states):
            return
        time.sleep(0.1)


def environment() -> None:
    """What every command of the demonstration is run with."""
    os.environ["COLUMNS"] = "80"
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:" + os.environ.get("PATH", "/usr/bin:/bin")
