"""kubeadm.conf and cilium-values.yaml: the reference node's values, in forms that their readers
take, the same bytes every time."""

import contextlib
import subprocess
import sys
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bridged.kubernetes.cilium import cilium_values
from bridged.kubernetes.kubeadm import kubeadm_conf
from bridged.kubernetes.text import Unreadable, difference, dump, parse
from tests.unit.kubernetes.schemas import CILIUM, CLUSTER, INIT, KUBELET
from tests.unit.kubernetes.support import example, kubernetes


def at(document: Any, path: str) -> Any:
    """The value at a path of keys."""
    for key in path.split("."):
        document = document[int(key)] if key.isdigit() else document[key]
    return document


def kubeadm(name: str) -> Any:
    """One document of the reference node's kubeadm.conf."""
    documents = {d["kind"]: d for d in yaml.safe_load_all(kubeadm_conf(example()))}
    assert set(documents) == {"InitConfiguration", "ClusterConfiguration", "KubeletConfiguration"}
    return documents[name]


def cilium() -> Any:
    """The reference node's cilium-values.yaml."""
    return yaml.safe_load(cilium_values(example()) or "")


@pytest.mark.parametrize(
    ("document", "path", "value"),
    [
        ("InitConfiguration", "apiVersion", "kubeadm.k8s.io/v1beta4"),
        ("InitConfiguration", "localAPIEndpoint.advertiseAddress", "192.168.10.160"),
        ("InitConfiguration", "localAPIEndpoint.bindPort", 6443),
        (
            "InitConfiguration",
            "nodeRegistration.criSocket",
            "unix:///var/run/containerd/containerd.sock",
        ),
        (
            "InitConfiguration",
            "nodeRegistration.kubeletExtraArgs",
            [{"name": "node-ip", "value": "192.168.10.160"}],
        ),
        ("ClusterConfiguration", "apiVersion", "kubeadm.k8s.io/v1beta4"),
        ("ClusterConfiguration", "kubernetesVersion", "1.34.2"),
        ("ClusterConfiguration", "clusterName", "rubikub"),
        ("ClusterConfiguration", "controlPlaneEndpoint", "rubikub.coolcorp.priv:6443"),
        ("ClusterConfiguration", "networking.dnsDomain", "cluster.local"),
        ("ClusterConfiguration", "networking.podSubnet", "10.11.0.0/16"),
        ("ClusterConfiguration", "networking.serviceSubnet", "10.12.0.0/16"),
        (
            "ClusterConfiguration",
            "apiServer.certSANs",
            ["192.168.10.160", "rubikub.coolcorp.priv", "127.0.0.1", "localhost"],
        ),
        ("ClusterConfiguration", "scheduler", {}),
        ("ClusterConfiguration", "controllerManager", {}),
        ("KubeletConfiguration", "apiVersion", "kubelet.config.k8s.io/v1beta1"),
        ("KubeletConfiguration", "cgroupDriver", "systemd"),
        ("KubeletConfiguration", "failSwapOn", True),
        ("KubeletConfiguration", "authentication.anonymous.enabled", False),
    ],
)
def test_kubeadm_conf_of_the_reference_node(document: str, path: str, value: Any) -> None:
    """Every row of the reference's table."""
    assert at(kubeadm(document), path) == value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("kubeProxyReplacement", True),
        ("k8sServiceHost", "192.168.10.160"),
        ("k8sServicePort", 6443),
        ("cni.exclusive", False),
        ("ipam.mode", "cluster-pool"),
        ("ipam.operator.clusterPoolIPv4PodCIDRList", ["10.13.0.0/16"]),
        ("hubble.relay.enabled", True),
        ("hubble.ui.enabled", True),
        ("hubble.ui.frontend.server.ipv6.enabled", False),
        ("hubble.tls.auto.enabled", True),
        ("hubble.tls.auto.method", "helm"),
        ("hubble.tls.auto.certValidityDuration", 1095),
        ("cgroup.autoMount.enabled", False),
    ],
)
def test_cilium_values_of_the_reference_node(path: str, value: Any) -> None:
    """Every value of the reference."""
    assert at(cilium(), path) == value


VARIANTS: list[dict[str, Any]] = [
    {},
    {"cgroup_driver": "cgroupfs", "fail_swap_on": False, "api_port": 7443, "version": "v1.35.0"},
    {"cert_sans": ("192.168.10.160", "*.coolcorp.priv"), "endpoint": "rubikub.coolcorp.priv:443"},
    {"cilium": {"pool": "10.13.0.0/16", "api-host": "rubikub.coolcorp.priv"}},
    {"cilium": {"pool": "10.13.0.0/16", "cgroup-automount": True, "hubble-ui": False}},
]


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_documents_are_what_their_readers_take(changes: dict[str, Any]) -> None:
    values = kubernetes(**changes)
    documents = list(yaml.safe_load_all(kubeadm_conf(values)))
    for document, schema in zip(documents, (INIT, CLUSTER, KUBELET), strict=True):
        Draft202012Validator(
            schema, format_checker=Draft202012Validator.FORMAT_CHECKER
        ).validate(document)  # fmt: skip
    Draft202012Validator(CILIUM).validate(yaml.safe_load(cilium_values(values) or ""))


