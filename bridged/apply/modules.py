"""Loading kernel modules with modprobe."""

import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from bridged.apply.modprobe import modprobe
from bridged.desired.names import module_problem
from bridged.errors import ErrorKind, WorldError

_LOOK = 0.5
"""Seconds between calls of `meanwhile`, and for which a modprobe that was killed is waited for:
one that the kernel does not let go of is not."""
_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_SAYINGS: tuple[tuple[ErrorKind, tuple[str, ...]], ...] = (
    ("not-found", ("not found in directory", "no such device", "no such file or directory")),
    (
        "refused",
        (
            "key was rejected",
            "required key not available",
            "key has been revoked",
            "exec format error",
            "invalid argument",
            "unknown symbol",
            "is blacklisted",
            "is deny-listed",
            "lockdown",
        ),
    ),
    ("unavailable", ("failed to connect to", "failed to start transient", "connection reset")),
    ("permission", ("operation not permitted", "permission denied", "read-only file system")),
)
"""What modprobe writes (kmod, and the kernel's errno texts), by what it means.  The first match
counts: "not found in directory" also tells that there are no modules for this kernel at all.
A refusal by lockdown or by kernel.modules_disabled is EPERM, like a lack of CAP_SYS_MODULE."""


class ModuleLoader:
    """Runs modprobe, at most `timeout` seconds.  It settles dashes, underscores and aliases.
    Where our own unit does not allow that, systemd runs it (`modprobe`)."""

    def __init__(self, timeout: float = 30.0, command: Sequence[str] | None = None) -> None:
        self._timeout = timeout
        self._command = tuple(command or modprobe(timeout))

    def load(self, module: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Raises `WorldError`: ``not-found``, ``refused``, ``permission``, ``timeout``, ``failed``,
        and ``unavailable`` where systemd does not run it for us.

        Success says no more than modprobe's exit code does: an install rule may have run
        /bin/true instead, so the next observation decides.
        """
        problem = module_problem(module)
        if problem:
            raise WorldError("refused", problem)
        try:
            process = subprocess.Popen(
                [*self._command, module],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={"PATH": _PATH, "LC_ALL": "C"},
            )
        except FileNotFoundError:
            raise WorldError("not-found", "there is no modprobe on this system") from None
        except OSError as error:
            raise WorldError("permission", f"modprobe cannot be run: {error.strerror}") from error
        try:
            said = self._wait(process, module, meanwhile)
        except BaseException:
            process.kill()
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=_LOOK)
            raise
        if process.returncode:
            text = " ".join(said.decode(errors="replace").split())
            raise WorldError(
                classify(text), text or f"modprobe {module}: exit {process.returncode}"
            )

    def _wait(
        self, process: subprocess.Popen[bytes], module: str, meanwhile: Callable[[], None]
    ) -> bytes:
        """What it complains of."""
        deadline = time.monotonic() + self._timeout
        while (left := deadline - time.monotonic()) > 0:
            meanwhile()
            with suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=min(_LOOK, left))[1]
        raise WorldError("timeout", f"modprobe {module} did not finish within {self._timeout:g} s")


def classify(text: str) -> ErrorKind:
    """What modprobe's complaint means."""
    lower = text.lower()
    for kind, sayings in _SAYINGS:
        if any(saying in lower for saying in sayings):
            return kind
    return "failed"
