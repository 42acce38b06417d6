"""The files of a node in memory: what is drift, what is done about it, and what is left alone."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from bridged.agent.engine import Engine
from bridged.kubernetes.checks import CONTAINERD, MULTUS, containerd_driver
from bridged.kubernetes.cilium import cilium_values
from bridged.kubernetes.kubeadm import kubeadm_conf
from bridged.observe.host import Address, KeptFile, Kubeadm
from bridged.report import ObjectReport, Report
from bridged.serve.protocols import PlanView
from tests.twins.faults import Killed
from tests.twins.files import FakeFiles
from tests.twins.machine import Machine, reference_machine
from tests.twins.source import engine
from tests.unit.kubernetes.support import CILIUM, KUBEADM, kubernetes, state


@pytest.fixture
def machine() -> Machine:
    """The reference node with its address."""
    made = reference_machine()
    give(made, "192.168.10.160")
    return made


def give(machine: Machine, address: str, prefix: int = 24, link: str = "enp8s0") -> None:
    """An address on a link."""
    machine.kernel.addresses.append(Address(machine.kernel.need(link).index, 4, address, prefix))


@pytest.fixture
def files(machine: Machine) -> FakeFiles:
    return machine.files


@pytest.fixture
def running(machine: Machine) -> Engine:
    """An agent on a node whose files are right."""
    made = engine(machine, state())
    assert made.run_pass().converged
    machine.faults.writes.clear()
    machine.clock.advance(600)
    return made


def find(report: Report, path: str) -> ObjectReport:
    """The report on a file."""
    return next(o for o in report.objects if (o.kind, o.name) == ("file", path))


def codes(report: Report) -> set[str]:
    """The findings about Kubernetes."""
    wanted = {"node-address", "cidr-overlap", "exclusive-cni", "cgroup-driver", "kubeadm-refuses",
              "kubeadm-silent"}  # fmt: skip
    return {finding.code for finding in report.findings} & wanted


def test_both_files_are_made_and_a_second_pass_writes_nothing(
    machine: Machine, running: Engine, files: FakeFiles
) -> None:
    assert files.kept[KUBEADM].content == kubeadm_conf(kubernetes())
    assert files.kept[CILIUM].content == cilium_values(kubernetes())
    assert files.backups == []
    report = running.run_pass()
    assert machine.faults.writes == []
    assert codes(report) == set()


@pytest.mark.parametrize("path", [KUBEADM, CILIUM])
def test_a_hand_edit_is_seen_told_and_put_back_with_a_backup(
    machine: Machine, running: Engine, files: FakeFiles, path: str
) -> None:
    before = files.kept[path].content or ""
    edited = before.replace("6443", "7443")
    files.edit(path, edited)
    plan = running.preview()
    (step,) = PlanView.of(plan, plan.not_taken).actions
    assert "7443" in step.reason
    seen = find(running.report(), path)
    assert seen.condition == "drift"
    assert [d.property for d in seen.drift] == ["content"]
    report = running.run_pass()
    assert report.converged
    assert files.kept[path].content == before
    assert files.backups == [(path, edited)]
    assert report.repairs[-1].cause == "content"
    made_and_repaired = report.counters.repairs[f"file/{path}", "content", "repaired"]
    assert made_and_repaired == 2
    assert report.counters.drift[f"file/{path}", "content"] >= 1


def test_enforce_false_reports_and_leaves_it(machine: Machine, files: FakeFiles) -> None:
    made = engine(machine, state(kubeadm={"file": KUBEADM, "enforce": False}))
    report = made.run_pass()
    seen = find(report, KUBEADM)
    assert (seen.condition, report.converged) == ("withheld", False)
    assert seen.remedy.startswith(f"bridgedctl render kubeadm > {KUBEADM}")
    assert KUBEADM not in files.kept
    assert CILIUM in files.kept
    plan = made.preview()
    assert [str(a.object) for a in plan.not_taken] == [f"file/{KUBEADM}"]
    files.kept[KUBEADM] = KeptFile(kubeadm_conf(kubernetes()), "root:root", mode=0o644)
    assert made.run_pass().converged


def test_a_file_by_hand_that_says_the_same_is_adopted_as_it_is(
    machine: Machine, files: FakeFiles
) -> None:
    """Rule 4: comments and order are the owner's."""
    documents = list(yaml.safe_load_all(kubeadm_conf(kubernetes())))
    text = "# mine\n" + yaml.safe_dump_all(documents[::-1])
    files.kept[KUBEADM] = KeptFile(text, "root:root", mode=0o600)
    assert engine(machine, state()).run_pass().converged
    assert files.kept[KUBEADM] == KeptFile(text, "root:root", mode=0o644), "only the mode was wrong"
    assert files.backups == []


