"""The section `kubernetes`: the few values from which kubeadm.conf and cilium-values.yaml follow.

No secrets: both files can be read by others, and kubeadm makes tokens and keys by itself.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from bridged.desired.base import Model, integer
from bridged.desired.kubernetes_values import (
    Address,
    Certified,
    Domain,
    Endpoint,
    FilePath,
    Host,
    Mode,
    Name,
    Network,
    Owner,
    Socket,
    Version,
)

NEEDED = {
    "address": "192.168.10.160",
    "cluster-name": "NAME",
    "endpoint": "HOST:6443",
    "pod-cidr": "10.11.0.0/16",
    "service-cidr": "10.12.0.0/16",
    "version": "1.34.2",
    "pool": "10.13.0.0/16",
}
"""What a key that must be written may look like, for the remedy where it is missing."""


class Kept(Model):
    """A file that is made from this section.

    With `file` it is kept: differences in content, owner and mode are drift.
    """

    file: Annotated[
        FilePath | None,
        Field(description="where it is kept; left out, it is only printed by `bridgedctl render`"),
    ] = None
    owner: Annotated[Owner, Field(description="account and group that the file belongs to")] = (
        "root:root"
    )
    mode: Annotated[Mode, Field(description="who may read it")] = "0644"
    enforce: Annotated[
        bool,
        Field(description="put it right where it differs, with a backup; `false`: only report it"),
    ] = True


class Cilium(Kept):
    """What cilium-values.yaml says, the values for Cilium's Helm chart."""

    pool: Annotated[Network, Field(description="network from which Cilium gives addresses to pods")]
    api_host: Annotated[
        Host | None,
        Field(description="where Cilium reaches the API server; `address` when left out"),
    ] = None
    kube_proxy_replacement: Annotated[
        bool, Field(description="Cilium does the work of kube-proxy")
    ] = True
    exclusive: Annotated[
        bool,
        Field(description="Cilium removes other CNI configurations; Multus needs `false`"),
    ] = False
    hubble_relay: Annotated[bool, Field(description="Hubble's relay")] = True
    hubble_ui: Annotated[bool, Field(description="Hubble's web pages; they need the relay")] = True
    hubble_ui_ipv6: Annotated[bool, Field(description="an IPv6 listener for these pages")] = False
    hubble_tls_days: Annotated[
        int,
        integer(1, 36500),
        Field(description="days that the certificates made by Helm are valid"),
    ] = 1095
    cgroup_automount: Annotated[
        bool,
        Field(description="Cilium mounts a cgroup v2 tree of its own instead of /sys/fs/cgroup"),
    ] = False


class Kubernetes(Model):
    """What kubeadm.conf says, and where both files are kept."""

    address: Annotated[
        Address, Field(description="the node's own address, for the API server and the kubelet")
    ]
    api_port: Annotated[
        int, integer(1, 65535), Field(description="port of this node's API server")
    ] = 6443
    cluster_name: Annotated[Name, Field(description="name of the cluster")]
    endpoint: Annotated[
        Endpoint,
        Field(
            description="name and port by which all nodes reach the control plane; it stays the "
            "same when more nodes come"
        ),
    ]
    version: Annotated[Version, Field(description="version of Kubernetes, 1.31 or newer")]
    pod_cidr: Annotated[Network, Field(description="network of the pods")]
    service_cidr: Annotated[Network, Field(description="network of the services")]
    dns_domain: Annotated[Domain, Field(description="DNS domain of the services")] = "cluster.local"
    cert_sans: Annotated[
        tuple[Certified, ...] | None,
        Field(
            description="names and addresses in the API server's certificate; left out, `address`, "
            "the host of `endpoint`, 127.0.0.1 and localhost"
        ),
    ] = None
    cri_socket: Annotated[Socket, Field(description="socket of the container runtime")] = (
        "unix:///var/run/containerd/containerd.sock"
    )
    cgroup_driver: Annotated[
        Literal["systemd", "cgroupfs"],
        Field(description="who makes cgroups; the container runtime has to say the same"),
    ] = "systemd"
    fail_swap_on: Annotated[bool, Field(description="the kubelet refuses to run with swap on")] = (
        True
    )
    multus: Annotated[
        bool, Field(description="Multus is used: it must keep the CNI folder to itself")
    ] = True
    kubeadm: Annotated[Kept | None, Field(description="kubeadm.conf as a file")] = None
    cilium: Annotated[Cilium | None, Field(description="cilium-values.yaml")] = None

    @property
    def endpoint_host(self) -> str:
        """The endpoint without its port."""
        return self.endpoint.rpartition(":")[0]

    @property
    def certified(self) -> tuple[str, ...]:
        """Names and addresses in the certificate."""
        if self.cert_sans is not None:
            return self.cert_sans
        return tuple(dict.fromkeys((self.address, self.endpoint_host, "127.0.0.1", "localhost")))

    def files(self) -> Iterator[tuple[str, Kept, str]]:
        """The kept files as (word for `bridgedctl render`, how it is kept, path)."""
        for word, kept in (("kubeadm", self.kubeadm), ("cilium", self.cilium)):
            if kept is not None and kept.file is not None:
                yield word, kept, kept.file

    def networks(self) -> Iterator[tuple[str, tuple[str, ...], str]]:
        """The cluster's networks as (what it is, its path below the section, the network)."""
        yield "the pods' network", ("pod-cidr",), self.pod_cidr
        yield "the services' network", ("service-cidr",), self.service_cidr
        if self.cilium is not None:
            yield "Cilium's pool", ("cilium", "pool"), self.cilium.pool
