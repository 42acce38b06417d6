"""What is refused in the section `kubernetes`, with its place and what to write instead."""

import pytest
import yaml

from tests.unit.desired.support import load, problem, problems
from tests.unit.kubernetes.support import EXAMPLE, VALUES, example

HEAD = "version: 1\n"


def section(**changes: object) -> str:
    """A state file whose section has keys replaced; None takes one out."""
    values = {**VALUES, **{key.replace("_", "-"): value for key, value in changes.items()}}
    values = {key: value for key, value in values.items() if value is not None}
    return HEAD + yaml.safe_dump({"kubernetes": values}, sort_keys=False)


def test_the_example_is_a_drop_in_that_the_loader_takes() -> None:
    loaded = load(HEAD + "bridges: {}\n", EXAMPLE.read_text())
    assert loaded.state.kubernetes == example()
    assert load(section()).state.kubernetes is not None, "alone it is a state"


@pytest.mark.parametrize(
    ("changes", "message", "remedy"),
    [
        ({"version": "1.30.4"}, "v1beta4", "1.31.0 or newer"),
        ({"version": "1.34"}, "not a version", "1.34.0"),
        ({"version": "stable-1"}, "not a version", "1.34.2"),
        ({"version": "2.0.0"}, "not a version", "1.34.2"),
        ({"service-cidr": "10.11.128.0/20"}, "overlaps the pods' network 10.11.0.0/16", "choose"),
        ({"pod-cidr": "192.168.0.0/16"}, "holds the node's own address", "choose"),
        ({"cilium": {"pool": "10.12.0.0/16"}}, "Cilium's pool 10.12.0.0/16 overlaps", "choose"),
        ({"cilium": {"pool": "10.0.0.0/8"}}, "overlaps the pods' network", "choose"),
        ({"pod-cidr": "10.11.0.0/25"}, "between /8 and /24", "10.11.0.0/16"),
        ({"service-cidr": "10.96.0.0/11"}, "between /12 and /28", "10.96.0.0/16"),
        ({"service-cidr": "10.12.0.0/30"}, "between /12 and /28", "10.12.0.0/16"),
        ({"pod-cidr": "10.11.0.1/16"}, "not an IPv4 network", "write 10.11.0.0/16"),
        ({"pod-cidr": "10.11.0.0"}, "not an IPv4 network", "write 10.11.0.0/16"),
        ({"pod-cidr": "fd00::/48"}, "not an IPv4 network", "10.11.0.0/16"),
        ({"pod-cidr": "\x1b]0;owned\x07"}, "not an IPv4 network", "write it as 10.11.0.0/16"),
        ({"address": "127.0.0.1"}, "cannot be the address of a node", "other nodes reach"),
        ({"address": "192.168.10.160/24"}, "not an IPv4 address", "without prefix"),
        ({"address": "192.168.010.160"}, "not an IPv4 address", "192.168.10.160"),
        ({"endpoint": "rubikub.coolcorp.priv"}, "has no port", "rubikub.coolcorp.priv:6443"),
        ({"endpoint": "rubikub:0"}, "not a port", "rubikub:6443"),
        ({"endpoint": "rubikub:64430000"}, "not a port", "rubikub:6443"),
        ({"endpoint": "rubikub:" + "9" * 5000}, "not a port", "rubikub:6443"),
        ({"endpoint": "rubikub:0006443"}, "has a leading zero", "write rubikub:6443"),
        ({"endpoint": "https://rubikub:6443"}, "neither an IP address nor a DNS name", "use"),
        ({"endpoint": "Rubikub.priv:6443"}, "neither an IP address nor a DNS name", "rubikub.priv"),
        ({"endpoint": "192.168.10.300:6443"}, "looks like an IP address", "use"),
        ({"cluster-name": "Rubi_Kub"}, "RFC 1123", "write rubi-kub"),
        ({"cluster-name": "a" * 64}, "at most 63", "use"),
        ({"dns-domain": "cluster.local."}, "not a DNS domain", "use"),
        ({"cert-sans": ["rubikub.coolcorp.priv"]}, "192.168.10.160 is missing", "add"),
        ({"cert-sans": ["192.168.10.160"]}, "rubikub.coolcorp.priv is missing", "add"),
        (
            {"cert-sans": ["192.168.10.160", "rubikub.coolcorp.priv", "192.168.10.160"]},
            "listed twice",
            "remove",
        ),
        ({"cri-socket": "/run/containerd/containerd.sock"}, "not a socket", "unix:///run/cont"),
        ({"cgroup-driver": "systmd"}, "must be `systemd` or `cgroupfs`", "write systemd"),
        ({"cilium": {"pool": "10.13.0.0/16", "exclusive": True}}, "Multus is used", "false"),
        (
            {"cilium": {"pool": "10.13.0.0/16", "hubble-relay": False}},
            "from the relay, which is off",
            "hubble-relay: true",
        ),
        ({"cilium": {}}, "`pool` is missing", "add `pool: 10.13.0.0/16`"),
        ({"pod-cidr": None}, "`pod-cidr` is missing", "add `pod-cidr: 10.11.0.0/16`"),
        ({"endpoint": None}, "`endpoint` is missing", "add `endpoint: HOST:6443`"),
        ({"kubeadm": {"file": "kubeadm.conf"}}, "not an absolute path", "/etc/kubernetes/"),
        ({"kubeadm": {"file": "/etc/../x"}}, "not an absolute path", "/etc/kubernetes/"),
        (
            {"kubeadm": {"file": "/etc/kubernetes/manifests/kubeadm.conf"}},
            "for a pod to run",
            "/etc/kubernetes/kubeadm.conf",
        ),
        ({"kubeadm": {"file": "/etc/bridged/x.yaml"}}, "no place for it", "/etc/kubernetes/"),
        ({"kubeadm": {"file": "/etc/kubernetes/cilium-values.yaml"}}, "both files", "another name"),
        ({"kubeadm": {"mode": "0666"}}, "let others write", '"0644" or "0600"'),
        ({"kubeadm": {"mode": "rw-r--r--"}}, "not a file mode", '"0644"'),
        ({"kubeadm": {"owner": "root"}}, "not USER:GROUP", "root:root"),
        ({"token": "abcdef.0123456789abcdef"}, "unknown key `token`", "no secrets here"),
        ({"certificateKey": "ab"}, "unknown key `certificateKey`", "no secrets here"),
        ({"kubeadm": {"bootstrapToken": "ab"}}, "unknown key", "no secrets here"),
        ({"podSubnet": "10.11.0.0/16"}, "unknown key `podSubnet`", "did you mean `pod-cidr`?"),
    ],
)
def test_what_would_fail_later_is_refused(
    changes: dict[str, object], message: str, remedy: str
) -> None:
    found = [p for p in problems(section(**changes)) if message in p.message]
    assert found, [p.message for p in problems(section(**changes))]
    assert remedy in found[0].remedy
    assert found[0].line > 1


