"""containerd and swap as declared: read by meaning, changed in place, restarted if allowed."""

import tomllib
from dataclasses import replace
from typing import Any

import pytest

from bridged.agent.engine import Engine
from bridged.desired.packages import Packages
from bridged.desired.runtime import Containerd, Runtime
from bridged.observe.node import ConfigFile, Swap
from bridged.plan.actions import ObjectId
from bridged.plan.containerd_config import Unclear, differences, edited, read
from bridged.plan.planner import interest, make_plan
from bridged.report import ObjectReport, Report
from tests.twins.faults import Killed
from tests.twins.machine import Machine, reference_machine
from tests.twins.node import CONFIG
from tests.twins.source import engine
from tests.unit.reference import state

CRUN = "/usr/bin/crun"
V2 = 'plugins."io.containerd.grpc.v1.cri"'
V3 = 'plugins."io.containerd.cri.v1.runtime"'


@pytest.fixture
def machine() -> Machine:
    made = reference_machine()
    made.node.installed["crun"] = "1.8"
    return made


def declare(machine: Machine, sections: dict[str, Any] | None = None, **values: Any) -> Engine:
    spec = Containerd.model_validate(values)
    return engine(machine, state(runtime=Runtime(containerd=spec), **(sections or {})))


def runtime(report: Report) -> ObjectReport:
    return next(o for o in report.objects if o.kind == "runtime")


def file(text: str, path: str = CONFIG) -> ConfigFile:
    return ConfigFile(path, text, tomllib.loads(text))


# ------------------------------------------------------------------------------ the configuration


@pytest.mark.parametrize(
    "text",
    [
        f"""version = 2
[{V2}]
sandbox_image = "a" # why
[{V2}.containerd]
default_runtime_name = "runc"
[{V2}.containerd.runtimes.runc.options]
SystemdCgroup = false
[plugins."io.containerd.internal.v1.opt"]
path = "/opt"
""",
        f"""version = 3
root = "/data"
[{V3}.containerd]
default_runtime_name = "runc"
[{V3}.containerd.runtimes.crun]
runtime_type = "io.containerd.runc.v2"
options = {{BinaryName = "/opt/crun", SystemdCgroup = false}}
""",
        'disabled_plugins = ["cri", "io.containerd.snapshotter.v1.zfs"]\n#root = "/x"\n',
        "",
        'version = 3\n[plugins."io.containerd.cri.v1.images"]\nsnapshotter = "overlayfs"\n',
    ],
    ids=["version-2", "version-3", "docker", "empty", "no-section"],
)  # fmt: skip
def test_only_what_differs_is_changed_and_the_rest_stays_line_by_line(text: str) -> None:
    spec = Containerd()
    seen = read([file(text)], "crun")
    assert differences(spec, CRUN, seen)
    new = edited(spec, CRUN, seen)
    again = read([file(new)], "crun")
    assert differences(spec, CRUN, again) == []
    lost = [
        line
        for line in text.splitlines()
        if line not in new.splitlines()
        and not any(word in line for word in ("runc", "disabled_plugins", "options", "crun"))
    ]
    assert lost == [], "a line that has nothing to do with it"
    if "zfs" in text:
        assert tomllib.loads(new)["disabled_plugins"] == ["io.containerd.snapshotter.v1.zfs"]


def test_before_version_3_a_file_that_is_imported_replaces_the_section_of_the_main_file() -> None:
    """containerd 1.x: plugin sections of imported files are taken whole."""
    main = f"""imports = ["conf.d/*.toml"]
version = 2
[{V2}.containerd]
default_runtime_name = "crun"
[{V2}.containerd.runtimes.crun]
runtime_type = "io.containerd.runc.v2"
[{V2}.containerd.runtimes.crun.options]
BinaryName = "{CRUN}"
SystemdCgroup = true
"""
    drop_in = f'version = 2\n[{V2}.registry]\nconfig_path = "/etc/containerd/certs.d"\n'
    files = [file(main), file(drop_in, "/etc/containerd/conf.d/10.toml")]
    spec = Containerd()
    seen = read(files, "crun")
    assert [name for name, _, _ in differences(spec, CRUN, seen)][:1] == ["default-runtime"]
    assert seen.file is files[1]
    assert 'config_path = "/etc/containerd/certs.d"' in edited(spec, CRUN, seen)
    later = [
        file(each.text.replace(V2, V3).replace("version = 2", "version = 3")) for each in files
    ]
    assert differences(spec, CRUN, read(later, "crun")) == [], "merged since"


