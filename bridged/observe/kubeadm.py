"""Asking the node's own kubeadm what it thinks of a kubeadm.conf.

`kubeadm config validate` needs no network and takes some 100 ms.  It is asked once for each text
and each kubeadm.  A slow one is not waited for: guests might be waiting for us.  Its answer is
taken up by a later reading, and after some seconds it is ended.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from bridged.observe.host import Kubeadm

_PATH = "/usr/bin:/usr/local/bin:/usr/sbin:/usr/local/sbin:/opt/bin"
PATIENCE = 0.5
LIMIT = 10.0
_SAID = 400
_NOISE = re.compile(r"W[0-9]{4} |To see the stack trace")
_Key = tuple[str, int, int, int]
"""The text, and what tells one kubeadm from another: inode, time of its last change, size."""


@dataclass
class _Question:
    key: _Key
    process: subprocess.Popen[bytes]
    config: IO[bytes]
    output: IO[bytes]
    until: float


class KubeadmReader:
    """Asks the kubeadm found on `path`; belongs to one thread."""

    def __init__(
        self,
        path: str = _PATH,
        monotonic: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE,
        limit: float = LIMIT,
    ) -> None:
        self._path = path
        self._monotonic = monotonic
        self._patience = patience
        self._limit = limit
        self._question: _Question | None = None
        self._answered: tuple[_Key, Kubeadm] | None = None

    def read(self, text: str, anew: bool) -> Kubeadm:
        """What kubeadm says of `text`.  A kubeadm that was installed, changed or removed meanwhile
        is noticed only with `anew`."""
        if not anew and self._question is None and self._answered is not None:
            key, answer = self._answered
            if key[0] == text:
                return answer
        program = shutil.which("kubeadm", path=self._path)
        if program is None:
            self._drop()
            return self._remember((text, 0, 0, 0), Kubeadm("absent"))
        try:
            status = os.stat(program)
            key = (text, status.st_ino, status.st_mtime_ns, status.st_size)
            if self._answered is not None and self._answered[0] == key:
                return self._answered[1]
            return self._asked(program, key)
        except OSError as error:
            self._drop()
            reason = f"{program} cannot be run: {error.strerror or error}"
            return Kubeadm("silent", reason)

    def _asked(self, program: str, key: _Key) -> Kubeadm:
        if self._question is not None and self._question.key != key:
            self._drop()
        wait = 0.0
        if self._question is None:
            self._question = self._ask(program, key)
            wait = self._patience
        question = self._question
        with contextlib.suppress(subprocess.TimeoutExpired):
            question.process.wait(wait)
        code = question.process.poll()
        if code is None and self._monotonic() < question.until:
            return Kubeadm("asking")
        question.output.seek(0)
        said = _gist(question.output.read(1 << 16).decode(errors="replace"))
        self._drop()
        if code is None:
            return self._remember(
                key, Kubeadm("silent", f"{program} did not answer within {self._limit:g} s")
            )
        if code < 0:
            return self._remember(key, Kubeadm("silent", f"{program} was ended by signal {-code}"))
        return self._remember(key, Kubeadm("accepts" if code == 0 else "refuses", said))

    def _ask(self, program: str, key: _Key) -> _Question:
        config = tempfile.NamedTemporaryFile(prefix="kubeadm.", suffix=".conf")  # noqa: SIM115
        output = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            config.write(key[0].encode())
            config.flush()
            process = subprocess.Popen(
                [program, "config", "validate", "--config", config.name],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": _PATH, "HOME": "/nonexistent", "LC_ALL": "C"},
                start_new_session=True,
            )
        except OSError:
            config.close()
            output.close()
            raise
        until = self._monotonic() + self._limit
        return _Question(key, process, config, output, until)

    def _drop(self) -> None:
        """End the question that is open, if any."""
        question, self._question = self._question, None
        if question is None:
            return
        if question.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(question.process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                question.process.wait(1)
        question.config.close()
        question.output.close()

    def _remember(self, key: _Key, answer: Kubeadm) -> Kubeadm:
        self._answered = key, answer
        return answer


def _gist(output: str) -> str:
    """The lines that say what is wrong, in one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if not _NOISE.match(line)]
    return " ".join(errors or lines)[:_SAID]
