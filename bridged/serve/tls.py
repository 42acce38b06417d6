"""TLS of the HTTP server: from the configuration to a context, and from a connection to a secure
one, within a time limit for the whole handshake and in the connection's own thread."""

from __future__ import annotations  # ssl is not loaded before it is used

import contextlib
import os
import socket
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from bridged.desired import files
from bridged.desired.errors import Problem, StateError
from bridged.serve.webconfig import Tls, WebConfigError

_VERSIONS = {"TLS12": "TLSv1_2", "TLS13": "TLSv1_3"}
_HANDSHAKE = b"\x16"
"""The first byte of a client that speaks TLS."""
_PLAIN = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n"
    b"this is an HTTPS server: write https:// in front of the address\n"
)


def context(tls: Tls) -> ssl.SSLContext:
    """The server's context; the files are read now.  Raises WebConfigError."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion[_VERSIONS[tls.min_version]]
    made.maximum_version = ssl.TLSVersion[_VERSIONS[tls.max_version]]
    if not tls.prefer_server_cipher_suites:
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.cipher_suites:
        _ciphers(made, tls.cipher_suites)
    _read(tls.cert_file)
    _certificate(tls.cert_file)
    secret(tls.key_file)
    try:
        made.load_cert_chain(tls.cert_file, tls.key_file, password=_no_password)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise _problem(tls.key_file, *_reason(error, tls.cert_file)) from None
    if tls.client_ca_file:
        _authorities(made, tls)
    return made


def secret(path: str) -> bytes:
    """The content of a file that nobody else may read.  Raises WebConfigError."""
    data = _read(path)
    mode = Path(path).stat().st_mode
    if mode & (stat.S_IROTH | stat.S_IXOTH):
        raise _problem(
            path, f"everybody can read this secret (mode {mode & 0o7777:04o})", f"chmod o= {path}"
        )
    return data


@contextlib.contextmanager
def secured(
    connection: socket.socket, made: ssl.SSLContext, sans: tuple[str, ...], timeout: float
) -> Iterator[ssl.SSLSocket]:
    """The connection as a secure one; `timeout` in seconds is for the whole handshake.

    Raises OSError (ssl.SSLError is one) where none came about.  `connection` stays open and with
    it the way to interrupt from outside: a wrapped socket would take its descriptor away.
    """
    deadline = monotonic() + timeout
    connection.settimeout(timeout)
    first = connection.recv(1, socket.MSG_PEEK)
    if first != _HANDSHAKE:
        if first:
            connection.sendall(_PLAIN)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(65536)
        raise ConnectionError("no TLS handshake")
    with made.wrap_socket(
        connection.dup(), server_side=True, do_handshake_on_connect=False
    ) as secure:
        # CPython takes this as the limit of the handshake, not of each of its steps.
        secure.settimeout(max(deadline - monotonic(), 0.001))
        secure.do_handshake()
        if sans and not _names(secure).intersection(sans):
            raise ssl.SSLCertVerificationError("the certificate's names are not allowed")
        yield secure
        secure.settimeout(0)
        with contextlib.suppress(OSError, ValueError):
            secure.unwrap()  # says good-bye and does not wait for an answer


def _names(secure: ssl.SSLSocket) -> set[str]:
    """Subject alternative names of the client."""
    certificate = secure.getpeercert() or {}
    names: tuple[tuple[str, str], ...] = certificate.get("subjectAltName", ())  # type: ignore[assignment]
    return {name for _, name in names}


def _authorities(made: ssl.SSLContext, tls: Tls) -> None:
    data = _read(tls.client_ca_file)
    try:
        made.load_verify_locations(cadata=data.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        remedy = "it must hold the authority's certificates in PEM"
        raise _problem(tls.client_ca_file, f"no certificate can be read: {error}", remedy) from None
    required = tls.client_auth_type == "RequireAndVerifyClientCert"
    made.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL


def _ciphers(made: ssl.SSLContext, names: tuple[str, ...]) -> None:
    """Cipher suites of TLS 1.2 by their standard names; those of 1.3 are not chosen from."""
    wanted = [_openssl(name) for name in names if "_WITH_" in name]
    try:
        if wanted:
            made.set_ciphers(":".join(wanted))
    except ssl.SSLError:
        remedy = "write names such as TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
        raise _problem(
            "", f"no known one among cipher_suites: {', '.join(names)}", remedy
        ) from None


def _openssl(name: str) -> str:
    """``ECDHE-RSA-AES128-GCM-SHA256`` for ``TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256``."""
    exchange, _, cipher = name.removeprefix("TLS_").partition("_WITH_")
    cipher = cipher.replace("AES_", "AES").replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305")
    cipher = cipher.replace("_CBC", "")
    return f"{exchange}-{cipher}".replace("_", "-").removeprefix("RSA-")


def _no_password(*_: object) -> str:
    raise ValueError("the key is encrypted")


def _reason(error: Exception, certificate: str) -> tuple[str, str]:
    text = str(error)
    if "KEY_VALUES_MISMATCH" in text:
        return f"the key does not belong to {certificate}", "install the two that belong together"
    if "encrypted" in text:
        return "the key is encrypted", "store it without a password, readable by root only"
    return f"the key cannot be read: {text}", "it must be PEM"


def _certificate(path: str) -> None:
    """Raise where there is none in the file: with the key it could not be told which is wrong."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except (ssl.SSLError, OSError) as error:
        raise _problem(path, f"no certificate can be read: {error}", "it must be PEM") from None


def _read(path: str) -> bytes:
    try:
        return files.read_file(path).data
    except StateError as error:
        raise WebConfigError(error.problems) from None


def _problem(file: str, message: str, remedy: str) -> WebConfigError:
    return WebConfigError([Problem(os.fspath(file), 0, 0, message, remedy)])
