"""The web configuration: TLS and authentication of the HTTP server, as one file says.

The format is that of Prometheus' exporter-toolkit, so that the file of a node_exporter can be used
as it is.  `bearer_token_file` is an addition of ours.  What cannot be honoured is refused and never
left out: half of a configuration would serve in the open what was meant to be locked.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from bridged.desired import files
from bridged.desired.document import Expected, Mapping, Node, Scalar, Sequence, parse
from bridged.desired.errors import Problem, StateError, shown
from bridged.desired.hints import unknown_key
from bridged.desired.source import Place, Problems, decode

_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_COST = 15
"""The most that a hash may cost: at 15 a password takes 2 s, at 18 somebody who guesses takes the
node's processor."""
_MAKE_HASH = "make one with: htpasswd -nBC 10 NAME"
_HEADERS = (
    "Content-Security-Policy",
    "X-Frame-Options",
    "X-Content-Type-Options",
    "X-XSS-Protection",
    "Strict-Transport-Security",
)
_EXPLAINED = {
    "cert": "bridged takes certificates from files: write `cert_file: PATH`",
    "key": "bridged takes keys from files: write `key_file: PATH`",
    "client_ca": "bridged takes certificates from files: write `client_ca_file: PATH`",
    "curve_preferences": "remove it: the curves are those of the system's OpenSSL",
    "rate_limit": "remove it: bridged serves 32 connections at a time, each within a time limit",
}
"""Keys of the format that are not honoured here, with what to do."""
_WRITE = "write tls_server_config or basic_auth_users, or start without --web-config"
_EXPECTED = Expected("`tls_server_config:` and `basic_auth_users:`", _WRITE, _WRITE)
_VERIFY = "write `client_auth_type: RequireAndVerifyClientCert` and a `client_ca_file`"


class WebConfigError(StateError):
    """The web configuration cannot be used; `problems` as of a state file."""


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Tls(_Model):
    """`tls_server_config`.  Paths are absolute once loaded."""

    cert_file: str = ""
    key_file: str = ""
    client_auth_type: Literal[
        "NoClientCert",
        "RequestClientCert",
        "RequireClientCert",
        "RequireAnyClientCert",
        "VerifyClientCertIfGiven",
        "RequireAndVerifyClientCert",
    ] = "NoClientCert"
    client_ca_file: str = ""
    client_allowed_sans: tuple[str, ...] = ()
    min_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] = "TLS12"
    max_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True


class Http(_Model):
    """`http_server_config`.  HTTP/2 is something that a client may ask for, not must."""

    http2: bool = True
    headers: dict[str, str] = {}