@pytest.mark.parametrize(
    ("change", "name"),
    [({"mode": 0o666}, "mode"), ({"owner": "4711:root", "ids": (4711, 0)}, "owner")],
)
def test_owner_and_mode_are_kept_too(
    running: Engine, files: FakeFiles, change: dict[str, Any], name: str
) -> None:
    files.kept[CILIUM] = replace(files.kept[CILIUM], **change)
    report = running.run_pass()
    assert report.converged
    assert report.repairs[-1].cause == name
    assert (files.kept[CILIUM].owner, files.kept[CILIUM].mode) == ("root:root", 0o644)
    assert files.backups == []


def test_a_deleted_file_comes_back(running: Engine, files: FakeFiles) -> None:
    del files.kept[KUBEADM]
    report = running.run_pass()
    assert report.converged
    assert find(report, KUBEADM).last_repair is not None


def test_what_is_in_the_way_is_said_and_everything_else_goes_on(
    machine: Machine, running: Engine, files: FakeFiles
) -> None:
    """Rule 6."""
    immutable = "is immutable (chattr +i)"
    files.kept[KUBEADM] = replace(
        files.kept[KUBEADM], content="x: 1\n", obstacle=immutable, remedy=f"chattr -i {KUBEADM}"
    )
    files.edit(CILIUM, "x: 1\n")
    report = running.run_pass()
    seen = find(report, KUBEADM)
    assert (seen.condition, seen.reason, seen.remedy) == (
        "blocked",
        immutable,
        f"chattr -i {KUBEADM}",
    )
    assert find(report, CILIUM).condition == "converged"
    assert f"keep {KUBEADM}" not in machine.faults.writes


def test_an_obstacle_before_a_file_that_is_right_is_none(running: Engine, files: FakeFiles) -> None:
    files.kept[KUBEADM] = replace(files.kept[KUBEADM], obstacle="can only be read")
    assert running.run_pass().converged


def test_what_cannot_be_seen_is_not_called_right(running: Engine, files: FakeFiles) -> None:
    files.kept[KUBEADM] = KeptFile(obstacle="a symbolic link", remedy="rm", unseen=True)
    assert find(running.run_pass(), KUBEADM).condition == "blocked"


def test_a_full_disk_is_tried_again(machine: Machine, running: Engine, files: FakeFiles) -> None:
    files.edit(KUBEADM, "x: 1\n")
    machine.faults.fail("keep", "failed", text="No space left on device; make room")
    report = running.run_pass()
    assert find(report, KUBEADM).condition == "failed"
    assert "make room" in find(report, KUBEADM).reason
    machine.clock.advance(60)
    assert running.run_pass().converged


def test_rule_11_an_edit_again_and_again_is_contended(
    machine: Machine, running: Engine, files: FakeFiles
) -> None:
    for number in range(60):
        files.edit(KUBEADM, f"x: {number}\n")
        report = running.run_pass()
        machine.clock.advance(1)
    assert find(report, KUBEADM).condition == "contended"
    assert len(machine.faults.writes) <= 12


def test_an_address_that_is_not_the_nodes_blocks_the_write_and_is_told(machine: Machine) -> None:
    machine.kernel.addresses.clear()
    give(machine, "192.168.10.170")
    made = engine(machine, state())
    report = made.run_pass()
    seen = find(report, KUBEADM)
    assert seen.condition == "blocked"
    assert "no interface of this node has 192.168.10.160" in seen.reason
    assert "192.168.10.170" in seen.remedy
    assert codes(report) == {"node-address"}
    give(machine, "192.168.10.160")
    assert made.run_pass().converged, "it comes with the address"


def test_right_files_are_right_while_the_address_is_away(machine: Machine, running: Engine) -> None:
    machine.kernel.addresses.clear()
    report = running.run_pass()
    assert find(report, KUBEADM).condition == "converged"
    assert codes(report) == {"node-address"}


def test_the_nodes_own_network_may_not_be_the_pods(machine: Machine) -> None:
    give(machine, "10.13.0.7", 24)
    report = engine(machine, state()).run_pass()
    found = next(f for f in report.findings if f.code == "cidr-overlap")
    assert "Cilium's pool 10.13.0.0/16 overlaps 10.13.0.0/24" in found.message
    assert "enp8s0" in found.message


