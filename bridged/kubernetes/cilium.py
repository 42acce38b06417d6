"""cilium-values.yaml: what Cilium's Helm chart is given.

Source: https://docs.cilium.io/en/stable/helm-reference/
"""

from functools import lru_cache
from typing import Any

from bridged.desired.kubernetes import Cilium, Kubernetes
from bridged.kubernetes.text import dump

HEADER = "cilium-values.yaml, made by bridged from the section kubernetes of its state file."


@lru_cache(maxsize=4)
def cilium_values(kubernetes: Kubernetes) -> str | None:
    """The file's text, None where nothing is said of Cilium."""
    if kubernetes.cilium is None:
        return None
    return dump([values(kubernetes, kubernetes.cilium)], HEADER)


def values(kubernetes: Kubernetes, cilium: Cilium) -> dict[str, Any]:
    """The chart's values."""
    return {
        "kubeProxyReplacement": cilium.kube_proxy_replacement,
        "k8sServiceHost": cilium.api_host or kubernetes.address,
        "k8sServicePort": _port(kubernetes, cilium),
        "cni": {"exclusive": cilium.exclusive},
        "ipam": {"mode": "cluster-pool", "operator": {"clusterPoolIPv4PodCIDRList": [cilium.pool]}},
        "hubble": {
            "relay": {"enabled": cilium.hubble_relay},
            "ui": {
                "enabled": cilium.hubble_ui,
                "frontend": {"server": {"ipv6": {"enabled": cilium.hubble_ui_ipv6}}},
            },
            "tls": {
                "auto": {
                    "enabled": True,
                    "method": "helm",
                    "certValidityDuration": cilium.hubble_tls_days,
                }
            },
        },
        "cgroup": _cgroup(cilium),
    }


def _port(kubernetes: Kubernetes, cilium: Cilium) -> int:
    """The endpoint may be a load balancer with a port of its own."""
    host, _, port = kubernetes.endpoint.rpartition(":")
    return int(port) if cilium.api_host == host else kubernetes.api_port


def _cgroup(cilium: Cilium) -> dict[str, Any]:
    if cilium.cgroup_automount:
        return {"autoMount": {"enabled": True}}
    # The chart's own hostRoot is where it would have mounted one.
    return {"autoMount": {"enabled": False}, "hostRoot": "/sys/fs/cgroup"}
