"""The reference node's section `kubernetes`, as the example has it."""

from pathlib import Path
from typing import Any

from bridged.desired.kubernetes import Kubernetes
from bridged.desired.state import State
from tests.unit.desired.support import load

EXAMPLE = Path(__file__).parents[3] / "config/kubernetes.yaml"
KUBEADM = "/etc/kubernetes/kubeadm.conf"
CILIUM = "/etc/kubernetes/cilium-values.yaml"

VALUES: dict[str, Any] = {
    "address": "192.168.10.160",
    "cluster-name": "rubikub",
    "endpoint": "rubikub.coolcorp.priv:6443",
    "version": "1.34.2",
    "pod-cidr": "10.11.0.0/16",
    "service-cidr": "10.12.0.0/16",
    "kubeadm": {"file": KUBEADM},
    "cilium": {"file": CILIUM, "pool": "10.13.0.0/16"},
}


def example() -> Kubernetes:
    """What the example drop-in declares."""
    found = load("version: 1\n", EXAMPLE.read_text()).state.kubernetes
    assert found is not None
    return found


def state(**changes: Any) -> State:
    """A state with nothing but this section, with keys replaced (dashes as underscores)."""
    values = {**VALUES, **{key.replace("_", "-"): value for key, value in changes.items()}}
    return State.model_validate({"version": 1, "kubernetes": values})


def kubernetes(**changes: Any) -> Kubernetes:
    """The section alone."""
    found = state(**changes).kubernetes
    assert found is not None
    return found
