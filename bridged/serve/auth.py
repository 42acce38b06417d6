"""Who may read over HTTP: users with passwords, or holders of a token."""

import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping

from bridged.desired.errors import Problem
from bridged.serve.tls import secret
from bridged.serve.webconfig import WebConfig, WebConfigError

_REMEMBERED = 100
_SHORTEST = 16
_DUMMY = "$2b$10$" + "." * 53
"""Compared with where the user is unknown, so that the time of the answer tells nobody."""


class Authenticator:
    """Judges the header ``Authorization``.  For any number of threads.

    A password costs 70 ms of the processor by intention, so what was judged is remembered (as a
    keyed digest, not in clear), and one password is tried at a time: who guesses takes no more than
    his own connections' patience.
    """

    def __init__(self, users: Mapping[str, str], tokens: tuple[str, ...] = ()) -> None:
        self._users = dict(users)
        self._tokens = tuple(token.encode() for token in tokens)
        self._key = secrets.token_bytes(32)
        self._judged: dict[bytes, bool] = {}
        self._hashing = threading.Lock()
        if users:
            import bcrypt

            self._check = bcrypt.checkpw

    @property
    def challenges(self) -> list[tuple[str, str]]:
        """The headers that tell a client what is asked of it."""
        schemes = ["Basic"] * bool(self._users) + ["Bearer"] * bool(self._tokens)
        return [("WWW-Authenticate", f'{scheme} realm="bridged"') for scheme in schemes]

    def permits(self, header: str) -> bool:
        """Whether the header's bearer may read; the empty text where there was none."""
        scheme, _, given = header.partition(" ")
        if scheme.lower() == "bearer":
            token = given.strip().encode("utf-8", "surrogateescape")
            # Every one of them is compared, in a time that does not depend on the token.
            return sum(hmac.compare_digest(token, known) for known in self._tokens) > 0
        if scheme.lower() != "basic" or not self._users:
            return False
        try:
            pair = base64.b64decode(given.strip(), validate=True)
        except ValueError:
            return False
        name, colon, password = pair.partition(b":")
        return bool(colon) and self._password(name.decode("utf-8", "replace"), password)

    def _password(self, name: str, password: bytes) -> bool:
        digest = hmac.digest(self._key, name.encode() + b"\0" + password, hashlib.sha256)
        known = self._judged.get(digest)
        if known is None:  # who is known does not wait for who guesses
            with self._hashing:
                known = self._matches(name, password)
                if len(self._judged) >= _REMEMBERED:
                    self._judged.clear()
                self._judged[digest] = known
        return known

    def _matches(self, name: str, password: bytes) -> bool:
        known = self._users.get(name, _DUMMY)
        try:
            same = self._check(password, known.encode())
        except ValueError:  # longer than bcrypt takes, or with a NUL
            same = False
        return same and name in self._users


def authenticator(config: WebConfig) -> Authenticator | None:
    """Whom the configuration lets in, None where everybody.  Raises WebConfigError."""
    users, file = config.basic_auth_users, config.bearer_token_file
    if not users and not file:
        return None
    try:
        return Authenticator(users, _tokens(file) if file else ())
    except ImportError as error:
        message = f"basic_auth_users needs the Python module bcrypt: {error}"
        raise WebConfigError([Problem("", 0, 0, message, "install python3-bcrypt")]) from None


def _tokens(path: str) -> tuple[str, ...]:
    """The tokens of a file, one a line: two while one takes the other's place."""
    lines = [line.strip() for line in secret(path).decode("utf-8-sig", "replace").splitlines()]
    tokens = tuple(line for line in lines if line and not line.startswith("#"))
    remedy = f"write one with: openssl rand -hex 32 > {path}"
    if not tokens:
        raise WebConfigError([Problem(path, 0, 0, "there is no token in this file", remedy)])
    if min(map(len, tokens)) < _SHORTEST:
        message = f"a token is shorter than {_SHORTEST} characters"
        raise WebConfigError([Problem(path, 0, 0, message, remedy)])
    return tokens
