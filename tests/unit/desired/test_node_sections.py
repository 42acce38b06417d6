"""The sections packages, runtime and swap of the state file."""

import re

import pytest

from bridged.desired.runtime import Containerd
from tests.lab.node import CHECKOUT
from tests.unit.desired.support import load, problem, problems

HEAD = "version: 1\n"


def test_the_reference_nodes_rows() -> None:
    text = """\
packages:
  present: [kubeadm, crun, device-mapper-multipath]
  absent: [docker, containerd]
runtime:
  containerd: {oci-runtime: crun, cgroup-driver: systemd, restart: when-needed}
swap: off
"""
    state = load(HEAD + text).state
    assert state.packages is not None
    assert state.packages.present == ("kubeadm", "crun", "device-mapper-multipath")
    assert not state.packages.enforce, "only reported unless the operator says more"
    assert state.runtime is not None
    assert state.runtime.containerd is not None
    assert state.runtime.containerd.restart == "when-needed"
    assert state.swap == "off"


def test_what_is_left_out_is_what_a_kubevirt_node_wants() -> None:
    state = load(HEAD + "runtime: {containerd: {}}\n").state
    assert state.runtime is not None
    assert state.runtime.containerd == Containerd()


def test_lists_of_drop_ins_are_united_and_the_later_word_on_enforce_counts() -> None:
    later = "packages: {present: [jq, git], enforce: true}\n"
    state = load(f"{HEAD}packages: {{present: [git, tar]}}\n", later).state
    assert state.packages is not None
    assert state.packages.present == ("git", "tar", "jq")
    assert state.packages.enforce


@pytest.mark.parametrize(
    ("text", "said", "remedy"),
    [
        ("packages: {present: [jq=1.6]}", '"jq=1.6" is not the name of a package', "write jq"),
        ("packages: {present: [jq, jq]}", "listed twice", "remove one"),
        ("packages: {installed: [jq]}", "unknown key `installed`", "present"),
        ("packages: {present: [docker.io], absent: [docker]}", "present (", "remove one of them"),
        ("packages: {enforce: maybe}", "`enforce` must be true or false", ""),
        ("runtime: {containerd: {oci-runtime: cron}}", "must be `crun` or `runc`", "write crun"),
        ("runtime: {containerd: {socket: run/x}}", "not an absolute path", "slash"),
        ("runtime: {containerd: {restart: always}}", "`when-needed` or `in-maintenance`", ""),
        ("runtime: {contianerd: {}}", "unknown key `contianerd`", "did you mean `containerd`?"),
        ("swap: on", "`swap` must be `off`", ""),
        ("swap: false", "`swap` must be `off`", "write off"),
        ("swap: no", "`swap` must be `off`", "write off"),
        ("modules: [br_netfilter.ko]", "not the name of a kernel module", "write br_netfilter"),
        ("modules: [/lib/modules/6/kvm.ko.xz]", "not the name of a kernel module", "write kvm"),
        ("modules: []\nmaintenance: {start: 02:00}", "`end` is missing", "add `end: 04:00`"),
    ],
)
def test_mistakes_are_told_with_the_remedy(text: str, said: str, remedy: str) -> None:
    found = problem(f"{HEAD}{text}\n")
    assert said in found.message
    assert remedy in found.remedy


def test_one_package_under_two_names_cannot_be_present_and_absent() -> None:
    text = "packages: {present: [multipath-tools], absent: [device-mapper-multipath, jq]}\n"
    (found,) = problems(HEAD + text)
    assert "which is `multipath-tools` elsewhere" in found.message


def test_the_rows_of_the_example_hold_the_reference_node_when_they_are_uncommented() -> None:
    lines = (CHECKOUT / "config/state.yaml").read_text().splitlines()
    rows = [line[1:] for line in lines if re.match(r"#(packages|runtime|swap|  \w+):", line)]
    state = load(HEAD + "\n".join(rows)).state
    assert state.packages is not None
    assert set(state.packages.present) == {
        "kubeadm", "kubectl", "kubelet", "wget", "tar", "cryptsetup", "crun", "jq", "git",
        "device-mapper-multipath",
    }  # fmt: skip
    assert set(state.packages.absent) == {"docker", "containerd"}
    assert state.runtime is not None
    assert state.runtime.containerd == Containerd()
    assert state.swap == "off"


def test_kubelet_and_containerd_make_their_cgroups_alike() -> None:
    kubernetes = (
        "kubernetes: {address: 192.168.10.160, cluster-name: rubikub, version: 1.34.2,\n"
        "  endpoint: 'rubikub.coolcorp.priv:6443', pod-cidr: 10.11.0.0/16,\n"
        "  service-cidr: 10.12.0.0/16}\n"
    )
    text = f"version: 1\nruntime: {{containerd: {{cgroup-driver: cgroupfs}}}}\n{kubernetes}"
    said = str(problem(text))
    assert "the kubelet would make cgroups by systemd, containerd (line 2) by cgroupfs" in said
    load(text.replace("cgroup-driver: cgroupfs", ""))