def test_the_place_is_that_of_the_value_and_both_are_named() -> None:
    found = problem(section(service_cidr="10.11.128.0/20"))
    lines = section(service_cidr="10.11.128.0/20").splitlines()
    assert "service-cidr" in lines[found.line - 1]
    other = next(n for n, line in enumerate(lines, 1) if "pod-cidr" in line)
    assert f"line {other}" in found.message


@pytest.mark.parametrize("version", ["1.31.0", "1.34.2", "v1.35.0", "1.36.0-alpha.1"])
def test_every_version_that_knows_v1beta4_is_taken(version: str) -> None:
    found = load(section(version=version)).state.kubernetes
    assert found is not None
    assert found.version == version.removeprefix("v")


@pytest.mark.parametrize("pool", ["10.11.0.0/16", "10.11.128.0/17", "10.13.0.0/16"])
def test_cilium_may_give_out_the_pods_network_or_a_part_of_it(pool: str) -> None:
    """The usual layout: what kubeadm knows and what Cilium gives out are one network."""
    load(section(cilium={"pool": pool}))


def test_a_wildcard_covers_the_endpoint_but_no_address() -> None:
    load(section(cert_sans=["192.168.10.160", "*.coolcorp.priv"]))
    assert problems(section(cert_sans=["rubikub.coolcorp.priv", "*.168.10.160"]))


def test_without_multus_cilium_may_be_exclusive() -> None:
    load(section(multus=False, cilium={"pool": "10.13.0.0/16", "exclusive": True}))


def test_a_drop_in_changes_single_values() -> None:
    later = "kubernetes: {version: 1.35.0, cilium: {hubble-ui: false}}\n"
    found = load(section(), later).state.kubernetes
    assert found is not None
    assert found.cilium is not None
    assert (found.version, found.cilium.hubble_ui) == ("1.35.0", False)
    assert found.cilium.pool == "10.13.0.0/16"


def test_a_key_in_the_wrong_place_is_sent_to_the_right_one() -> None:
    found = problem("version: 1\nmodules: []\npod-cidr: 10.11.0.0/16\n")
    assert "`kubernetes`" in found.remedy
