"""The web configuration: what is taken, and what is refused, with its place and what to do."""

from pathlib import Path

import pytest

from bridged.serve.webconfig import WebConfigError, load

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
FULL = f"""\
# as of a node_exporter
tls_server_config:
  cert_file: node.crt
  key_file: /etc/pki/node.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  client_allowed_sans: [prometheus.example.net]
  min_version: TLS13
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
http_server_config:
  http2: true
  headers:
    Strict-Transport-Security: max-age=31536000
basic_auth_users:
  alice: {HASH}
bearer_token_file: token
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "web.yaml"


def problems(file: Path, text: str) -> str:
    """All problems of a configuration as they are printed."""
    file.write_text(text)
    with pytest.raises(WebConfigError) as caught:
        load(file)
    return str(caught.value)


def test_the_whole_format_with_paths_relative_to_the_file(file: Path) -> None:
    file.write_text(FULL)
    config = load(file)
    assert config.tls_server_config is not None
    assert config.tls_server_config.cert_file == str(file.parent / "node.crt")
    assert config.tls_server_config.key_file == "/etc/pki/node.key"
    assert config.tls_server_config.client_allowed_sans == ("prometheus.example.net",)
    assert config.bearer_token_file == str(file.parent / "token")
    assert config.basic_auth_users == {"alice": HASH}
    assert len(config.files) == 4


@pytest.mark.parametrize(
    ("text", "place", "message", "remedy"),
    [
        ("", "", "configures nothing", "without --web-config"),
        ("- a", ":1:1", "such as `tls_server_config:`", "without --web-config"),
        ("---\n...", ":1:1", "declares nothing", "without --web-config"),
        ("tls_server_config: {cert_file: a}", ":1:21", "`key_file` is missing", "add `key_file"),
        ("tls_server_config: {key_file: a}", ":1:21", "`cert_file` is missing", "add `cert_file"),
        ("tls_server_config: {}", ":1:1", "`cert_file` is missing", "add `cert_file"),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}",
            ":1:48",
            "would not be asked for",
            "add `client_auth_type: RequireAndVerifyClientCert`",
        ),
        (
            "tls_server_config:\n  cert_file: a\n  key_file: b\n"
            "  client_auth_type: RequireAndVerifyClientCert\n",
            ":4:3",
            "any public authority would do",
            "add `client_ca_file",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequestClientCert}",
            ":1:48",
            "does not verify",
            "RequireAndVerifyClientCert",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_allowed_sans: [x]}",
            ":1:48",
            "without a certificate that is required",
            "RequireAndVerifyClientCert",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, min_version: TLS10}",
            ":1:48",
            "must be TLS12 or TLS13",
            "write TLS12",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, min_version: SSL3}",
            ":1:48",
            "must not be `SSL3`",
            "'TLS13'",
        ),
        ("tls_server_confg: {}", ":1:1", "is not a key", "did you mean `tls_server_config`?"),
        (
            "tls_server_config: {certfile: a}",
            ":1:21",
            "is not a key of tls_server_config",
            "did you mean `cert_file`?",
        ),
        ("tls_server_config: {cert: x}", ":1:21", "is not honoured", "write `cert_file"),
        ("rate_limit: {burst: 1}", ":1:1", "is not honoured", "remove it"),
        ("basic_auth_users: {alice: secret}", ":1:20", "must be a bcrypt hash", "htpasswd"),
        (
            f"basic_auth_users: {{alice: {HASH.replace('$10$', '$20$')}}}",
            ":1:20",
            "a cost of 20",
            "htpasswd",
        ),
        ("basic_auth_users: {alice: 12345}", ":1:20", "must be text", "quotes"),
        (
            "http_server_config: {headers: {Server: x}}",
            ":1:32",
            "cannot be set",
            "Content-Security-Policy",
        ),
        ("basic_auth_users: [", ":1:20", "", ""),
        (f"basic_auth_users: {{a: {HASH}}}\nbasic_auth_users: {{}}", ":2:1", "written twice", ""),
    ],
)
def test_what_is_refused(file: Path, text: str, place: str, message: str, remedy: str) -> None:
    found = problems(file, text)
    assert found.startswith(f"{file}{place}:")
    assert message in found
    assert remedy in found


def test_a_password_in_clear_is_shown_at_its_place_only(file: Path) -> None:
    """The message goes to the journal; the excerpt, which holds the line, does not."""
    file.write_text("basic_auth_users: {alice: hunter2}")
    with pytest.raises(WebConfigError) as caught:
        load(file)
    problem = caught.value.problems[0]
    assert "hunter2" not in problem.where + problem.message + problem.remedy


def test_a_file_that_others_may_write_is_refused(file: Path) -> None:
    file.write_text(FULL)
    file.chmod(0o664)
    with pytest.raises(WebConfigError, match="can be written by its group") as caught:
        load(file)
    assert f"chmod go-w {file}" in str(caught.value)
    file.chmod(0o644)
    file.parent.chmod(0o777)
    with pytest.raises(WebConfigError, match="the directory can be written"):
        load(file)


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(WebConfigError, match="there is no such file") as caught:
        load(file)
    assert "version: 1" not in str(caught.value)