class WebConfig(_Model):
    """The whole file."""

    tls_server_config: Tls | None = None
    http_server_config: Http = Http()
    basic_auth_users: dict[str, str] = {}
    bearer_token_file: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it names."""
        tls = self.tls_server_config or Tls()
        names = (tls.cert_file, tls.key_file, tls.client_ca_file, self.bearer_token_file)
        return tuple(Path(name) for name in names if name)


def load(path: Path) -> WebConfig:
    """The configuration in the file at `path`, with the paths in it made absolute.

    The files that it names are not looked at.  Raises WebConfigError.
    """
    try:
        return _load(path)
    except WebConfigError:
        raise
    except StateError as error:
        raise WebConfigError(error.problems) from None


def _load(path: Path) -> WebConfig:
    text = decode(files.read_file(path))
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.lines):
        raise WebConfigError([Problem(str(path), 0, 0, "the file configures nothing", _WRITE)])
    problems = Problems()
    root = parse(text, problems, _EXPECTED)
    if root is None or problems:
        problems.raise_any()
    assert root is not None
    places: dict[tuple[str | int, ...], Place] = {(): root.place}
    plain = _plain(root, (), places)
    try:
        config = WebConfig.model_validate(plain)
    except ValidationError as error:
        for mistake in error.errors():
            place, message, remedy = _words(dict(mistake), plain, places)
            problems.add(place, message, remedy)
        problems.raise_any()
        raise AssertionError from None
    for key, message, remedy in _violations(config):
        while key not in places:
            key = key[:-1]
        problems.add(places[key], message, remedy)
    problems.raise_any()
    return _absolute(config, path.absolute().parent)


def _absolute(config: WebConfig, directory: Path) -> WebConfig:
    def made(name: str) -> str:
        return str(directory / name) if name else ""

    tls = config.tls_server_config
    if tls is not None:
        names = ("cert_file", "key_file", "client_ca_file")
        tls = tls.model_copy(update={name: made(getattr(tls, name)) for name in names})
    token = made(config.bearer_token_file)
    return config.model_copy(update={"tls_server_config": tls, "bearer_token_file": token})


# ---------------------------------------------------------------------- from nodes to plain values


def _plain(
    node: Node, at: tuple[str | int, ...], places: dict[tuple[str | int, ...], Place]
) -> Any:
    """The value of a node; where each part of it stands goes to `places`."""
    places.setdefault(at, node.place)
    if isinstance(node, Mapping):
        for entry in node.entries:
            places[*at, entry.key] = entry.place
        return {e.key: _plain(e.value, (*at, e.key), places) for e in node.entries}
    if isinstance(node, Sequence):
        return tuple(_plain(item, (*at, i), places) for i, item in enumerate(node.items))
    if isinstance(node, Scalar):
        word = node.word
        if word.reading == "null":
            return None
        if word.reading == "boolean":
            return word.text.lower() in {"true", "yes", "on"}
        return int(word.text) if word.reading == "integer" else word.text
    return None


def _words(
    mistake: dict[str, Any], plain: Any, places: dict[tuple[str | int, ...], Place]
) -> tuple[Place, str, str]:
    """Place, message and remedy of a mistake that pydantic found.  Values are not repeated but for
    words of ours: they may be secrets."""
    at = tuple(mistake["loc"])
    while at not in places:
        at = at[:-1]
    key = f"`{shown(str(at[-1]))}`" if at else "the file"
    kind, context = mistake["type"], mistake.get("ctx", {})
    if kind == "extra_forbidden":
        valid = _valid(at[:-1])
        name = str(at[-1])
        where = f" of {at[-2]}" if len(at) > 1 else ""
        remedy = _EXPLAINED.get(name) or unknown_key(name, valid, ())
        what = "is not honoured" if name in _EXPLAINED else f"is not a key{where}"
        return places[at], f"{key} {what}", remedy
    if kind == "literal_error":
        remedy = f"one of {context['expected']}"
        return places[at], f"{key} must not be `{shown(str(mistake['input']))}`", remedy
    expected = {
        "string_type": "text",
        "bool_type": "true or false",
        "tuple_type": "a list",
        "dict_type": "a mapping",
        "model_type": "a mapping",
    }.get(kind)
    if expected is None:
        return places[at], f"{key} cannot be used: {mistake['msg']}", ""
    remedy = "put it in quotes" if isinstance(mistake["input"], int) and expected == "text" else ""
    return places[at], f"{key} must be {expected}", remedy


def _valid(at: tuple[str | int, ...]) -> list[str]:
    models: dict[str, type[_Model]] = {"tls_server_config": Tls, "http_server_config": Http}
    return list(models.get(str(at[-1]) if at else "", WebConfig).model_fields)


# ---------------------------------------------------------------------- what must not be half done

_Violation = tuple[tuple[str | int, ...], str, str]


def _violations(config: WebConfig) -> Iterator[_Violation]:
    if config.tls_server_config is not None:
        for key, message, remedy in _tls_violations(config.tls_server_config):
            yield ("tls_server_config", key), message, remedy
    elif not (
        config.basic_auth_users or config.bearer_token_file or config.http_server_config.headers
    ):
        yield (), "the file configures nothing", "write tls_server_config or basic_auth_users"
    for name, secret in config.basic_auth_users.items():
        at = ("basic_auth_users", name)
        found = _HASH.fullmatch(secret)
        if not name or ":" in name:
            yield at, "a user's name cannot be empty nor hold a `:`", "choose another name"
        elif found is None:
            yield at, f"the password of {shown(name)} must be a bcrypt hash", _MAKE_HASH
        elif not 4 <= int(found[1]) <= _COST:
            yield at, f"a cost of {found[1]} is not possible, 4 to {_COST} are", _MAKE_HASH
    for header, value in config.http_server_config.headers.items():
        there = ("http_server_config", "headers", header)
        if header not in _HEADERS:
            remedy = "one of " + ", ".join(_HEADERS)
            yield there, f"the header `{shown(header)}` cannot be set", remedy
        elif not value.isascii() or not value.isprintable():
            yield there, "a header must be printable ASCII in one line", "write it anew"


def _tls_violations(tls: Tls) -> Iterator[tuple[str, str, str]]:
    if not tls.cert_file or not tls.key_file:
        missing = "key_file" if tls.cert_file else "cert_file"
        there = "cert_file" if tls.cert_file else "key_file" if tls.key_file else ""
        message = f"TLS needs a certificate and its key, `{missing}` is missing"
        yield there, message, f"add `{missing}: PATH`"
    kind = tls.client_auth_type
    verifies = kind in {"VerifyClientCertIfGiven", "RequireAndVerifyClientCert"}
    if kind in {"RequestClientCert", "RequireClientCert", "RequireAnyClientCert"}:
        message = f"`{kind}` does not verify: it would let in whoever shows any certificate at all"
        yield "client_auth_type", message, _VERIFY
    elif tls.client_ca_file and not verifies:
        message = "a client CA without client_auth_type: certificates would not be asked for"
        yield "client_ca_file", message, "add `client_auth_type: RequireAndVerifyClientCert`"
    elif verifies and not tls.client_ca_file:
        message = f"`{kind}` without client_ca_file: any public authority would do"
        yield "client_auth_type", message, "add `client_ca_file: PATH`"
    if tls.client_allowed_sans and kind != "RequireAndVerifyClientCert":
        message = "client_allowed_sans without a certificate that is required and verified"
        yield "client_allowed_sans", message, _VERIFY
    for key in ("min_version", "max_version"):
        if getattr(tls, key) in {"TLS10", "TLS11"}:
            yield key, f"`{key}` must be TLS12 or TLS13: older ones are broken", "write TLS12"
    if tls.min_version > tls.max_version:
        yield "min_version", "min_version is above max_version", "exchange them"
