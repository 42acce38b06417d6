"""Kinds of text in the section `kubernetes`: names, networks, endpoints, paths, modes.

What they may be is what kubeadm, kubelet and the API server accept, so that a mistake shows here
and not in the middle of `kubeadm init`.  IPv4 only.
"""

import posixpath
import re
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import Annotated

from pydantic import AfterValidator

from bridged.desired.base import Refused, Text
from bridged.desired.errors import shown
from bridged.desired.names import is_port

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_ADDRESS = r"[0-9]{1,3}(\.[0-9]{1,3}){3}"
_ACCOUNT = r"([a-z_][-a-z0-9_]*|[0-9]{1,10})"
_VERSION = re.compile(r"v?1\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?", re.ASCII)
V1BETA4_SINCE = 31
"""kubeadm.k8s.io/v1beta4 came with Kubernetes 1.31."""


def _said(text: str) -> str:
    return f'"{shown(text)}"'


def _address(text: str) -> str:
    try:
        address = IPv4Address(text)
    except ValueError:
        raise Refused(
            f"{_said(text)} is not an IPv4 address", "write it as 192.168.10.160, without prefix"
        ) from None
    if address.is_unspecified or address.is_loopback or address.is_multicast:
        raise Refused(
            f"{text} cannot be the address of a node", "write the address that other nodes reach"
        )
    return text


def _network(text: str) -> str:
    try:
        network = IPv4Network(text)
    except ValueError:
        pass
    else:
        if "/" in text:
            return str(network)
    try:
        right = f"write {IPv4Network(text if '/' in text else f'{text}/16', strict=False)}"
    except ValueError:
        right = "write it as 10.11.0.0/16"
    raise Refused(f"{_said(text)} is not an IPv4 network with its prefix length", right)


def _is_domain(text: str) -> bool:
    return len(text) <= 253 and re.fullmatch(_DOMAIN, text, re.ASCII) is not None


def host_problem(text: str) -> str:
    """Why `text` is neither an IP address nor a name of RFC 1123, empty where it is."""
    try:
        ip_address(text)
    except ValueError:
        pass
    else:
        return ""
    if not _is_domain(text):
        return f"{_said(text)} is neither an IP address nor a DNS name (RFC 1123)"
    if text.rpartition(".")[2].isdigit():
        return f"{_said(text)} looks like an IP address and is none"
    return ""


def _lower(text: str) -> str:
    """The remedy for a name that is only spelt wrongly."""
    plain = re.sub(r"[_\s]", "-", text.lower())
    return f"write {plain}" if plain != text and _is_domain(plain) else "use a to z, 0 to 9 and -"


def _name(text: str) -> str:
    if re.fullmatch(_LABEL, text, re.ASCII) is None:
        raise Refused(f"{_said(text)} is not a name of RFC 1123 (at most 63 of a-z, 0-9 and -)",
                      _lower(text))  # fmt: skip
    return text


def _domain(text: str) -> str:
    if not _is_domain(text):
        raise Refused(f"{_said(text)} is not a DNS domain (RFC 1123)", _lower(text))
    return text


