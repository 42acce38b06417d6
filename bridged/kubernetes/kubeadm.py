"""kubeadm.conf: the three documents for `kubeadm init`.

Source: https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/
"""

from functools import lru_cache
from typing import Any

from bridged.desired.kubernetes import Kubernetes
from bridged.kubernetes.text import dump

_KUBEADM = "kubeadm.k8s.io/v1beta4"
_KUBELET = "kubelet.config.k8s.io/v1beta1"
HEADER = "kubeadm.conf, made by bridged from the section kubernetes of its state file."


@lru_cache(maxsize=4)
def kubeadm_conf(kubernetes: Kubernetes) -> str:
    """The file's text."""
    return dump(documents(kubernetes), HEADER)


def documents(kubernetes: Kubernetes) -> tuple[dict[str, Any], ...]:
    """InitConfiguration, ClusterConfiguration and KubeletConfiguration."""
    return _init(kubernetes), _cluster(kubernetes), _kubelet(kubernetes)


def _init(kubernetes: Kubernetes) -> dict[str, Any]:
    return {
        "apiVersion": _KUBEADM,
        "kind": "InitConfiguration",
        "localAPIEndpoint": {
            "advertiseAddress": kubernetes.address,
            "bindPort": kubernetes.api_port,
        },
        "nodeRegistration": {
            "criSocket": kubernetes.cri_socket,
            "kubeletExtraArgs": [{"name": "node-ip", "value": kubernetes.address}],
        },
    }


def _cluster(kubernetes: Kubernetes) -> dict[str, Any]:
    return {
        "apiVersion": _KUBEADM,
        "kind": "ClusterConfiguration",
        "kubernetesVersion": kubernetes.version,
        "clusterName": kubernetes.cluster_name,
        "controlPlaneEndpoint": kubernetes.endpoint,
        "networking": {
            "dnsDomain": kubernetes.dns_domain,
            "podSubnet": kubernetes.pod_cidr,
            "serviceSubnet": kubernetes.service_cidr,
        },
        "apiServer": {"certSANs": list(kubernetes.certified)},
        "controllerManager": {},
        "scheduler": {},
    }


def _kubelet(kubernetes: Kubernetes) -> dict[str, Any]:
    return {
        "apiVersion": _KUBELET,
        "kind": "KubeletConfiguration",
        "cgroupDriver": kubernetes.cgroup_driver,
        "failSwapOn": kubernetes.fail_swap_on,
        "authentication": {"anonymous": {"enabled": False}},
    }
