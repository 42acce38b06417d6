"""An address for the metrics that cannot be had: told, and tried again."""

import socket
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridged.agent import main


def test_an_address_that_is_taken_is_a_finding_until_it_is_free() -> None:
    loop: Any = SimpleNamespace(report=lambda: None, age=lambda: 0.0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        options = main.command_line().parse_args(["--metrics", address])
        with capture_logs() as logs:
            metrics = main._Metrics(loop, options, None)
            metrics._try()
            assert [log["event"] for log in logs] == ["no_metrics"]
        (finding,) = metrics.findings()
        assert finding.code == "metrics-not-served"
        assert f"{address} is in use by another program" in finding.message
    metrics._try()
    assert metrics.findings() == ()
    metrics.stop()


@pytest.mark.parametrize("host", ["a..b", "x" * 70])
def test_a_host_that_does_not_exist_is_told_too(host: str) -> None:
    loop: Any = SimpleNamespace(report=lambda: None, age=lambda: 0.0)
    options = main.command_line().parse_args(["--metrics", f"{host}:9947"])
    with capture_logs():
        metrics = main._Metrics(loop, options, None)
    assert [finding.code for finding in metrics.findings()] == ["metrics-not-served"]
    metrics.stop()
