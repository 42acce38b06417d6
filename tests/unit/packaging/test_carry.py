"""What the DaemonSet carries to a node, and when its pod is ready."""

import importlib.util
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bridged.desired.files import read

SCRIPT = Path(__file__).parents[3] / "packaging/kubernetes/carry/carry.py"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("carry", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


carry: Any = _script()


class Agent(threading.Thread):
    """An agent's control socket; `says` changes its status."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.status: dict[str, Any] = {"time": 0.0, "objects": []}
        self.status["state"] = {"valid": True, "modified": 0.0, "problems": []}
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                assert json.loads(stream.readline())["method"] == "status"
                stream.write(json.dumps({"result": self.status}).encode() + b"\n")

    def looked(self, target: Path, **state: Any) -> None:
        """It has looked at the files as they are."""
        self.status["time"] = time.time() + 1
        self.status["state"] |= {"modified": carry.written(target), **state}


class Node:
    """A ConfigMap as the kubelet mounts it, and a node's /etc/bridged."""

    def __init__(self, root: Path) -> None:
        self.config, self.etc = root / "config", root / "bridged"
        self.ready, self.socket = root / "ready", root / "control.sock"
        self.config.mkdir()
        self.etc.mkdir(mode=0o755)
        self.agent = Agent(self.socket)
        self._version = 0

    def mount(self, **files: str) -> None:
        """Swap the ConfigMap's content: a new directory, and ..data points to it."""
        self._version += 1
        data = self.config / f"..v{self._version}"
        data.mkdir()
        beside = self.config / "..data_tmp"
        beside.symlink_to(data.name)
        for name, text in files.items():
            (data / f"{name}.yaml").write_text(text)
        beside.replace(self.config / "..data")
        for link in self.config.glob("*.yaml"):
            if not link.exists():
                link.unlink()
        for name in files:
            link = self.config / f"{name}.yaml"
            if not link.is_symlink():
                link.symlink_to(f"..data/{name}.yaml")

    def step(self) -> str:
        """What the script says."""
        return str(carry.step(self.config, self.etc, self.socket, self.ready))

    def names(self) -> list[str]:
        return sorted(str(p.relative_to(self.etc)) for p in self.etc.rglob("*") if p.is_file())


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    made.agent.start()
    yield made
    made.agent._socket.close()


def test_the_files_of_the_fleet_follow_and_the_node_s_own_stay(node: Node) -> None:
    (node.etc / "state.d").mkdir(mode=0o755)
    (node.etc / "state.d" / "50-own.yaml").write_text("modules: [tun]\n")
    (node.etc / "state.yaml").write_text("version: 1\nmodules: []\n")
    (node.etc / "labels").write_text("role=kvm\n")
    node.mount(state="version: 1\nmodules: [kvm]\n", **{"20-gpu": "modules: [vfio]\n"})
    assert node.step().startswith("written: fleet-20-gpu.yaml, state.yaml; ")
    assert node.names() == [
        "labels",
        "state.d/50-own.yaml",
        "state.d/fleet-20-gpu.yaml",
        "state.yaml",
        "state.yaml.before-fleet",
    ]
    assert len(read(node.etc / "state.yaml")) == 3, "the agent accepts what was written"
    node.mount(state="version: 1\nmodules: [kvm, loop]\n")
    assert node.step().startswith("written: state.yaml, fleet-20-gpu.yaml; ")
    assert "state.d/fleet-20-gpu.yaml" not in node.names()
    assert "loop" in (node.etc / "state.yaml").read_text()
    assert (node.etc / "state.yaml.before-fleet").read_text() == "version: 1\nmodules: []\n"


def test_what_is_right_already_is_not_written_again(node: Node) -> None:
    """Rule 1, for the files."""
    node.mount(state="version: 1\nmodules: [kvm]\n")
    node.step()
    before = (node.etc / "state.yaml").stat()
    node.mount(state="version: 1\nmodules: [kvm]\n")
    assert not node.step().startswith("written")
    assert (node.etc / "state.yaml").stat() == before


def test_an_empty_config_map_is_no_wish_for_nothing(node: Node) -> None:
    node.mount(state="version: 1\nmodules: [kvm]\n", extra="modules: [tun]\n")
    node.step()
    before = node.names()
    node.mount()
    node.step()
    assert node.names() == before


def test_ready_is_what_the_agent_says_of_these_files(node: Node) -> None:
    """Not of those before: a report from before the files were written counts for nothing."""
    node.agent.status["time"] = time.time() - 5
    node.mount(state="version: 1\nmodules: [kvm]\n")
    assert node.step().endswith("the agent has not looked at the new files yet")
    assert not node.ready.exists()
    node.agent.looked(node.etc)
    assert node.step() == "as desired"
    assert node.ready.exists()
    node.agent.status["objects"] = [
        {"kind": "module", "name": "kvm", "condition": "blocked", "reason": "not built"},
        {"kind": "sysctl", "name": "a.b", "condition": "unavailable", "reason": ""},
    ]
    assert node.step() == "module/kvm blocked not built"
    assert not node.ready.exists()


def test_a_refused_state_and_an_agent_that_is_gone_are_not_ready(node: Node) -> None:
    node.mount(state="version: 1\nmodules: [kvm]\n")
    node.step()
    node.agent.looked(node.etc, valid=False, problems=["state.yaml:2:1: no"])
    said = node.step()
    assert said == "refused, the last good state stays in force: state.yaml:2:1: no"
    node.socket.unlink()
    assert "the agent does not answer" in node.step()
    assert not node.ready.exists()
