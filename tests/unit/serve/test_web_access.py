"""TLS, client certificates, passwords and tokens, with real handshakes on loopback."""

import base64
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import trustme
from structlog.testing import capture_logs

from bridged.agent.logs import configure
from bridged.errors import WorldError
from bridged.serve import webconfig
from bridged.serve.access import Access, WebAccess, exposure
from bridged.serve.auth import Authenticator
from bridged.serve.http import HttpServer
from tests.unit.serve.reports import AS_DESIRED, link
from tests.unit.serve.test_control import drip
from tests.unit.serve.test_metrics import read

TOKEN = "0123456789abcdef0123456789abcdef"
PASSWORD = "correct horse"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
MUTUAL = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": "ca.crt"}


class Site:
    """A directory with certificates and a web configuration, and servers that go by it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = trustme.CA()
        self.servers: list[HttpServer] = []
        self.report = AS_DESIRED
        self.file = folder / "web.yaml"
        self.ca.cert_pem.write_to_path(folder / "ca.crt")
        self.issue(self.ca)

    def issue(self, ca: trustme.CA, not_after: datetime | None = None) -> None:
        """A certificate of the server's from this authority takes the place of the former."""
        made = ca.issue_cert("127.0.0.1", "localhost", not_after=not_after)
        fresh = self.folder / "fresh"
        fresh.write_bytes(made.private_key_pem.bytes())
        fresh.chmod(0o600)
        fresh.rename(self.folder / "node.key")
        fresh.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        fresh.rename(self.folder / "node.crt")

    def configure(self, tls: dict[str, Any] | None = None, **rest: Any) -> None:
        """Write the file; JSON is YAML too."""
        document = dict(rest)
        if tls is not None:
            document["tls_server_config"] = {"cert_file": "node.crt", "key_file": "node.key", **tls}
        self.file.write_text(json.dumps(document))

    def start(self, **options: Any) -> HttpServer:
        settings: dict[str, Any] = {"version": "1", "port": 0, **options}
        web = settings.setdefault("web", WebAccess(self.file))
        assert isinstance(web, WebAccess)
        server = HttpServer(lambda: self.report, lambda: 1.0, **settings)
        server.start()
        self.servers.append(server)
        return server

    def client(self, certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
        made = ssl.create_default_context()
        self.ca.configure_trust(made)
        if certificate is not None:
            certificate.configure_cert(made)
        return made


@pytest.fixture(autouse=True)
def _logs() -> None:
    configure("info", {"JOURNAL_STREAM": "8:1"})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    for server in made.servers:
        server.stop()


def get(
    server: HttpServer, client: ssl.SSLContext | None = None, authorization: str = ""
) -> tuple[int, str, dict[str, str]]:
    """Status, body and headers of /metrics."""
    host, port = server.address
    connection: HTTPConnection = (
        HTTPSConnection(host, port, timeout=5, context=client)
        if client
        else HTTPConnection(host, port, timeout=5)
    )
    connection.request("GET", "/metrics", headers={"Authorization": authorization})
    response = connection.getresponse()
    found = response.status, response.read().decode(), dict(response.getheaders())
    connection.close()
    return found


def _answers(server: HttpServer, client: ssl.SSLContext) -> bool:
    """Whether there is a connection left for us."""
    try:
        return get(server, client)[0] == 200
    except OSError:
        return False


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


# ------------------------------------------------------------------------------------------- TLS


def test_metrics_over_tls(site: Site) -> None:
    site.configure({}, http_server_config={"headers": {"X-Frame-Options": "deny"}})
    server = site.start()
    status, body, headers = get(server, site.client())
    assert status == 200
    assert headers["X-Frame-Options"] == "deny"
    series = read(body)
    assert series["bridged_web_config_last_reload_successful", frozenset()] == 1
    with pytest.raises(ssl.SSLCertVerificationError):
        get(server, ssl.create_default_context())


def handshake_errors(server: HttpServer, context: ssl.SSLContext, number: int) -> None:
    """Wait until so many are counted: the alert that a client gets leaves before that."""
    deadline = time.monotonic() + 5
    while f"bridged_http_tls_handshake_errors_total {number}\n" not in get(server, context)[1]:
        assert time.monotonic() < deadline


def test_plain_http_is_told_to_use_https(site: Site) -> None:
    site.configure({})
    status, body, _ = get(site.start())
    assert status == 400
    assert "https://" in body


def test_a_client_certificate_of_the_authority_is_required(site: Site) -> None:
    site.configure({**MUTUAL, "min_version": "TLS12", "max_version": "TLS12"})
    server = site.start()
    assert get(server, site.client(site.ca.issue_cert("prometheus.example")))[0] == 200
    stranger = trustme.CA().issue_cert("prometheus.example")
    for certificate in (None, stranger):
        with pytest.raises(OSError, match=r"alert|reset|Broken pipe|EOF|closed"):
            get(server, site.client(certificate))
    handshake_errors(server, site.client(site.ca.issue_cert("x.example")), 2)


def test_only_certificates_with_an_allowed_name_are_taken(site: Site) -> None:
    site.configure({**MUTUAL, "client_allowed_sans": ["prometheus.example"]})
    server = site.start()
    assert get(server, site.client(site.ca.issue_cert("prometheus.example")))[0] == 200
    with pytest.raises((OSError, ConnectionError)):
        get(server, site.client(site.ca.issue_cert("other.example")))


def test_silent_and_slow_clients_block_no_handshake(site: Site) -> None:
    """L10: with the client library's server one silent client blocks every scrape."""
    site.configure({})
    server = site.start(read_timeout=2.0)
    silent = [socket.create_connection(server.address) for _ in range(5)]
    half = socket.create_connection(server.address)
    half.sendall(b"\x16\x03\x01\x02\x00")  # the beginning of a ClientHello
    begin = time.monotonic()
    assert get(server, site.client())[0] == 200
    assert time.monotonic() - begin < 1.5
    for connection in (*silent, half):  # and they are dropped
        connection.settimeout(5)
        while connection.recv(100):  # an alert, where it had begun to speak
            pass
        connection.close()
    handshake_errors(server, site.client(), 6)


def test_a_handshake_that_drips_is_dropped_at_the_same_time(site: Site) -> None:
    site.configure({})
    server = site.start(read_timeout=0.5)
    with socket.create_connection(server.address) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00")
        assert drip(connection, b"\x01") < 2


def test_a_client_that_does_not_read_over_tls_is_dropped(site: Site) -> None:
    """The time limit is for the whole answer, not for each part of it."""
    many = tuple(link(f"br{number}", "bridge", f"br{number}") for number in range(3000))
    site.report = replace(AS_DESIRED, links=many)
    site.configure({})
    server = site.start(write_timeout=0.3, connections=1)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        connection.connect(server.address)
        with site.client().wrap_socket(connection, server_hostname="localhost") as secure:
            secure.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            deadline = time.monotonic() + 10
            while not _answers(server, site.client()):
                assert time.monotonic() < deadline
                time.sleep(0.1)


def test_stopping_does_not_wait_for_a_handshake(site: Site) -> None:
    site.configure({})
    server = site.start(read_timeout=30)
    with socket.create_connection(server.address) as half:
        half.sendall(b"\x16\x03\x01\x02\x00")
        assert get(server, site.client())[0] == 200
        begin = time.monotonic()
        server.stop()
        assert time.monotonic() - begin < 1


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda site: (site.folder / "node.key").unlink(), "there is no such file"),
        (lambda site: (site.folder / "node.key").chmod(0o644), "everybody can read this secret"),
        (lambda site: (site.folder / "node.crt").write_text("x"), "node.crt: no certificate"),
        (lambda site: (site.folder / "node.key").write_text("x"), "node.key: the key cannot be"),
        (lambda site: (site.folder / "ca.crt").write_text("x"), "no certificate can be read"),
        (
            lambda site: (site.folder / "node.key").write_bytes(
                site.ca.issue_cert("x").private_key_pem.bytes()
            ),
            "does not belong to",
        ),
    ],
)
def test_a_server_that_cannot_be_locked_is_not_opened(
    site: Site, spoil: Callable[[Site], object], message: str
) -> None:
    """Neither in the clear nor at all; a finding says why, and mending the file is enough."""
    site.configure(MUTUAL)
    spoil(site)
    web = WebAccess(site.file)
    with pytest.raises(WorldError, match="web configuration has errors"):
        site.start(web=web)
    (finding,) = web.findings()
    assert message in finding.message
    assert "nothing is served" in finding.message
    assert finding.remedy
    site.issue(site.ca)
    site.ca.cert_pem.write_to_path(site.folder / "ca.crt")
    assert web.findings() == ()
    site.start(web=web)


