"""Passes of the engine on a machine in memory: what is repaired, held back, counted and told."""

import itertools
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from bridged.agent.engine import Engine
from bridged.desired.state import Maintenance, Minimum
from bridged.errors import WorldError
from bridged.observe.host import Assignment
from bridged.plan.actions import Action, ObjectId
from bridged.report import ObjectReport, Report
from tests.twins.faults import Killed
from tests.twins.machine import Machine, reference_machine
from tests.twins.source import FakeSource, engine
from tests.unit.reference import state

FORWARD = "net/ipv4/ip_forward"


def find(report: Report, kind: str, name: str) -> ObjectReport:
    return next(o for o in report.objects if (o.kind, o.name) == (kind, name))


def test_first_pass_converges_and_tells_every_repair(machine: Machine) -> None:
    report = engine(machine, state()).run_pass()
    assert report.converged
    assert find(report, "bridge", "br-lan").last_repair is not None
    assert {r.outcome for r in report.repairs} == {"repaired"}
    assert report.last_success is not None


def test_rule_1_a_pass_over_a_right_host_writes_nothing(machine: Machine, running: Engine) -> None:
    for _ in range(5):
        running.run_pass()
    assert machine.faults.writes == []
    assert running.books.tally.passes["still"] == 5


def test_the_kernel_is_mended_before_networkmanager_is_asked_what_it_signalled(
    machine: Machine, running: Engine
) -> None:
    machine.kernel.change("br-lan", up=False)
    machine.nm.profiles["new"] = {
        "connection": {"id": "new", "uuid": "new", "type": "ethernet", "interface-name": "eth9"}
    }
    asked: list[tuple[bool, bool]] = []

    def before(action: Action) -> None:
        assert running.host is not None
        asked.append((running.host.remembered, running.host.stale))

    report = running.run_pass(before=before, fresh=True, quick=True)
    assert report.converged
    assert asked == [(True, True)]
    assert running.host is not None
    assert not running.host.remembered, "the fresh look follows"


def test_a_forced_pass_asks_networkmanager_only_when_it_signalled_or_is_to_do_something(
    machine: Machine, running: Engine
) -> None:
    running.run_pass(force=True, trusting=True)
    assert running.host is not None
    assert running.host.remembered
    machine.kernel.delete("br-lan")
    planned_on: list[bool] = []

    def before(action: Action) -> None:
        assert running.host is not None
        if action.asks_network_manager:
            planned_on.append(running.host.remembered)

    assert running.run_pass(before=before, force=True, trusting=True).converged
    assert planned_on
    assert not any(planned_on)


def test_rule_6_one_failure_stays_one_failure(machine: Machine) -> None:
    """A module that is not installed fails with its sysctls; everything else converges."""
    machine.kernel.installable.discard("br_netfilter")
    report = engine(machine, state()).run_pass()
    wrong = {(o.kind, o.name): o for o in report.objects if o.condition != "converged"}
    assert {kind for kind, _ in wrong} == {"module", "sysctl"}
    assert {name for kind, name in wrong if kind == "module"} == {"br_netfilter"}
    assert len(wrong) == 4
    assert "not installed" in wrong["module", "br_netfilter"].reason
    assert "module/br_netfilter" in wrong["sysctl", "net.bridge.bridge-nf-call-iptables"].reason


def test_rule_6_retries_grow_and_a_change_resets_them(machine: Machine) -> None:
    machine.kernel.installable.discard("kvm")
    made = engine(machine, state())
    made.run_pass()
    tries = []
    for _ in range(300):
        machine.clock.advance(1)
        before = len(machine.faults.writes)
        made.run_pass()
        tries.append(len(machine.faults.writes) > before)
    assert 5 <= sum(tries) <= 14
    machine.kernel.installable.add("kvm")
    machine.clock.advance(61)
    assert find(made.run_pass(), "module", "kvm").condition == "converged"


def test_rule_6_what_failed_before_says_nothing_of_a_changed_file(machine: Machine) -> None:
    """However often an operator corrects it within a minute, the node follows at once."""
    path, taken = "vm/swappiness", machine.writers.sysctls.write
    machine.kernel.parameters[path] = "60"

    def write(name: str, value: str) -> None:
        if name == path and value != "3":
            raise WorldError("refused", "Invalid argument")
        taken(name, value)

    machine.writers.sysctls.write = write  # type: ignore[method-assign]
    made = engine(machine, state(sysctls={path: 900}))
    source = made.source
    assert isinstance(source, FakeSource)
    values = iter((901, 902, 3))

    def edited(complete: bool = False) -> bool:
        value = next(values)
        source.state = state(sysctls={path: value})
        source.report = replace(source.report, hash=f"{value:064}")
        source.refresh = lambda complete=False: False  # type: ignore[method-assign]
        return True

    for _ in range(3):
        for _ in range(9):
            made.run_pass()
            machine.clock.advance(2)
        source.refresh = edited  # type: ignore[method-assign]
    assert find(made.run_pass(), "sysctl", "vm.swappiness").condition == "converged"


