"""Logs as they are under systemd: plain lines, cheap tracebacks."""

import pytest

from bridged.agent.logs import configure


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    configure("info", {"JOURNAL_STREAM": "8:1"})
