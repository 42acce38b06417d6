"""`bridgedctl render nad`: manifests that the cluster and the CNI's bridge plugin take."""

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bridged.desired.names import ifname_problem
from bridged.desired.state import State
from bridged.exchange.nad import NadError, Wanted, definitions
from bridged.exchange.notes import Notes
from bridged.exchange.yaml_writer import documents_text
from tests.unit.exchange.support import loaded
from tests.unit.reference import state

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "additionalProperties": False,
    "properties": {
        "apiVersion": {"const": "k8s.cni.cncf.io/v1"},
        "kind": {"const": "NetworkAttachmentDefinition"},
        "metadata": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {
                    "type": "string",
                    "maxLength": 253,
                    "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
                },
                "namespace": {"type": "string", "maxLength": 63},
                "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
        "spec": {
            "type": "object",
            "required": ["config"],
            "additionalProperties": False,
            "properties": {"config": {"type": "string"}},
        },
    },
}
"""The published definition's schema, with what the API server asks of the object around it."""
CONFIG: dict[str, Any] = {
    "type": "object",
    "required": ["cniVersion", "name", "type", "bridge", "ipam"],
    "additionalProperties": False,
    "properties": {
        "cniVersion": {"enum": ["0.3.1", "0.4.0", "1.0.0"]},
        "name": {"type": "string", "pattern": r"^[a-zA-Z0-9][a-zA-Z0-9_.\-]*$"},
        "type": {"enum": ["bridge", "cnv-bridge"]},
        "bridge": {"type": "string", "maxLength": 15},
        "isGateway": {"const": False},
        "ipam": {"type": "object", "maxProperties": 0},
        "mtu": {"type": "integer", "minimum": 68},
        "vlan": {"type": "integer", "minimum": 1, "maximum": 4094},
        "preserveDefaultVlan": {"type": "boolean"},
        "macspoofchk": {"type": "boolean"},
    },
}
"""Keys of the bridge plugin that are ours to use, each once and of the plugin's own type."""
RESOURCE = re.compile(r"bridge\.network\.kubevirt\.io/[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")
Manifest = dict[str, Any]


def rendered(declared: State, notes: Notes | None = None, **wanted: Any) -> list[Manifest]:
    """The manifests as a reader of the printed text has them, each checked."""
    made = definitions(declared, Wanted(**wanted), Notes() if notes is None else notes)
    manifests = list(yaml.safe_load_all(documents_text(made)))
    for manifest in manifests:
        jsonschema.validate(manifest, SCHEMA)
        jsonschema.validate(config(manifest), CONFIG)
        assert config(manifest)["name"] == manifest["metadata"]["name"]
    return manifests


def config(manifest: Manifest) -> Manifest:
    """The CNI's configuration in a manifest."""
    return dict(json.loads(manifest["spec"]["config"]))


def test_the_reference_bridges_are_networks_of_the_cluster() -> None:
    manifests = rendered(state(), namespace="vms")
    assert [manifest["metadata"] for manifest in manifests] == [
        {
            "name": name,
            "namespace": "vms",
            "annotations": {
                "k8s.v1.cni.cncf.io/resourceName": f"bridge.network.kubevirt.io/{name}"
            },
        }
        for name in ("br-lan", "br-web", "br-dmz")
    ]
    assert config(manifests[0]) == {
        "cniVersion": "0.3.1",
        "name": "br-lan",
        "type": "bridge",
        "bridge": "br-lan",
        "isGateway": False,
        "ipam": {},
    }


def test_a_vlan_needs_a_bridge_that_filters() -> None:
    with pytest.raises(NadError) as caught:
        rendered(state(), vlan=10)
    assert "vlan-filtering: true" in caught.value.remedy
    text = (
        "version: 1\nbridges:\n"
        "  b: {vlan-filtering: true, mtu: 9000, ports: [{name: e, vlans: [10]}]}\n"
    )
    notes = Notes()
    (manifest,) = rendered(
        loaded(text).state, notes, vlan=10, plugin="cnv-bridge", macspoofchk=True
    )
    assert manifest["metadata"]["name"] == "b-10"
    found = config(manifest)
    assert (found["vlan"], found["preserveDefaultVlan"], found["mtu"]) == (10, False, 9000)
    assert (found["type"], found["macspoofchk"]) == ("cnv-bridge", True)
    assert not notes.found
    rendered(loaded(text).state, notes, vlan=11)
    assert "none of its ports carries VLAN 11" in notes.found[0].message


def test_only_the_bridges_that_are_named() -> None:
    assert [m["metadata"]["name"] for m in rendered(state(), bridges=("br-web",))] == ["br-web"]
    with pytest.raises(NadError) as caught:
        rendered(state(), bridges=("br-lna",))
    assert "br-lan" in caught.value.remedy
    with pytest.raises(NadError):
        rendered(state(), namespace="VMs")


_NAMES = st.text(max_size=15).filter(lambda name: not ifname_problem(name))


@given(
    st.lists(
        _NAMES | st.sampled_from(["br_a", "br-a", "BR-A", "_", "0"]),
        unique=True,
        min_size=1,
        max_size=6,
    )
)
def test_any_bridge_has_a_name_of_its_own_that_kubernetes_takes(names: list[str]) -> None:
    declared = State.model_validate({"version": 1, "bridges": {name: {} for name in names}})
    notes = Notes()
    manifests = rendered(declared, notes)
    assert len({manifest["metadata"]["name"] for manifest in manifests}) == len(names)
    for name, manifest in zip(names, manifests, strict=True):
        assert config(manifest)["bridge"] == name
        resources = manifest["metadata"].get("annotations", {}).values()
        assert all(RESOURCE.fullmatch(resource) for resource in resources)
        if not resources:
            assert f"bridges.{name}" in [note.path for note in notes.found if note.lost]