def test_ciliums_own_interface_is_no_overlap(machine: Machine) -> None:
    machine.kernel.add_link("cilium_host", "veth")
    give(machine, "10.13.0.7", 32, "cilium_host")
    assert codes(engine(machine, state()).run_pass()) == set()


def test_multus_on_the_node_and_an_exclusive_cilium(machine: Machine) -> None:
    machine.kernel.nodes.add(MULTUS[0])
    cilium = {"file": CILIUM, "pool": "10.13.0.0/16", "exclusive": True}
    assert codes(engine(machine, state(multus=False, cilium=cilium)).run_pass()) == {
        "exclusive-cni"
    }


def test_kubeadm_has_the_last_word(machine: Machine, files: FakeFiles) -> None:
    files.judge = lambda text: Kubeadm("refuses", 'unknown field "x"')
    made = engine(machine, state())
    report = made.run_pass()
    seen = find(report, KUBEADM)
    assert seen.condition == "blocked"
    assert 'unknown field "x"' in seen.reason
    assert codes(report) == {"kubeadm-refuses"}
    assert KUBEADM not in files.kept
    assert CILIUM in files.kept
    files.judge = lambda text: Kubeadm("asking")
    assert find(made.run_pass(), KUBEADM).condition == "pending"
    files.judge = lambda text: Kubeadm("silent", "did not answer within 10 s")
    report = made.run_pass()
    assert report.converged, "a kubeadm that says nothing keeps nobody from working"
    assert codes(report) == {"kubeadm-silent"}
    files.judge = lambda text: Kubeadm("accepts", "ok")
    assert codes(made.run_pass()) == set()


V3 = """
version = 3
[plugins.'io.containerd.cri.v1.runtime'.containerd]
default_runtime_name = "crun"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.crun.options]
SystemdCgroup = false
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = true
"""
V2 = """
version = 2
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = true
"""


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        (V3, "cgroupfs"),
        (V2, "systemd"),
        (f"imports = ['/etc/containerd/conf.d/*.toml']\n{V2}", ""),
        ("version = 2", ""),
        ("plugins = 3", ""),
        ("this is [no TOML", ""),
        ("", ""),
    ],
)
def test_containerds_cgroup_driver_is_read_where_the_file_tells_it(text: str, driver: str) -> None:
    assert containerd_driver(text) == driver


def test_kubelet_and_containerd_have_to_agree(machine: Machine) -> None:
    machine.kernel.text_files[CONTAINERD] = V3
    assert codes(engine(machine, state()).run_pass()) == {"cgroup-driver"}
    assert codes(engine(machine, state(cgroup_driver="cgroupfs")).run_pass()) == set()


def test_what_is_no_longer_declared_is_left_where_it_is(machine: Machine, running: Engine) -> None:
    """Rule 4: bridged never takes such a file away."""
    before = dict(machine.files.kept)
    running.source.state = state(kubeadm=None, cilium=None)  # type: ignore[misc]
    report = running.run_pass()
    assert [o for o in report.objects if o.name in {KUBEADM, CILIUM}] == []
    assert machine.files.kept == before


def test_a_changed_value_is_written_at_once(
    machine: Machine, running: Engine, files: FakeFiles
) -> None:
    running.source.state = state(version="1.35.0")  # type: ignore[misc]
    assert running.run_pass().converged
    assert 'kubernetesVersion: "1.35.0"' in (files.kept[KUBEADM].content or "")
    assert machine.faults.writes == [f"keep {KUBEADM}"]


def test_rule_9_killed_between_the_files_it_comes_right_with_the_next_start(
    machine: Machine, files: FakeFiles
) -> None:
    machine.faults.kill_after(1)
    with pytest.raises(Killed):
        engine(machine, state()).run_pass()
    machine.faults.kill_after(None)
    assert len(files.kept) == 1
    assert engine(machine, state()).run_pass().converged
    assert files.backups == []


def test_while_the_node_is_paused_a_file_is_only_looked_at(
    machine: Machine, running: Engine, files: FakeFiles
) -> None:
    running.pause(600, "work on the node", "root")
    files.edit(KUBEADM, "by: hand\n")
    assert find(running.run_pass(), KUBEADM).condition == "paused"
    assert files.kept[KUBEADM].content == "by: hand\n"
    running.resume((), "root")
    assert running.run_pass().converged
    assert files.backups == [(KUBEADM, "by: hand\n")]
