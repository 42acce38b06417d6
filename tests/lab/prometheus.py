"""Debian's Prometheus beside a node of the namespace laboratory.

The program is the machine's; it runs in the laboratory's network namespace alone, so that it
reaches what listens on the node's loopback and nobody reaches it.  What it stores is thrown away.
"""

import ctypes
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until

_PORT = 9090
Sample = dict[str, Any]


def missing() -> str | None:
    """Why it cannot run here, or None."""
    absent = [tool for tool in ("prometheus", "promtool") if shutil.which(tool) is None]
    if absent:
        return f"there is no {' and no '.join(absent)}: apt-get install prometheus (Debian)"
    return None


class Prometheus:
    """Runs from entering to leaving.  `configuration` is its file; `files` lie beside it."""

    def __init__(self, node: NetnsLab, configuration: str, files: dict[str, str]) -> None:
        self._node = node
        self._files = {"prometheus.yml": configuration, **files}

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="prometheus-")
        folder = Path(self._folder.name)
        for name, text in self._files.items():
            (folder / name).write_text(text, encoding="utf-8")
        self._log = folder / "log"
        program = shutil.which("prometheus")
        assert program is not None
        with self._log.open("w") as log:
            # Its group of processes is its own; nsenter becomes Prometheus, so the pid is its.
            self._process = subprocess.Popen(
                [
                    "nsenter", f"--net={self._node.network}", "--", program,
                    f"--config.file={folder}/prometheus.yml",
                    f"--storage.tsdb.path={folder}/data",
                    f"--web.listen-address=127.0.0.1:{_PORT}",
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            wait_until(self._ready, 60, "Prometheus is ready")
        except BaseException:
            print(self.log)
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    @property
    def log(self) -> str:
        """What it logged."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def query(self, expr: str) -> list[Sample]:
        """The samples that an expression has now, each with `metric` and `value`.

        Raises AssertionError with Prometheus' words where it does not accept the expression.
        """
        answer = self._api(f"query?{urlencode({'query': expr})}")
        assert answer["status"] == "success", f"{expr}: {answer.get('error')}"
        return list(answer["data"]["result"])

    def targets(self) -> list[dict[str, Any]]:
        """What it scrapes, with `health` and `lastError`."""
        return list(self._api("targets")["data"]["activeTargets"])

    def rules(self) -> list[dict[str, Any]]:
        """The rules that are loaded, with `health`, `lastError` and, of alerts, `state`."""
        groups = self._api("rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def firing(self) -> dict[str, list[dict[str, str]]]:
        """The alerts that fire, with the labels of each."""
        found: dict[str, list[dict[str, str]]] = {}
        for alert in self._api("alerts")["data"]["alerts"]:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"]["alertname"], []).append(alert["labels"])
        return found

    def _api(self, path: str) -> dict[str, Any]:
        _, text = fetch(self._node, _PORT, f"/api/v1/{path}")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _ready(self) -> bool:
        assert self._process.poll() is None, self.log
        try:
            return fetch(self._node, _PORT, "/-/ready")[0] == 200
        except OSError:
            return False


def fetch(node: NetnsLab, port: int, path: str) -> tuple[int, str]:
    """Status and text of a page on the node's loopback.  OSError where nobody listens."""
    with _socket_in(node) as connected:
        connected.settimeout(20)
        connected.connect(("127.0.0.1", port))
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.sock = connected
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def _socket_in(node: NetnsLab) -> socket.socket:
    """A socket of the node's network.

    A socket stays in the namespace in which it was made, and a namespace belongs to a thread: one
    that ends at once is lent to it.
    """
    made: list[socket.socket] = []
    problems: list[OSError] = []

    def make() -> None:
        door = os.open(node.network, os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(door, 0):
                raise OSError(ctypes.get_errno(), "the laboratory's network cannot be entered")
            made.append(socket.socket())
        except OSError as error:
            problems.append(error)
        finally:
            os.close(door)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if problems:
        raise problems[0]
    return made[0]