def test_runc_needs_no_more_than_containerd_knows_by_itself() -> None:
    spec = Containerd.model_validate({"oci-runtime": "runc", "cgroup-driver": "cgroupfs"})
    assert differences(spec, "/usr/sbin/runc", read([file("version = 2\n")], "runc")) == []
    systemd = Containerd.model_validate({"oci-runtime": "runc"})
    seen = read([file("version = 2\n")], "runc")
    assert [name for name, _, _ in differences(systemd, "/usr/sbin/runc", seen)] == [
        "systemd-cgroup"
    ]
    assert "BinaryName" not in edited(systemd, "/usr/sbin/runc", seen)


@pytest.mark.parametrize(
    "text",
    [
        'version = 1\n[plugins.cri.containerd]\ndefault_runtime_name = "runc"\n',
        "version = 4\n",
        f'version = 2\n{V2}.containerd = {{default_runtime_name = "runc"}}\n',
        'version = "2"\n',
        "version = [2]\n",
        "version = 2\ndisabled_plugins = 5\n",
        f"version = 2\n{V2}.containerd = 5\n",
        f"version = 2\n[{V2}.containerd]\nruntimes.crun = 5\n",
        f"version = 2\n[{V2}.containerd]\nruntimes.crun.options = 5\n",
    ],
)
def test_what_cannot_be_changed_safely_is_left_to_a_person(machine: Machine, text: str) -> None:
    machine.node.files[CONFIG] = (text, 0.0)
    with pytest.raises(Unclear):
        edited(Containerd(), CRUN, read([file(text)], "crun"))
    report = declare(machine, restart="when-needed").run_pass()
    assert runtime(report).condition == "blocked"
    assert runtime(report).remedy
    assert machine.node.files[CONFIG][0] == text


# ------------------------------------------------------------------------------------- the runtime


def test_runc_becomes_crun_and_a_second_pass_writes_nothing(machine: Machine) -> None:
    made = declare(machine, restart="when-needed")
    report = made.run_pass()
    assert runtime(report).condition == "pending"
    assert "restart containerd" in runtime(report).reason
    machine.clock.advance(2)
    machine.node.finish()
    machine.clock.advance(2)
    report = made.run_pass()
    assert report.converged
    text = machine.node.files[CONFIG][0]
    assert "# by the administrator" in text
    assert 'sandbox_image = "registry.k8s.io/pause:3.10"' in text
    machine.faults.writes.clear()
    made.run_pass()
    assert machine.faults.writes == []


def test_without_leave_containerd_is_not_restarted_and_the_command_is_named(
    machine: Machine,
) -> None:
    made = declare(machine)
    report = made.run_pass()
    item = runtime(report)
    assert item.condition == "withheld"
    assert [step.describe() for step in made.plan.not_taken] == ["restart containerd"]
    assert "running containers survive" in item.reason
    assert item.remedy == "bridgedctl apply --allow-disruption containerd"
    assert not [write for write in machine.faults.writes if "restart" in write]
    made.run_pass(allowed=frozenset({"containerd"}))
    machine.clock.advance(1)
    machine.node.finish()
    machine.clock.advance(2)
    assert made.run_pass().converged


def test_never_means_that_a_person_restarts_it(machine: Machine) -> None:
    made = declare(machine, restart="never")
    made.run_pass(allowed=frozenset({"containerd"}))
    report = made.run_pass(allowed=frozenset({"containerd"}))
    assert runtime(report).condition == "withheld"
    assert runtime(report).remedy == "systemctl restart containerd"
    machine.clock.advance(5)
    machine.node.started = machine.clock()
    assert made.run_pass().converged


def test_a_hand_edit_is_seen_and_put_back(machine: Machine) -> None:
    made = declare(machine, restart="when-needed")
    made.run_pass()
    machine.clock.advance(1)
    machine.node.finish()
    machine.clock.advance(600)
    assert made.run_pass().converged
    good = machine.node.files[CONFIG][0]
    machine.node.files[CONFIG] = (good.replace('name = "crun"', 'name = "runc"'), machine.clock())
    report = made.run_pass()
    assert report.counters.drift["runtime/containerd", "default-runtime"] == 2
    assert [r.action for r in report.repairs if r.object == "runtime/containerd"] == [
        f"change {CONFIG}",
        "restart containerd",
        f"change {CONFIG}",
    ]
    assert machine.node.files[CONFIG][0] == good


