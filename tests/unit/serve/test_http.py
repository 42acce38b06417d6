"""The HTTP server, with real sockets on loopback."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridged.errors import WorldError
from bridged.report import Report
from bridged.serve import http
from bridged.serve.http import HttpServer
from tests.unit.serve.reports import AS_DESIRED, link
from tests.unit.serve.test_control import drip


class Node:
    """What the server asks for, to be changed by the test."""

    def __init__(self) -> None:
        self.current: Report | None = AS_DESIRED
        self.seconds = 3.0

    def report(self) -> Report | None:
        return self.current

    def age(self) -> float:
        return self.seconds


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def start(node: Node) -> Iterator[Callable[..., HttpServer]]:
    servers: list[HttpServer] = []

    def begin(**options: Any) -> HttpServer:
        settings: dict[str, Any] = {"version": "1", "port": 0, **options}
        server = HttpServer(node.report, node.age, **settings)
        server.start()
        servers.append(server)
        return server

    yield begin
    for server in servers:
        server.stop()


def get(server: HttpServer, path: str, method: str = "GET") -> tuple[HTTPResponse, str]:
    connection = HTTPConnection(*server.address, timeout=5)
    connection.request(method, path)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body


def _answers(server: HttpServer) -> bool:
    """Whether there is a connection left for us."""
    try:
        return get(server, "/healthz")[0].status == 200
    except OSError:
        return False


def test_metrics(start: Callable[..., HttpServer]) -> None:
    response, body = get(start(), "/metrics")
    assert response.status == 200
    assert response.getheader("Content-Type", "").startswith("text/plain")
    families = {family.name for family in text_string_to_metric_families(body)}
    assert "bridged_object_converged" in families
    assert "python_info" in families


def test_health_is_the_age_of_the_last_pass(start: Callable[..., HttpServer], node: Node) -> None:
    server = start()
    response, body = get(server, "/healthz")
    assert (response.status, body) == (200, "ok, last pass 3.0 s ago\n")
    node.current = replace(AS_DESIRED, max_age=180.0)
    node.seconds = 500.0
    response, body = get(server, "/healthz")
    assert response.status == 503
    assert "500 s ago, at most 180 s" in body
    node.current = replace(AS_DESIRED, max_age=740.0)  # a long pass that gets on
    assert get(server, "/healthz")[0].status == 200
    node.current = None
    response, body = get(server, "/healthz")
    assert response.status == 503
    assert "first pass" in body


def test_curl_is_pointed_to_the_others_in_two_lines(start: Callable[..., HttpServer]) -> None:
    response, body = get(start(), "/")
    assert response.status == 200
    assert len(body.splitlines()) == 2
    assert "/metrics" in body
    assert "/healthz" in body


def test_other_pages_and_methods(start: Callable[..., HttpServer]) -> None:
    server = start()
    assert get(server, "/nothing")[0].status == 404
    assert get(server, "/metrics", "DELETE")[0].status == 405
    response, body = get(server, "/healthz", "HEAD")
    assert (response.status, body) == (200, "")


def test_an_answer_to_head_has_no_body(start: Callable[..., HttpServer]) -> None:
    with socket.create_connection(start().address, timeout=5) as client:
        client.sendall(b"HEAD /metrics HTTP/1.0\r\n\r\n")
        head, _, body = b"".join(iter(lambda: client.recv(65536), b"")).partition(b"\r\n\r\n")
    assert (b"\r\nContent-Length: 0" in head, body) == (False, b"")


@pytest.mark.parametrize(
    ("offered", "is_compressed"),
    [
        ("gzip", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("gzip; q=0.001", True),
        ("identity, gzip;q=0", False),
        ("gzip; q=0.0, br", False),
        ("", False),
    ],
)
def test_it_is_compressed_for_whom_takes_that(offered: str, is_compressed: bool) -> None:
    asked = {"HTTP_ACCEPT_ENCODING": offered, "REMOTE_ADDR": "192.0.2.1"}
    assert http._compressed(asked) is is_compressed
    assert not http._compressed({**asked, "REMOTE_ADDR": "::1"})


@pytest.mark.parametrize(
    ("path", "method", "code"),
    [("/metrics", "GET", "200"), ("/nothing", "GET", "404"), ("/" + "x" * 70_000, "GET", "414")],
)
def test_an_answer_is_counted_before_it_is_sent(
    start: Callable[..., HttpServer],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    method: str,
    code: str,
) -> None:
    """Who has an answer and scrapes finds it counted."""
    counted: list[str] = []
    when_sent: list[list[str]] = []
    write = http._Timed.write

    def answered(tally: http._Tally, code: str) -> None:
        counted.append(code)

    def sent(stream: http._Timed, data: bytes) -> int:
        when_sent.append(list(counted))
        return write(stream, data)

    monkeypatch.setattr(http._Tally, "answered", answered)
    monkeypatch.setattr(http._Timed, "write", sent)
    server = start()
    assert get(server, path, method)[0].status == int(code)
    server.stop()  # the connection's thread is done
    assert when_sent
    assert all(before == [code] for before in when_sent)
    assert counted == [code]


def test_a_broken_report_is_a_500_and_not_the_end(
    start: Callable[..., HttpServer], node: Node
) -> None:
    server = start()
    node.current = "nonsense"  # type: ignore[assignment]
    assert get(server, "/metrics")[0].status == 500
    node.current = AS_DESIRED
    assert get(server, "/metrics")[0].status == 200


def test_silent_clients_block_nobody_and_are_dropped(start: Callable[..., HttpServer]) -> None:
    server = start(read_timeout=2.0)
    silent = [socket.create_connection(server.address) for _ in range(5)]
    begin = time.monotonic()
    assert get(server, "/metrics")[0].status == 200
    assert time.monotonic() - begin < 1.8
    for connection in silent:
        connection.settimeout(5)
        assert connection.recv(1) == b""
        connection.close()


def test_a_client_that_drips_is_dropped_at_the_same_time(start: Callable[..., HttpServer]) -> None:
    server = start(read_timeout=0.5)
    with socket.create_connection(server.address) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert drip(connection, b"a: b\r\n") < 2


def test_a_client_that_does_not_read_is_dropped(
    start: Callable[..., HttpServer], node: Node
) -> None:
    many = tuple(link(f"br{number}", "bridge", f"br{number}") for number in range(3000))
    node.current = replace(AS_DESIRED, links=many)  # some 5 MB, more than the kernel buffers
    server = start(write_timeout=0.3, connections=1)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        connection.connect(server.address)
        connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        deadline = time.monotonic() + 10
        while not _answers(server):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_too_many_connections_are_told(start: Callable[..., HttpServer]) -> None:
    server = start(connections=3)
    held = [socket.create_connection(server.address) for _ in range(3)]
    time.sleep(0.1)
    with socket.create_connection(server.address) as late:
        late.settimeout(5)
        assert late.recv(1000).startswith(b"HTTP/1.0 503")
    for connection in held:
        connection.close()


def test_the_address_is_free_after_stop(start: Callable[..., HttpServer]) -> None:
    server = start()
    silent = socket.create_connection(server.address)
    get(server, "/metrics")
    begin = time.monotonic()
    server.stop()
    assert time.monotonic() - begin < 1
    again = start(port=server.address[1])
    assert get(again, "/metrics")[0].status == 200
    silent.close()


def test_an_address_in_use_is_an_error_that_names_it(start: Callable[..., HttpServer]) -> None:
    port = start().address[1]
    with pytest.raises(WorldError, match=f"127.0.0.1:{port} is in use") as caught:
        start(port=port)
    assert caught.value.kind == "refused"