# -------------------------------------------------------------------------- passwords and tokens


def test_a_password_or_a_token_lets_in(site: Site) -> None:
    token = site.folder / "token"
    token.write_text(f"# two while one is replaced\n{TOKEN}\n{TOKEN[::-1]}\n")
    token.chmod(0o640)
    site.configure(basic_auth_users={"alice": HASH}, bearer_token_file="token")
    server = site.start()
    for good in (basic("alice", PASSWORD), f"Bearer {TOKEN}", f"Bearer {TOKEN[::-1]}"):
        assert get(server, authorization=good)[0] == 200
    wrong = (
        "",
        basic("alice", "wrong"),
        basic("bob", PASSWORD),
        basic("alice", "x" * 100),
        basic("alice", PASSWORD + "\0x"),
        "Basic ???",
        "Bearer",
        "Bearer " + TOKEN[:-1],
        "Digest x",
    )
    token.write_text(f"\ufeff{TOKEN}\r\n")  # as an editor of Windows does
    assert get(server, authorization=f"Bearer {TOKEN}")[0] == 200
    for bad in wrong:
        status, body, headers = get(server, authorization=bad)
        assert (status, body) == (401, "unauthorized\n")
        assert "realm" in headers["WWW-Authenticate"]
    body = get(server, authorization=f"Bearer {TOKEN}")[1]
    assert f'bridged_http_requests_total{{code="401"}} {len(wrong)}' in body