def test_a_boot_file_is_written_again_when_a_key_has_come_meanwhile(machine: Machine) -> None:
    """In the same pass: `bridgedctl apply` without an agent makes no other."""
    wishes = {
        "fs/inotify/max_user_watches": Minimum(at_least=10**7),
        "net/bridge/bridge-nf-call-iptables": Minimum(at_least=2),
    }
    assert engine(machine, state(sysctls=wishes)).run_pass().converged


@pytest.mark.parametrize("refused", [True, False])
def test_rule_6_a_value_that_is_another_at_every_look_is_no_reason_to_try_again_at_once(
    machine: Machine, refused: bool
) -> None:
    """``fs.file-nr`` for ``fs.file-max``: read only, and never the same."""
    path, tries = "fs/file-nr", itertools.count(1)
    made = engine(machine, state(sysctls={path: "1"}))

    def write(path: str, value: str) -> None:
        machine.kernel.parameters[path] = f"{1000 + next(tries)} 0 9"
        if refused:
            raise WorldError("permission", "it cannot be written")

    machine.writers.sysctls.write = write  # type: ignore[method-assign]
    for number in range(300):
        machine.kernel.parameters[path] = f"{5000 + number} 0 9"
        report = made.run_pass()
        machine.clock.advance(0.2)
    assert 5 <= next(tries) <= 20
    assert find(report, "sysctl", "fs.file-nr").condition == "failed"


def test_rule_6_a_modprobe_that_hangs_does_not_have_most_of_the_time(machine: Machine) -> None:
    """Everything waits while it is waited for, guests too."""
    tries = []

    def hang(module: str, meanwhile: Callable[[], None]) -> None:
        tries.append(module)
        machine.clock.advance(30)
        raise WorldError("timeout", f"modprobe {module} did not finish within 30 s")

    machine.kernel.load = hang
    made = engine(machine, state(modules=("kvm",)))
    end = machine.clock() + 1200
    while machine.clock() < end:
        report = made.run_pass()
        machine.clock.advance(1)
    assert 3 <= len(tries) <= 5
    assert "did not finish" in find(report, "module", "kvm").reason


def test_rule_11_a_rival_is_named_and_writes_are_bounded(machine: Machine, running: Engine) -> None:
    """Something sets ip_forward back every second for a minute."""
    machine.processes = frozenset({"tuned", "nmstatectl"})
    machine.kernel.boot_sysctls = {FORWARD: (Assignment("/etc/sysctl.d/50.conf", "0", "50.conf"),)}
    for _ in range(60):
        machine.kernel.parameters[FORWARD] = "0"
        report = running.run_pass()
        machine.clock.advance(1)
    writes = [w for w in machine.faults.writes if FORWARD in w]
    assert len(writes) <= 12
    item = find(report, "sysctl", "net.ipv4.ip_forward")
    assert item.condition == "contended"
    assert "/etc/sysctl.d/50.conf sets it to 0" in item.reason
    assert "tuned runs here" in item.reason
    assert "nmstatectl" not in item.reason
    others = {o.condition for o in report.objects if o.name != "net.ipv4.ip_forward"}
    assert others == {"converged"}
    machine.clock.advance(120)
    report = running.run_pass()
    assert machine.kernel.parameters[FORWARD] == "1"
    machine.clock.advance(120)
    assert running.run_pass().converged


def test_rule_9_killed_anywhere_a_new_start_converges() -> None:
    """For every n: killed before the n-th write, started anew, everything is right."""
    total = len(_writes_of_a_cold_start())
    for writes in range(total):
        machine = reference_machine()
        machine.faults.kill_after(writes)
        with pytest.raises(Killed):
            engine(machine, state()).run_pass()
        machine.faults.kill_after(None)
        again = engine(machine, state())
        report = again.run_pass()
        assert report.converged, f"after being killed at write {writes}"
        ours = [p["connection"]["uuid"] for p in machine.nm.profiles.values()]
        assert len(ours) == len(set(ours)) == 9
        machine.faults.writes.clear()
        again.run_pass()
        assert machine.faults.writes == []


def _writes_of_a_cold_start() -> list[str]:
    machine = reference_machine()
    engine(machine, state()).run_pass()
    return machine.faults.writes


def test_networkmanager_away_is_an_observation(machine: Machine, running: Engine) -> None:
    """While NetworkManager is stopped, netlink and sysctls go on; nothing is torn down."""
    machine.nm.running = False
    machine.kernel.unplug("enp13s0f0")
    machine.kernel.parameters[FORWARD] = "0"
    report = running.run_pass()
    assert not report.network_manager_available
    assert machine.kernel.ports("br-lan") == {"enp13s0f0"}
    assert machine.kernel.parameters[FORWARD] == "1"
    machine.nm.running = True
    machine.faults.writes.clear()
    assert running.run_pass().converged
    assert machine.faults.writes == []


