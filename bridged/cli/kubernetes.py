"""`bridgedctl render kubeadm|cilium`: the files for Kubernetes on stdout, byte for byte as they are
kept.  Needs neither an agent nor the host."""

import argparse
import sys

from bridged.cli.client import Failure
from bridged.cli.declared import declared_state


def render(options: argparse.Namespace) -> int:
    """`bridgedctl render kubeadm`, `bridgedctl render cilium`."""
    from bridged.kubernetes.cilium import cilium_values
    from bridged.kubernetes.kubeadm import kubeadm_conf

    kubernetes = declared_state(options).kubernetes
    if kubernetes is None:
        raise Failure(
            f"{options.state} says nothing of Kubernetes",
            "add a section `kubernetes`: docs/state-file.md lists its keys",
        )
    text = kubeadm_conf(kubernetes) if options.what == "kubeadm" else cilium_values(kubernetes)
    if text is None:
        raise Failure(
            f"{options.state} says nothing of Cilium",
            "add `cilium: {pool: 10.13.0.0/16}` to its section `kubernetes`",
        )
    sys.stdout.write(text)
    return 0