def _endpoint(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port:
        raise Refused(f"{_said(text)} has no port", f"write {shown(text)}:6443")
    if not is_port(port):
        raise Refused(f"{_said(port)} is not a port from 1 to 65535", f"write {shown(host)}:6443")
    problem = host_problem(host)
    if problem:
        raise Refused(problem, _lower(host))
    return text


def _host(text: str) -> str:
    problem = host_problem(text)
    if problem:
        raise Refused(problem, _lower(text))
    return text


def _certified(text: str) -> str:
    problem = host_problem(text.removeprefix("*."))
    if problem:
        raise Refused(problem, _lower(text))
    return text


def _version(text: str) -> str:
    found = _VERSION.fullmatch(text)
    if found is None:
        remedy = "write the full number, such as 1.34.2"
        if re.fullmatch(r"v?1\.[0-9]+", text):
            remedy = f"write {text}.0, or the patch release that you install"
        raise Refused(f"{_said(text)} is not a version of Kubernetes", remedy)
    if int(found[1]) < V1BETA4_SINCE:
        raise Refused(
            f"kubeadm.k8s.io/v1beta4, which is written here, came with Kubernetes "
            f"1.{V1BETA4_SINCE}; {text} does not know it",
            f"declare 1.{V1BETA4_SINCE}.0 or newer; for {text}, write a kubeadm.conf of v1beta3 by "
            "hand",
        )
    return text.removeprefix("v")


def _socket(text: str) -> str:
    path = text.removeprefix("unix://")
    if path == text or not path.startswith("/") or posixpath.normpath(path) != path:
        remedy = f"write unix://{text}" if text.startswith("/") else ""
        raise Refused(
            f"{_said(text)} is not a socket of the container runtime",
            remedy or "write unix:///var/run/containerd/containerd.sock",
        )
    return text


def _path(text: str) -> str:
    if not text.startswith("/") or posixpath.normpath(text) != text or text.startswith("//"):
        raise Refused(f"{_said(text)} is not an absolute path", "write it as /etc/kubernetes/NAME")
    if not text.isprintable() or len(posixpath.basename(text).encode()) > 200:
        raise Refused(f"{_said(text)} is no name for a file", "choose a plain, short name")
    return text


def _mode(text: str) -> str:
    if re.fullmatch(r"0?[0-7]{3}", text) is None:
        raise Refused(f"{_said(text)} is not a file mode", 'write it in quotes, as "0644"')
    bits = int(text, 8)
    if bits & 0o022 or not bits & 0o400 or bits & 0o111:
        raise Refused(
            f"mode {text} would let others write the file, or run it, or its owner not read it",
            'write "0644" or "0600"',
        )
    return text.rjust(4, "0")


def _owner(text: str) -> str:
    if re.fullmatch(f"{_ACCOUNT}:{_ACCOUNT}", text, re.ASCII) is None:
        raise Refused(f"{_said(text)} is not USER:GROUP", "write root:root")
    return text


Address = Annotated[
    str, AfterValidator(_address), Text("an IPv4 address such as 192.168.10.160", f"^{_ADDRESS}$")
]
Network = Annotated[
    str,
    AfterValidator(_network),
    Text("an IPv4 network such as 10.11.0.0/16", f"^{_ADDRESS}/[0-9]{{1,2}}$"),
]
Name = Annotated[str, AfterValidator(_name), Text("a name such as rubikub", f"^{_LABEL}$")]
Domain = Annotated[
    str, AfterValidator(_domain), Text("a DNS domain such as cluster.local", f"^{_DOMAIN}$")
]
Endpoint = Annotated[
    str,
    AfterValidator(_endpoint),
    Text("HOST:PORT such as api.example.com:6443", r"^\S+:[1-9][0-9]{0,4}$"),
]
Host = Annotated[str, AfterValidator(_host), Text("a DNS name or an IP address", r"^[0-9a-z:.-]+$")]
Certified = Annotated[
    str, AfterValidator(_certified), Text("a DNS name or an IP address", r"^[*0-9a-z:.-]+$")
]
Version = Annotated[
    str,
    AfterValidator(_version),
    Text("a version such as 1.34.2", r"^v?1\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$"),
]
Socket = Annotated[
    str,
    AfterValidator(_socket),
    Text("a socket such as unix:///var/run/containerd/containerd.sock", r"^unix:///\S+$"),
]
FilePath = Annotated[
    str, AfterValidator(_path), Text("an absolute path such as /etc/kubernetes/NAME", r"^/[^/].*$")
]
Mode = Annotated[
    str, AfterValidator(_mode), Text('a file mode in quotes such as "0644"', r"^0?[0-7]{3}$")
]
Owner = Annotated[
    str, AfterValidator(_owner), Text("USER:GROUP such as root:root", f"^{_ACCOUNT}:{_ACCOUNT}$")
]
