"""Manifests and recipes: right by the published schemas, and right with each other."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridged.desired.loader import load_sources
from bridged.desired.source import Source
from bridged.desired.when import Facts

PACKAGING = Path(__file__).parents[3] / "packaging"
WAYS = [PACKAGING / "kubernetes" / way for way in ("carry", "in-pod")]
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
VERSIONS = ("1.30", "1.33")
"""Of Kubernetes: the first one that knows appArmorProfile, and one more."""


def _documents(way: Path) -> Iterator[dict[str, Any]]:
    """What `kubectl apply -k` would send, but for the hashes in the names of ConfigMaps."""
    plan = yaml.safe_load((way / "kustomization.yaml").read_text())
    for name in plan["resources"]:
        yield from yaml.safe_load_all((way / name).read_text())
    for item in plan["configMapGenerator"]:
        data = {name: (way / name).read_text() for name in item["files"]}
        metadata = {"name": item["name"], "namespace": plan["namespace"]}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _one(way: Path, kind: str, name: str = "") -> dict[str, Any]:
    found = [d for d in _documents(way) if d["kind"] == kind]
    return next(d for d in found if not name or d["metadata"]["name"] == name)


@pytest.mark.parametrize("version", VERSIONS)
@ways
def test_the_api_accepts_the_manifests(way: Path, version: str) -> None:
    validate = pytest.importorskip(
        "kubernetes_validate", reason="the schemas are not here: pip install kubernetes-validate"
    )
    kinds = []
    for document in _documents(way):
        validate.validate(document, version, strict=True)
        kinds.append(document["kind"])
    assert set(kinds) == {"Namespace", "DaemonSet", "ConfigMap"}


@ways
def test_what_a_pod_mounts_is_there(way: Path) -> None:
    pod = _one(way, "DaemonSet")["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    (container,) = pod["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys()
    for volume in volumes.values():
        maps = [volume.get("configMap")] if "configMap" in volume else []
        maps += [source["configMap"] for source in volume.get("projected", {}).get("sources", ())]
        for wanted in maps:
            data = _one(way, "ConfigMap", wanted["name"])["data"]
            keys = {item["key"]: item["path"] for item in wanted.get("items", ())}
            assert keys.keys() <= data.keys()
            if keys:
                assert keys.keys() == data.keys(), "a drop-in that is not mounted"
                assert keys.pop("state.yaml") == "state.yaml"
                assert all(path == f"state.d/{key}" for key, path in keys.items())


@ways
def test_a_roll_out_goes_node_by_node(way: Path) -> None:
    daemonset = _one(way, "DaemonSet")
    assert daemonset["spec"]["updateStrategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 1},
    }
    (container,) = daemonset["spec"]["template"]["spec"]["containers"]
    assert "readinessProbe" in container


def test_the_carrier_has_no_rights_and_the_agent_only_its_own() -> None:
    granted = {}
    for way in WAYS:
        (container,) = _one(way, "DaemonSet")["spec"]["template"]["spec"]["containers"]
        context = container["securityContext"]
        assert not context.get("privileged")
        assert not context["allowPrivilegeEscalation"]
        assert context["readOnlyRootFilesystem"]
        assert context["capabilities"]["drop"] == ["ALL"]
        granted[way.name] = set(context["capabilities"].get("add", ()))
    given_up = {"SYS_ADMIN", "SETPCAP"}
    assert granted == {"carry": set(), "in-pod": {"NET_ADMIN", "NET_RAW", "SYS_MODULE"} | given_up}
    start = (WAYS[1] / "start.sh").read_text()
    assert (
        f"--bounding-set={','.join(f'-{name.lower()}' for name in sorted(given_up)[::-1])}" in start
    )


def test_the_state_of_a_pod_is_no_config_map_volume() -> None:
    """The kubelet makes the directory of one writable by everybody; see test_volumes.py."""
    pod = _one(WAYS[1], "DaemonSet")["spec"]["template"]["spec"]
    (state,) = (volume for volume in pod["volumes"] if volume["name"] == "state")
    assert "projected" in state


@pytest.mark.parametrize(
    "folder", [*WAYS, PACKAGING / "ansible" / "files"], ids=["carry", "in-pod", "ansible"]
)
def test_the_example_states_are_valid(folder: Path) -> None:
    sources = [Source(name, (folder / name).read_bytes()) for name in ("state.yaml", "20-gpu.yaml")]
    on_gpu = load_sources(sources, lambda needs: Facts(hostname="gpu-1"))
    elsewhere = load_sources(sources, lambda needs: Facts(hostname="kvm-1"))
    assert "vfio_pci" in (on_gpu.state.modules or ())
    assert "vfio_pci" not in (elsewhere.state.modules or ())


def test_the_role_is_what_its_play_says() -> None:
    """Ansible itself is no development dependency; by hand: `ansible-lint packaging/ansible`."""
    ansible = PACKAGING / "ansible"
    role = ansible / "roles" / "bridged"
    (play,) = yaml.safe_load((ansible / "site.yml").read_text())
    assert (play["serial"][0], play["max_fail_percentage"]) == (1, 0)
    (used,) = play["roles"]
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text())
    assert used["vars"].keys() <= defaults.keys()
    files = [used["vars"]["bridged_state"], *used["vars"]["bridged_drop_ins"]]
    assert all((ansible / "files" / name).exists() for name in files)
    tasks = yaml.safe_load((role / "tasks" / "main.yml").read_text())
    included = [
        task["ansible.builtin.include_tasks"]
        for task in tasks
        if "ansible.builtin.include_tasks" in task
    ]
    assert included == ["install.yml", "stage.yml", "place.yml", "wait.yml"]
    assert {path.name for path in (role / "tasks").iterdir()} == {"main.yml", *included}


@pytest.mark.parametrize(
    "command",
    [
        ["ansible-playbook", "-i", "inventory.yml", "site.yml", "--syntax-check"],
        ["ansible-lint", "--offline", "--profile", "production", "-q", "."],
    ],
    ids=lambda command: command[0],
)
def test_ansible_accepts_the_role(command: list[str], tmp_path: Path) -> None:
    """Too large for a development dependency: run where Ansible is."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not here: pip install ansible-core ansible-lint")
    copy = tmp_path / "ansible"
    shutil.copytree(PACKAGING / "ansible", copy)
    done = subprocess.run(
        command,
        cwd=copy,
        env={**os.environ, "HOME": str(tmp_path), "ANSIBLE_HOME": str(tmp_path), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
