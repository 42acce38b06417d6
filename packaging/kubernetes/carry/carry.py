"""Carries the state of a fleet from a ConfigMap to this node, and tells whether the node follows.

Runs in a pod of a DaemonSet beside an agent that is installed on the host.  Standard library only,
so that any image with Python 3.11 will do.  It writes the state file and the drop-ins whose names
begin with ``fleet-``; the node's own drop-ins and labels are not touched.  What it writes is judged
by the agent: a broken file changes nothing there, and this pod does not become ready.
"""

import argparse
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

STATE = "state.yaml"
OURS = "fleet-"
Status = dict[str, Any]


def carry(source: Path, target: Path) -> list[str]:
    """Make `target` (the node's /etc/bridged) hold what `source` (the ConfigMap) has; names of the
    files that were changed.

    ``state.yaml`` is the state file, every other ``.yaml`` a drop-in.  A source without any file is
    a mistake and no wish for nothing: nothing is done then.
    """
    wanted = {
        path.name: path.read_bytes()
        for path in sorted(source.glob("*.yaml"))
        if not path.name.startswith(".")
    }
    if not wanted:
        return []
    drop_ins = target / "state.d"
    drop_ins.mkdir(mode=0o755, exist_ok=True)
    changed = []
    # Drop-ins first: a state file may count on what they say, hardly the other way round.  The
    # agent waits until files stand still before it reads them.
    for name in sorted(wanted, key=lambda name: name == STATE):
        path = target / STATE if name == STATE else drop_ins / f"{OURS}{name}"
        if _replace(path, wanted[name]):
            changed.append(path.name)
    known = {f"{OURS}{name}" for name in wanted}
    for path in drop_ins.glob(f"{OURS}*.yaml"):
        if path.name not in known:
            path.unlink()
            changed.append(path.name)
    return changed


def _replace(path: Path, content: bytes) -> bool:
    """Put a file in place in one step; whether it was another one before.

    The node's own state file, from before the fleet, is kept beside it once.
    """
    try:
        before = path.read_bytes()
    except FileNotFoundError:
        before = None
    if before == content:
        return False
    kept = path.with_name(f"{path.name}.before-fleet")
    if path.name == STATE and before is not None and not kept.exists():
        _write(kept, before)
    _write(path, content)
    return True


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.new")
    with open(beside, "wb") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def written(target: Path) -> float:
    """When the files were last written, in Unix seconds, as the agent counts it."""
    paths = [target / STATE, target / "state.d", *(target / "state.d").glob("[!.#]*.yaml")]
    return max((path.stat().st_mtime for path in paths if path.exists()), default=0.0)


def ask(control: Path, timeout: float = 5.0) -> Status:
    """The agent's status; OSError or ValueError where it cannot be had."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(str(control))
        connection.sendall(b'{"method": "status", "params": {}}\n')
        with connection.makefile("rb") as lines:
            answer = json.loads(lines.readline())
    if "result" not in answer:
        raise ValueError(answer.get("error", {}).get("message", "no answer"))
    return dict(answer["result"])


def verdict(status: Status, since: float) -> str:
    """Why the node does not follow, in a sentence; empty where it does.

    `since` is when its files were last written: a report from before says nothing of them.
    """
    state = status["state"]
    if (state["modified"] or 0.0) < since or status["time"] < since:
        return "the agent has not looked at the new files yet"
    if not state["valid"]:
        return f"refused, the last good state stays in force: {' / '.join(state['problems'])}"
    wrong = [o for o in status["objects"] if o["condition"] not in ("converged", "unavailable")]
    said = [f"{o['kind']}/{o['name']} {o['condition']} {o['reason']}".strip() for o in wrong]
    return "; ".join(said)


def step(source: Path, target: Path, control: Path, ready: Path) -> str:
    """Carry once, and show in the file `ready` whether the node follows; what is to be said."""
    try:
        changed = carry(source, target)
    except OSError as error:
        ready.unlink(missing_ok=True)
        return f"cannot write the state: {error}"
    try:
        problem = verdict(ask(control), written(target))
    except (OSError, ValueError) as error:
        problem = f"the agent does not answer at {control}: {error}"
    if problem:
        ready.unlink(missing_ok=True)
    else:
        ready.touch()
    said = f"written: {', '.join(changed)}; " if changed else ""
    return f"{said}{problem or 'as desired'}"


def main(arguments: list[str] | None = None) -> int:
    """Carry until told to stop; a line is printed whenever there is something new to say."""
    parser = argparse.ArgumentParser(description="Carries a fleet's state to this node.")
    parser.add_argument("--source", type=Path, default=Path("/config"))
    parser.add_argument("--target", type=Path, default=Path("/host/etc/bridged"))
    parser.add_argument("--socket", type=Path, default=Path("/run/bridged/control.sock"))
    parser.add_argument("--ready", type=Path, default=Path("/tmp/ready"))
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    told = ""
    while True:
        said = step(options.source, options.target, options.socket, options.ready)
        if said != told:
            print(said, flush=True)
            told = said
        time.sleep(options.every)


if __name__ == "__main__":
    sys.exit(main())