def test_the_schemas_would_notice() -> None:
    """They are closed: a key in the wrong place or of an older version is an error."""
    for path, key in (("apiServer", "timeoutForControlPlane"), ("networking", "podCIDR")):
        document = kubeadm("ClusterConfiguration")
        at(document, path)[key] = "4m0s"
        assert not Draft202012Validator(CLUSTER).is_valid(document)


def test_derived_names_are_those_that_the_example_writes() -> None:
    assert kubeadm_conf(kubernetes()) == kubeadm_conf(example())
    assert cilium_values(kubernetes()) == cilium_values(example())


def test_nothing_secret_has_a_place() -> None:
    text = kubeadm_conf(example()) + (cilium_values(example()) or "")
    for word in ("token", "certificateKey", "password"):
        assert word.lower() not in text.lower()


_SCRIPT = """
import sys
from tests.unit.kubernetes.support import example
from bridged.kubernetes.kubeadm import kubeadm_conf
from bridged.kubernetes.cilium import cilium_values
sys.stdout.write(kubeadm_conf(example()) + cilium_values(example()))
"""


def test_the_bytes_do_not_depend_on_the_process() -> None:
    """No order of a set and no locale shows in them."""
    texts = {
        subprocess.run(
            [sys.executable, "-c", _SCRIPT],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "LC_ALL": locale, "PATH": "/usr/bin"},
        ).stdout
        for seed, locale in (("0", "C"), ("4711", "C.UTF-8"))
    }
    expected = kubeadm_conf(example()) + (cilium_values(example()) or "")
    assert texts == {expected.encode()}
    assert expected.isascii()


hostile = st.text(st.characters(exclude_categories=("Cs",)), max_size=30) | st.sampled_from(
    ["010", "0o17", "1:30", "y", "No", "~", "null", "", " a", "a ", "- a", "a: b", "#", "&a", "*a",
     "!x", "%", "@", "`", "---", "...", "{", "[", "\x85", "\u2028", "\ufeff", "'", '"', "a\nb",
     "\t", "=", "<<", "1e3", ".inf", "2001-01-01", "0x1F", "12_3", "a #b", "x:", "|", ">", "?"]
)  # fmt: skip
trees = st.recursive(
    hostile | st.booleans() | st.integers(-(2**40), 2**40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(hostile, trees, min_size=1, max_size=3))
def test_any_value_comes_back_as_it_was(document: dict[str, Any]) -> None:
    text = dump([document, document], "head")
    assert list(yaml.safe_load_all(text)) == [document, document]
    assert text.isascii()
    assert parse(text) == (document, document)
    assert difference(text, dump([document, document], "another comment")) == ""


def test_what_a_reader_might_take_for_something_else_stands_in_quotes() -> None:
    for word in ("y", "no", "0o17", "010", "1:30", "null", "~", "1.34", "10.11.0.0/16", "*.a"):
        assert f'"{word}"' in dump([{"a": word}], "")
    assert "a: unix:///run/x.sock" in dump([{"a": "unix:///run/x.sock"}], "")


def test_a_difference_is_named_and_foreign_values_are_not_repeated() -> None:
    text = kubeadm_conf(example())
    other = text.replace("10.11.0.0/16", "10.99.0.0/16")
    assert difference(text, other) == "ClusterConfiguration.networking.podSubnet is 10.99.0.0/16"
    key = "certificateKey: e6a2eb8581237ab72a4f494f30285ec12a\n"
    secret = text.replace("localAPIEndpoint:", f"{key}localAPIEndpoint:")
    assert difference(text, secret) == "InitConfiguration.certificateKey is not declared"
    assert difference(text, "") == "InitConfiguration is missing and 2 more"
    assert difference(text, text.replace("scheduler: {}\n", "")) == (
        "ClusterConfiguration.scheduler is missing"
    )
    assert difference(text, text.replace("failSwapOn: true", 'failSwapOn: "true"'))


def test_other_words_for_the_same_are_no_difference() -> None:
    """A file that was written by hand, in another order and with comments, is right as it is."""
    documents = list(yaml.safe_load_all(kubeadm_conf(example())))
    text = "# by hand\n" + yaml.safe_dump_all(reversed(documents), default_flow_style=True)
    assert text != kubeadm_conf(example())
    assert difference(kubeadm_conf(example()), text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: &x [1]\nb: *x\n",
        "[" * 5000,
        "\x00",
        "a: 2001-99-99",
        "a: !!python/object:os.system x",
        "a" * 70_000,
        "? [a]\n: b\n",
        "? {a: b}\n: c\n",
        "\udcff",
    ],
)
def test_what_is_no_such_file_differs_and_says_why(text: str) -> None:
    """Whatever lies there, a pass goes on."""
    assert difference(kubeadm_conf(example()), text)
    with contextlib.suppress(Unreadable):
        parse(text)