def test_containerd_is_not_told_to_use_what_is_not_there(machine: Machine) -> None:
    machine.node.installed.clear()
    before = dict(machine.node.files)
    item = runtime(declare(machine, restart="when-needed").run_pass())
    assert (item.condition, machine.node.files) == ("blocked", before)
    assert "crun is not installed" in item.reason
    packages = {"packages": Packages(present=("crun",), enforce=True)}
    made = declare(machine, packages, restart="when-needed")
    assert "waits for package/crun" in runtime(made.run_pass()).reason
    for _ in range(3):
        machine.clock.advance(2)
        machine.node.finish()
        machine.clock.advance(2)
        report = made.run_pass()
    assert report.converged


def test_one_that_is_absent_or_silent_is_named_with_the_next_step(machine: Machine) -> None:
    machine.node.started = None
    made = declare(machine, restart="when-needed")
    made.run_pass()
    item = runtime(made.run_pass())
    assert item.condition == "blocked"
    assert "nobody answers at /run/containerd/containerd.sock" in item.reason
    assert "journalctl -u containerd" in item.remedy
    machine.node.containerd = False
    item = runtime(made.run_pass())
    assert (item.condition, item.reason) == ("blocked", "containerd is not installed")


def test_another_socket_than_the_kubelet_is_told_is_named(machine: Machine) -> None:
    machine.node.files[CONFIG] = ('version = 2\n[grpc]\naddress = "/run/other.sock"\n', 0.0)
    item = runtime(declare(machine).run_pass())
    assert item.condition == "blocked"
    assert "/run/other.sock" in item.reason
    machine.node.files[CONFIG] = ("version = 2\n", 0.0)
    assert "socket" not in {
        d.property
        for d in runtime(
            declare(machine, socket="/var/run/containerd/containerd.sock").run_pass()
        ).drift
    }


def test_rule_9_killed_before_any_write_a_new_start_converges(machine: Machine) -> None:
    """Work that was under way when it happened goes on, or is lost: both come right."""
    packages = {"packages": Packages(present=("crun", "jq"), enforce=True)}
    for lost in (True, False):
        for writes in range(60):
            machine = reference_machine()
            made = declare(machine, packages, restart="when-needed")
            machine.faults.kill_after(writes)
            killed = _passes(machine, made)
            machine.faults.kill_after(None)
            machine.node.forget(done=not lost)
            again = declare(machine, packages, restart="when-needed")
            assert not _passes(machine, again)
            report = again.run_pass()
            assert report.converged, (writes, [o for o in report.objects if not o.as_desired])
            if not killed:
                break
        assert not killed, "more writes than were tried"


def _passes(machine: Machine, made: Engine) -> bool:
    """Let an engine work for a while; whether it was killed."""
    try:
        for _ in range(4):
            made.run_pass()
            machine.clock.advance(40)
            machine.node.finish()
            machine.clock.advance(40)
    except Killed:
        return True
    return False


# -------------------------------------------------------------------------------------------- swap


def test_swap_is_switched_off_only_where_that_is_declared(machine: Machine) -> None:
    machine.node.swaps = [Swap("/dev/zram0", "partition", 1000, 10)]
    machine.node.swap_at_boot = ("/etc/fstab:4",)
    report = engine(machine, state()).run_pass()
    assert report.converged
    made = engine(machine, state(swap="off"))
    report = made.run_pass()
    assert next(f for f in report.findings if f.code == "swap-at-boot").message.startswith(
        "/etc/fstab:4"
    )
    machine.node.finish()
    assert made.run_pass().converged
    assert machine.node.swaps == []


def test_a_swap_unit_that_is_enabled_is_told_with_what_disables_it(machine: Machine) -> None:
    machine.node.swap_at_boot = ("/etc/systemd/system/swap.target.wants/dev-sda2.swap",)
    report = engine(machine, state(swap="off")).run_pass()
    (found,) = (f for f in report.findings if f.code == "swap-at-boot")
    assert found.remedy == "systemctl disable dev-sda2.swap"


def test_swap_that_could_not_be_looked_for_is_not_called_off(machine: Machine) -> None:
    """Rule 7: what was not seen is not as declared."""
    declared = state(swap="off")
    host = replace(machine.observe(interest(declared)), problems={"node": "no answer"})
    verdict = make_plan(declared, host).verdict(ObjectId("swap", "off"))
    assert verdict is not None
    assert verdict.condition == "blocked"
    assert "no answer" in verdict.reason


def test_swap_that_does_not_fit_into_memory_stays(machine: Machine) -> None:
    machine.node.swaps = [Swap("/dev/sda2", "partition", 9_000_000, 8_500_000)]
    report = engine(machine, state(swap="off")).run_pass()
    item = next(o for o in report.objects if o.kind == "swap")
    assert item.condition == "blocked"
    assert "would kill programs" in item.reason
