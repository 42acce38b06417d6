"""What must hold between the values of the section `kubernetes`."""

import posixpath
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from bridged.desired.kubernetes import Kubernetes
from bridged.desired.violation import HERE, Violation

_AT = ("kubernetes",)
_NODE_BITS = 24
"""Each node gets a /24 of the pods' network (kube-controller-manager) and of Cilium's pool."""
_MOST_NODE_BITS = 16
_SERVICES = (12, 28)
"""The API server takes at most 2^20 addresses for services, kubeadm needs ten."""
_RUN_BY_KUBELET = "/etc/kubernetes/manifests"


def kubernetes_violations(kubernetes: Kubernetes | None) -> Iterator[Violation]:
    """Every rule that the section breaks."""
    if kubernetes is None:
        return
    yield from _overlaps(kubernetes)
    yield from _sizes(kubernetes)
    yield from _certificate(kubernetes)
    yield from _files(kubernetes)
    cilium = kubernetes.cilium
    if cilium is None:
        return
    if cilium.exclusive and kubernetes.multus:
        yield Violation(
            (*_AT, "cilium", "exclusive"),
            "an exclusive Cilium removes the configuration of Multus from the CNI folder, and "
            "Multus is used",
            "write exclusive: false, or multus: false where there is no Multus",
        )
    if cilium.hubble_ui and not cilium.hubble_relay:
        yield Violation(
            (*_AT, "cilium", "hubble-relay"),
            "Hubble's web pages get everything from the relay, which is off",
            "write hubble-relay: true, or hubble-ui: false",
        )


def _overlaps(kubernetes: Kubernetes) -> Iterator[Violation]:
    found = [(what, path, IPv4Network(text)) for what, path, text in kubernetes.networks()]
    for what, path, network in found:
        if IPv4Address(kubernetes.address) in network:
            yield Violation(
                (*_AT, *path),
                f"{what} {network} holds the node's own address {kubernetes.address} ({HERE})",
                "choose a network that is used nowhere else",
                (*_AT, "address"),
            )
    for (one, there, first), (other, here, second) in combinations(found, 2):
        # Cilium may well give out a part, or all, of what the cluster knows as the pods' network.
        within = there == ("pod-cidr",) and here[0] == "cilium" and second.subnet_of(first)
        if first.overlaps(second) and not within:
            yield Violation(
                (*_AT, *here),
                f"{other} {second} overlaps {one} {first} ({HERE})",
                "choose networks that do not overlap, such as 10.11.0.0/16 and 10.12.0.0/16",
                (*_AT, *there),
            )


def _sizes(kubernetes: Kubernetes) -> Iterator[Violation]:
    low, high = _SERVICES
    for what, path, text in kubernetes.networks():
        bits = IPv4Network(text).prefixlen
        if path == ("service-cidr",):
            least, most, why = low, high, "the API server takes no other"
        else:
            least, most = _NODE_BITS - _MOST_NODE_BITS, _NODE_BITS
            why = f"each node gets a /{_NODE_BITS} of it"
        if not least <= bits <= most:
            yield Violation(
                (*_AT, *path),
                f"{what} {text} must be between /{least} and /{most}: {why}",
                f"write {IPv4Network((text.partition('/')[0], 16), strict=False)}",
            )


def _certificate(kubernetes: Kubernetes) -> Iterator[Violation]:
    names = kubernetes.cert_sans
    if names is None:
        return
    at = (*_AT, "cert-sans")
    twice = sorted({name for name in names if names.count(name) > 1})
    for name in twice:
        yield Violation((*at, name), f"`{name}` is listed twice", "remove one of them")
    wanted = {"the node's address": kubernetes.address, "the endpoint": kubernetes.endpoint_host}
    for what, name in wanted.items():
        wildcard = f"*.{name.partition('.')[2]}"
        if name not in names and (wildcard not in names or name[:1].isdigit()):
            yield Violation(
                at,
                f"{what} {name} is missing among the names in the API server's certificate",
                f"add {name}, or leave cert-sans out",
            )


def _files(kubernetes: Kubernetes) -> Iterator[Violation]:
    paths = {word: path for word, _, path in kubernetes.files()}
    for name, path in paths.items():
        at = (*_AT, name, "file")
        if posixpath.dirname(path) == _RUN_BY_KUBELET:
            yield Violation(
                at,
                f"the kubelet takes every file in {_RUN_BY_KUBELET} for a pod to run",
                f"write /etc/kubernetes/{posixpath.basename(path)}",
            )
        if path.startswith(("/etc/bridged/", "/etc/sysctl.d/", "/etc/modules-load.d/", "/proc/",
                            "/sys/", "/dev/")):  # fmt: skip
            yield Violation(
                at,
                f"{posixpath.dirname(path)} is no place for it",
                f"write /etc/kubernetes/{posixpath.basename(path)}",
            )
    if len(paths) == 2 and len(set(paths.values())) == 1:
        yield Violation(
            (*_AT, "cilium", "file"),
            f"both files cannot be {paths['cilium']} ({HERE})",
            "give one of them another name",
            (*_AT, "kubeadm", "file"),
        )