def test_a_judged_password_is_not_hashed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def checkpw(password: bytes, known: bytes) -> bool:
        calls.append(password)
        return bcrypt.hashpw(password, known) == known

    auth = Authenticator({"alice": HASH})
    monkeypatch.setattr(auth, "_check", checkpw)
    for _ in range(3):
        assert auth.permits(basic("alice", PASSWORD))
        assert not auth.permits(basic("alice", "wrong"))
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        ("\n# nothing\n", 0o600, "no token"),
        ("short", 0o600, "shorter than 16"),
        (TOKEN, 0o604, "everybody can read"),
        (TOKEN, 0o620, "can be written by its group"),
    ],
)
def test_a_token_file_that_protects_nothing_is_refused(
    site: Site, content: str, mode: int, message: str
) -> None:
    (site.folder / "token").write_text(content)
    (site.folder / "token").chmod(mode)
    site.configure(bearer_token_file="token")
    web = WebAccess(site.file)
    assert web.access() is None
    assert message in web.findings()[0].message


# ----------------------------------------------------------------------------- reload in operation


def test_a_renewed_certificate_is_served_without_a_restart(site: Site) -> None:
    site.configure({})
    server = site.start()
    old = site.client()
    assert get(server, old)[0] == 200
    site.ca = trustme.CA()
    site.issue(site.ca)
    assert get(server, site.client())[0] == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        get(server, old)