def test_rule_7_the_report_is_what_was_seen(machine: Machine, running: Engine) -> None:
    """A write that the kernel accepted without effect is not called repaired."""
    machine.kernel.parameters[FORWARD] = "0"
    written: list[str] = []
    machine.writers.sysctls.write = lambda path, value: written.append(path)
    report = running.run_pass()
    assert written == [FORWARD], "once in a pass"
    item = find(report, "sysctl", "net.ipv4.ip_forward")
    assert item.condition == "failed"
    assert item.drift[0].kernel == "0"
    assert "the kernel took 1 and shows 0" in item.reason
    assert not report.converged


def test_a_module_that_modprobe_only_says_to_have_loaded_is_told_with_what_may_be_wrong(
    machine: Machine,
) -> None:
    """Exit code 0 is all that a blacklist, an install rule and an alias leave behind."""
    machine.kernel.load_module = lambda name: None
    item = find(engine(machine, state()).run_pass(), "module", "kvm")
    assert item.condition == "failed"
    assert "modprobe.d" in item.reason
    assert "modprobe --resolve-alias kvm" in item.reason


def test_no_state_yet_changes_nothing(machine: Machine) -> None:
    """Rule 8: neither the network nor what an earlier state wrote for the next boot."""
    engine(machine, state()).run_pass()
    machine.faults.writes.clear()
    report = engine(machine, None).run_pass()
    assert machine.faults.writes == []
    assert not report.converged


def test_dropping_a_bridge_from_the_state_removes_what_we_made(
    machine: Machine, running: Engine
) -> None:
    """Ours goes, the others stay, and the ledger keeps nothing of it."""
    source = running.source
    assert isinstance(source, FakeSource)
    bridges = {k: v for k, v in state().bridges.items() if k != "br-dmz"}
    source.state = state(bridges=bridges)
    assert running.run_pass().converged
    assert machine.kernel.link("br-dmz") is None
    assert machine.kernel.need("enp13s0f3").controller is None
    assert machine.kernel.ports("br-lan") == {"enp13s0f0"}
    running.run_pass()
    assert ObjectId("bridge", "br-dmz") not in running.books.ledger.entries


def test_rule_2_removal_is_withheld_while_guests_are_plugged_in(
    machine: Machine, running: Engine
) -> None:
    """The bridge stays with its guest; the report names the command that allows it."""
    machine.kernel.add_link("vnet0", "tun", up=True)
    machine.kernel.plug("vnet0", "br-dmz")
    source = running.source
    assert isinstance(source, FakeSource)
    source.state = state(bridges={k: v for k, v in state().bridges.items() if k != "br-dmz"})
    report = running.run_pass()
    assert machine.kernel.ports("br-dmz") == {"vnet0", "enp13s0f3"}
    item = find(report, "bridge", "br-dmz")
    assert item.condition == "withheld"
    assert item.remedy == "bridgedctl apply --allow-disruption br-dmz"
    running.run_pass(allowed=frozenset({"br-dmz"}))
    assert machine.kernel.link("br-dmz") is None


def test_rule_2_a_declared_window_allows_what_would_be_withheld(
    machine: Machine, running: Engine
) -> None:
    """Outside the window the bridge stays with its guest, inside it goes."""
    machine.kernel.add_link("vnet0", "tun", up=True)
    machine.kernel.plug("vnet0", "br-dmz")
    source = running.source
    assert isinstance(source, FakeSource)
    bridges = {k: v for k, v in (state().bridges or {}).items() if k != "br-dmz"}
    source.state = state(bridges=bridges, maintenance={"start": "02:00", "end": "03:00"})
    midnight = time.mktime((2026, 11, 25, 0, 0, 0, 0, 0, -1))
    machine.clock.now = midnight
    running.run_pass()
    assert machine.kernel.link("br-dmz") is not None
    machine.clock.now = midnight + 2.5 * 3600
    running.run_pass()
    assert machine.kernel.link("br-dmz") is None


@pytest.mark.parametrize(
    ("start", "end", "now", "is_open"),
    [
        ("02:00", "04:00", "02:00", True),
        ("02:00", "04:00", "04:00", False),
        ("22:00", "04:00", "23:59", True),
        ("22:00", "04:00", "03:59", True),
        ("22:00", "04:00", "12:00", False),
    ],
)
def test_a_window_may_go_past_midnight(start: str, end: str, now: str, is_open: bool) -> None:
    assert Maintenance(start=start, end=end).open_at(now) is is_open
