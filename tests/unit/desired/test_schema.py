"""The JSON Schema, the reference and the example: current, and of one mind with the loader."""

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from bridged.desired import reference, schema
from bridged.desired.bridge import Bridge
from bridged.desired.port import Nic, Vlan
from bridged.desired.properties import rows
from tests.unit.desired.support import bridge, load, port, problems, sysctl
from tests.unit.reference import state as reference_state

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "config"
VALIDATOR = Draft202012Validator(schema.schema())


def _accepts(text: str) -> bool:
    return VALIDATOR.is_valid(yaml.safe_load(text))


def test_the_schema_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(schema.schema())


def test_the_schema_in_the_repository_is_current() -> None:
    kept = (CONFIG / "state.schema.json").read_text()
    assert kept == schema.text(), "run: python -m bridged.desired.schema > config/state.schema.json"


def test_the_reference_in_the_repository_is_current() -> None:
    kept = (ROOT / "docs" / "state-file.md").read_text()
    assert kept == reference.reference(), (
        "run: python -m bridged.desired.reference > docs/state-file.md"
    )


def test_the_example_is_the_reference_node() -> None:
    text = (CONFIG / "state.yaml").read_text()
    state = load(text).state
    assert state == reference_state(protect=("enp8s0",))
    assert _accepts(text)
    assert text.startswith("# yaml-language-server: $schema=./state.schema.json\n")


def test_every_property_is_described_with_its_default() -> None:
    bridges = schema.schema()["properties"]["bridges"]["additionalProperties"]
    _, nic, vlan = bridges["properties"]["ports"]["items"]["anyOf"]
    for model, described in ((Bridge, bridges), (Nic, nic), (Vlan, vlan)):
        for row in rows(model):
            key = described["properties"][row.key]
            assert key["description"] == row.property.doc
            required = row.key in described.get("required", ())
            assert required or key.get("default") == row.default
            assert f"| `{row.key}` |" in reference.reference()


@pytest.mark.parametrize(
    "text",
    [
        bridge("ports: [enp1]"),
        port("name: enp1, mtu: 9000"),
        port("vlan: 6, parent: enp1"),
        port("vlan: 6, parent: enp1, name: web, reorder-headers: false"),
        bridge("mac: '52:54:00:12:34:56', stp: yes, ipv6: keep"),
        sysctl("1"),
        sysctl("'1 2'"),
        sysctl("{at-least: 5}"),
        "version: 1\nbridges: {}\n",
        "version: 1\nmodules: []\nprotect: []\n",
        "version: 1\nsysctls: {net/ipv6/conf/enp1.6/disable_ipv6: 1, net.ipv6.conf.enp1/6.a: 1}\n",
    ],
)
def test_the_schema_accepts_what_the_loader_accepts(text: str) -> None:
    load(text)
    assert _accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        "[]\n",
        "version: 1\n",
        "modules: []\n",
        "version: 2\nmodules: []\n",
        "version: '1'\nmodules: []\n",
        "version: true\nmodules: []\n",
        "version: 1\nsysctl: {}\n",
        "version: 1\nbridges:\n",
        "version: 1\nbridges: []\n",
        "version: 1\nbridges: {b: null}\n",
        "version: 1\nbridges: {sixteen-letters-: {}}\n",
        "version: 1\nbridges: {all: {}}\n",
        "version: 1\nbridges: {a/b: {}}\n",
        bridge("spt: no"),
        bridge("stp: 'no'"),
        bridge("stp: 1"),
        bridge("mtu: 67"),
        bridge("mtu: '9000'"),
        bridge("mtu: true"),
        bridge("mac: 52-54-00-12-34-56"),
        bridge("ipv4: auto"),
        bridge("ports: enp1"),
        bridge("ports: [null]"),
        bridge("ports: ['a b']"),
        bridge("ports: [sixteen-letters-]"),
        bridge("forward_delay: 15"),
        port("vlan: 6"),
        port("vlan: 0, parent: enp1"),
        port("vlan: 4095, parent: enp1"),
        port("vlan: 6, parent: enp1, lldp: true"),
        port("name: enp1, gvrp: true"),
        port("mtu: 1500"),
        port("name: enp1, vlan-ranges: [010-020]"),
        sysctl("yes"),
        sysctl("1.5"),
        sysctl("null"),
        sysctl("[1]"),
        sysctl("{}"),
        sysctl("{at-least: '1'}"),
        sysctl("{at_least: 1}"),
        sysctl('"a\\nb"'),
        "version: 1\nsysctls: {foo: 1}\n",
        "version: 1\nsysctls: {-net.x: 1}\n",
        "version: 1\nsysctls: {/proc/sys/net/x: 1}\n",
        "version: 1\nsysctls: {'net.x=1': 1}\n",
        "version: 1\nmodules: kvm\n",
        "version: 1\nmodules: ['a b']\n",
        "version: 1\nmodules: [kvm, kvm]\n",
        "version: 1\nmodules: []\nprotect: [a/b]\n",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(text: str) -> None:
    assert problems(text)
    assert not _accepts(text)
