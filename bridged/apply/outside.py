"""Programs that need what our own sandbox has not: run by systemd in a unit of their own.

Such a unit goes on when bridged is restarted or killed, so no package is left half installed.
Where systemd does not run, the program is ours.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bridged.beyond import PATH, unconfined
from bridged.errors import WorldError

_ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C", "HOME": "/root"}
_SYSTEMD = Path("/run/systemd/system")
_FOLDER = Path("/run/bridged")
_SHOWN = 600


class Failed(WorldError):
    """A program ended otherwise than well; `code` is its exit status, `output` what it wrote."""

    def __init__(self, program: str, code: int, output: str) -> None:
        super().__init__("failed", f"{program}: {tail(output) or f'exit {code}'}")
        self.code, self.output = code, output


def tail(output: str, length: int = _SHOWN) -> str:
    """The end of what a program wrote, on one line; errors of apt and dnf alone where there are
    some."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "Error"))]
    return " ".join(errors or lines[-6:])[-length:]


def run(
    command: Sequence[str], timeout: float, environment: Mapping[str, str] | None = None
) -> str:
    """What a harmless program prints, run within our sandbox.  Raises `WorldError`."""
    try:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            env={**_ENVIRONMENT, **(environment or {})},
        )
    except subprocess.TimeoutExpired:
        raise WorldError("timeout", f"{command[0]} did not end within {timeout:g} s") from None
    except OSError as error:
        raise WorldError("not-found", f"{command[0]} cannot be run: {error.strerror}") from None
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        raise Failed(command[0], done.returncode, output)
    return output


def rehearse(
    command: Sequence[str], timeout: float, environment: Mapping[str, str] | None = None
) -> str:
    """What a program prints that changes nothing but its own caches, logs and locks; run outside
    where our sandbox keeps it from those.  Raises `WorldError`."""
    asked = unconfined(command, timeout, {**_ENVIRONMENT, **(environment or {})})
    try:
        return run(asked, timeout + 10 if asked != list(command) else timeout, environment)
    except Failed as error:
        raise Failed(command[0], error.code, error.output) from None


def run_outside(
    name: str, command: Sequence[str], timeout: float, environment: Mapping[str, str]
) -> str:
    """What a program prints that changes the system, run in the unit ``bridged-NAME``.

    Raises `WorldError`, ``unavailable`` where an earlier one of that name still runs.
    """
    if not _SYSTEMD.is_dir():
        return run(command, timeout, environment)
    folder = _FOLDER if _FOLDER.is_dir() else Path(tempfile.gettempdir())
    file, log = tempfile.mkstemp(prefix=f"{name}.", suffix=".log", dir=folder)
    os.close(file)
    unit = [
        "systemd-run", "--quiet", "--wait", "--collect", f"--unit=bridged-{name}",
        f"--description=bridged: {' '.join(command)[:120]}",
        f"--property=RuntimeMaxSec={timeout:.0f}",
        # A pipe would break with us, and the program with it.
        f"--property=StandardOutput=append:{log}", f"--property=StandardError=append:{log}",
        *(f"--setenv={key}={value}" for key, value in {**_ENVIRONMENT, **environment}.items()),
    ]  # fmt: skip
    try:
        run([*unit, "--", *command], timeout + 10)
        return Path(log).read_text(errors="replace")
    except Failed as error:
        if "already loaded" in error.output or "already exists" in error.output:
            raise WorldError(
                "unavailable", f"an earlier {command[0]} of bridged still runs"
            ) from None
        output = Path(log).read_text(errors="replace")
        raise Failed(command[0], error.code, output or error.output) from None
    finally:
        os.unlink(log)