def test_certificates_behind_links_that_are_swapped(site: Site) -> None:
    """As Kubernetes mounts a Secret: the file is a link into ..data, itself a link."""
    authorities = [site.ca, trustme.CA()]
    for number, authority in enumerate(authorities):
        site.issue(authority)
        made = site.folder / f"..{number}"
        made.mkdir()
        for name in ("node.crt", "node.key"):
            (site.folder / name).rename(made / name)
    data = site.folder / "..data"
    data.symlink_to("..0")
    for name in ("node.crt", "node.key"):
        (site.folder / name).symlink_to(f"..data/{name}")
    site.configure({})
    server = site.start()
    assert get(server, site.client())[0] == 200
    fresh = site.folder / "..fresh"
    fresh.symlink_to("..1")
    fresh.rename(data)
    site.ca = authorities[1]
    assert get(server, site.client())[0] == 200


def test_a_certificate_that_ends_soon_is_told(site: Site) -> None:
    site.configure({})
    web = WebAccess(site.file)
    assert web.findings() == ()
    for days, words in ((3, "expires in 3 days"), (-1, "has expired")):
        end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
        site.issue(site.ca, end)
        (finding,) = web.findings()
        assert finding.code == "web-certificate"
        assert words in finding.message
        assert web.expires == end.timestamp()


def test_a_reload_that_fails_keeps_the_former_and_says_so(site: Site) -> None:
    site.configure({})
    web = WebAccess(site.file)
    server = site.start(web=web)
    site.file.write_text("tls_server_config: {cert_file: node.crt}")
    with capture_logs() as logs:
        for _ in range(3):
            status, body, _ = get(server, site.client())
            assert status == 200
            assert "bridged_web_config_last_reload_successful 0" in body
    assert [entry["event"] for entry in logs] == ["web_config_refused"]
    assert logs[0]["remedy"] == "add `key_file: PATH`"
    (finding,) = web.findings()
    assert finding.code == "web-config"
    assert "the former one stays in force" in finding.message
    assert "web.yaml:1:21" in finding.message
    site.configure({}, basic_auth_users={"alice": HASH})
    assert web.findings() == ()
    assert get(server, site.client())[0] == 401
    assert get(server, site.client(), basic("alice", PASSWORD))[0] == 200


def test_a_fault_of_our_own_keeps_the_former_too(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.configure(basic_auth_users={"alice": HASH})
    web = WebAccess(site.file)
    server = site.start(web=web)
    monkeypatch.setattr(webconfig, "load", lambda path: 1 / 0)
    web.reload()
    assert "ZeroDivisionError" in web.findings()[0].message
    assert get(server, authorization=basic("alice", PASSWORD))[0] == 200


def test_a_removed_file_unlocks_nothing(site: Site) -> None:
    site.configure(basic_auth_users={"alice": HASH})
    server = site.start()
    site.file.unlink()
    assert get(server)[0] == 401
    assert get(server, authorization=basic("alice", PASSWORD))[0] == 200


def test_the_signal_has_what_looks_unchanged_read_again(site: Site) -> None:
    site.configure(basic_auth_users={"alice": HASH})
    web = WebAccess(site.file, wall=iter(range(1, 9)).__next__)
    for _ in range(3):
        web.access()
        assert web.loaded == 1
    web.reload()
    web.access()
    assert web.loaded == 2


# --------------------------------------------------------------------------- told where it is open


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_loopback_is_open_to_the_node_itself(host: str) -> None:
    assert exposure(host, Access()) is None


def test_an_open_address_is_told(site: Site) -> None:
    danger = exposure("0.0.0.0", Access())
    assert danger is not None
    assert "--web-config" in danger[1]
    clear = exposure("192.0.2.1", Access(auth=Authenticator({}, (TOKEN,))))
    assert clear is not None
    assert "clear text" in clear[0]
    site.configure({}, basic_auth_users={"alice": HASH})
    assert exposure("::", WebAccess(site.file).access()) is None
    server = HttpServer(lambda: None, lambda: 0.0, version="1", host="0.0.0.0", port=0)
    with capture_logs() as logs:
        server.start()
        server.stop()
    assert [entry["event"] for entry in logs] == ["metrics_open"]
