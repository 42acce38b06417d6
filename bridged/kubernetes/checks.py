"""What the declared values and this node do not agree on.  Pure."""

import tomllib
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

from bridged.desired.kubernetes import Kubernetes
from bridged.observe.host import Host, Link
from bridged.report import Finding

CONTAINERD = "/etc/containerd/config.toml"
MULTUS = ("/etc/cni/net.d/00-multus.conf", "/etc/cni/net.d/00-multus.conflist")
_CRI = ("io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri", "cri")
"""The plugin's name in versions 3, 2 and 1 of containerd's file."""


def find(kubernetes: Kubernetes, host: Host) -> Iterator[Finding]:
    """Everything that would fail later; what was not seen says nothing."""
    problem = address_problem(kubernetes, host)
    if problem:
        yield Finding("node-address", problem, address_remedy(kubernetes, host))
    yield from _own_networks(kubernetes, host)
    yield from _exclusive(kubernetes, host)
    yield from _cgroup_driver(kubernetes, host)


def address_problem(kubernetes: Kubernetes, host: Host) -> str:
    """Why the declared address is none of this node's, empty where it is or nobody can tell."""
    if "links" in host.problems or kubernetes.address in _addresses(host):
        return ""
    return (
        f"no interface of this node has {kubernetes.address}: the API server and the kubelet "
        "could not use it"
    )


def address_remedy(kubernetes: Kubernetes, host: Host) -> str:
    """What to write instead."""
    own = [
        address.address
        for address in host.addresses
        if address.family == 4 and (link := host.by_index.get(address.index))
        and link.name in host.protected
    ]  # fmt: skip
    if own:
        return f"write address: {own[0]} under kubernetes, if that is the node's"
    return f"give the node {kubernetes.address}, or correct address under kubernetes"


def _addresses(host: Host) -> set[str]:
    return {address.address for address in host.addresses}


def _own_networks(kubernetes: Kubernetes, host: Host) -> Iterator[Finding]:
    """Networks that the node reaches directly by the interfaces that are its own.

    Cilium's interfaces have addresses of the pods' network: they do not count.
    """
    for address in host.addresses:
        link = host.by_index.get(address.index)
        if link is None or address.family != 4 or not _is_own(kubernetes, host, link):
            continue
        own = IPv4Network((address.address, address.prefix), strict=False)
        for what, path, text in kubernetes.networks():
            if own.overlaps(IPv4Network(text)):
                yield Finding(
                    "cidr-overlap",
                    f"{what} {text} overlaps {own}, the node's own network on {link.name}: "
                    "what lies there could not be reached from pods, or not at all",
                    f"choose another {path[-1]} before the cluster is made",
                )


def _is_own(kubernetes: Kubernetes, host: Host, link: Link) -> bool:
    holds = any(
        address.index == link.index and address.address == kubernetes.address
        for address in host.addresses
    )
    return holds or link.name in host.protected


def _exclusive(kubernetes: Kubernetes, host: Host) -> Iterator[Finding]:
    cilium = kubernetes.cilium
    found = [path for path in MULTUS if host.nodes.get(path)]
    if cilium is not None and cilium.exclusive and found:
        yield Finding(
            "exclusive-cni",
            f"Cilium is declared exclusive, and Multus is installed ({found[0]}): Cilium would "
            "rename its configuration",
            "write exclusive: false under kubernetes, cilium",
        )


def _cgroup_driver(kubernetes: Kubernetes, host: Host) -> Iterator[Finding]:
    driver = containerd_driver(host.files.get(CONTAINERD) or "")
    if driver and driver != kubernetes.cgroup_driver:
        yield Finding(
            "cgroup-driver",
            f"the kubelet is declared with the cgroup driver {kubernetes.cgroup_driver}, and "
            f"containerd is set up for {driver} ({CONTAINERD}): pods would not start, or be killed",
            f"set SystemdCgroup = {str(kubernetes.cgroup_driver == 'systemd').lower()} for its "
            "default runtime and restart containerd",
        )


def containerd_driver(text: str) -> str:
    """``systemd`` or ``cgroupfs``, empty where the file alone does not tell (other files are
    imported, or there is nothing about the default runtime)."""
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return ""
    if settings.get("imports"):
        return ""
    for name in _CRI:
        containerd = _at(settings, "plugins", name, "containerd")
        default = containerd.get("default_runtime_name", "runc")
        options = _at(containerd, "runtimes", str(default), "options")
        if options:
            return "systemd" if options.get("SystemdCgroup") is True else "cgroupfs"
    return ""


def _at(table: Any, *path: str) -> dict[str, Any]:
    for key in path:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else {}
