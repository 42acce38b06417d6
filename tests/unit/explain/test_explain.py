"""One object explained on a machine in memory: what an operator is told in which condition."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bridged.agent.engine import Engine
from bridged.agent.state_source import FileSource
from bridged.cli.explain import explain_text
from bridged.cli.terminal import Terminal, cells
from bridged.explain.explain import explain as explain_object
from bridged.explain.records import Explanation, PropertyView, explanation_as_json
from bridged.explain.resolve import Unknown
from bridged.observe.host import Assignment
from tests.twins.machine import Machine, reference_machine
from tests.twins.source import engine
from tests.unit.reference import state

FORWARD = "net/ipv4/ip_forward"
STATE = """\
version: 1
bridges:
  br-lan:
    ports: [enp13s0f0]
    ageing-time: 60
  br-web: {ports: [{vlan: 6, parent: enp13s0f0}]}
  br-dmz: {ports: [enp13s0f3], isolate: true}
modules: [overlay, br_netfilter]
sysctls:
  net.ipv4.ip_forward: 1
"""
Explain = Callable[[str], Explanation]


@pytest.fixture
def machine() -> Machine:
    return reference_machine()


@pytest.fixture
def running(machine: Machine, tmp_path: Path) -> Engine:
    """An engine on a node that is as its file declares."""
    file = tmp_path / "state.yaml"
    file.write_text(STATE)
    file.chmod(0o644)
    made = engine(machine, None)
    made.source = FileSource(file)
    assert made.run_pass().converged
    return made


@pytest.fixture
def explain(running: Engine) -> Explain:
    return running.explain


def row(found: Explanation, name: str) -> PropertyView:
    return next(view for view in found.properties if view.name == name)


def text(found: Explanation, width: int = 100) -> str:
    return explain_text(explanation_as_json(found), found.time + 4, Terminal(width))


def test_what_is_declared_where_and_what_both_worlds_have(explain: Explain) -> None:
    found = explain("br-lan")
    assert found.as_desired
    assert found.declared.endswith("state.yaml:3")
    ageing = row(found, "ageing-time")
    assert (ageing.desired, ageing.kernel, ageing.network_manager) == ("60", "60", "60")
    assert ageing.declared.endswith("state.yaml:5")
    assert ageing.setting == "bridge.ageing-time"
    assert row(found, "stp").declared == "default"
    assert row(found, "mac").declared == "derived"
    assert row(explain("br-dmz"), "vlan-filtering").declared.endswith("state.yaml:7")
    assert row(found, "priority").desired is None
    (profile,) = found.profiles
    assert profile.role == "in charge"
    assert profile.ours
    assert profile.active


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("bridge/br-lan", "bridge/br-lan"),
        ("vlan/enp13s0f0.6", "vlan/enp13s0f0.6"),
        ("port enp13s0f3", "port/enp13s0f3"),
        ("module/br-netfilter", "module/br_netfilter"),
        ("sysctl net.ipv4.ip_forward", "sysctl/net.ipv4.ip_forward"),
        ("sysctl/net/ipv4/ip_forward", "sysctl/net.ipv4.ip_forward"),
        ("/proc/sys/net/ipv4/ip_forward", "sysctl/net.ipv4.ip_forward"),
        ("/etc/modules-load.d/bridged.conf", "file//etc/modules-load.d/bridged.conf"),
    ],
)
def test_an_object_goes_by_every_name_that_people_use(
    explain: Explain, typed: str, meant: str
) -> None:
    found = explain(typed)
    assert f"{found.kind}/{found.name}" == meant


@pytest.mark.parametrize(
    ("typed", "said", "remedy"),
    [
        ("br-lna", "br-lna is not declared", "did you mean bridge/br-lan"),
        ("ip_forward", "is not declared", "did you mean sysctl/net.ipv4.ip_forward?"),
        ("module/overlai", "module overlai", "did you mean module/overlay?"),
        ("br", "is not declared", "bridge/br-lan or bridge/br-web or bridge/br-dmz"),
        ("enp8s0", "carries the default route", "bridged leaves it alone"),
        ("quite-else", "is not declared", "bridgedctl status"),
    ],
)
def test_what_is_not_declared_says_what_is(
    explain: Explain, typed: str, said: str, remedy: str
) -> None:
    with pytest.raises(Unknown) as error:
        explain(typed)
    assert said in str(error.value)
    assert remedy in f"{error.value} {error.value.remedy}"


def test_a_guest_port_is_told_from_what_nobody_knows(machine: Machine, explain: Explain) -> None:
    machine.kernel.add_link("vnet0", "tun", up=True)
    machine.kernel.plug("vnet0", "br-lan")
    with pytest.raises(Unknown, match="plugged into br-lan as a guest port") as error:
        explain("vnet0")
    assert error.value.remedy == "bridgedctl explain bridge/br-lan"
    assert ("guests", "1: vnet0") in explain("br-lan").facts


def test_drift_stands_beside_what_is_declared(machine: Machine, explain: Explain) -> None:
    info = machine.kernel.need("br-dmz").info
    machine.kernel.change("br-dmz", info={**info, "br_stp_state": 1})
    found = explain("br-dmz")
    assert found.condition == "drift"
    stp = row(found, "stp")
    assert stp.differs
    assert (stp.desired, stp.kernel, stp.network_manager) == ("false", "true", "false")
    assert not row(found, "ipv4").differs
    assert "about to repair" in found.next_step
    assert "✗ stp" in text(found)


def test_a_sysctl_file_that_wins_the_boot_is_named(machine: Machine, explain: Explain) -> None:
    machine.kernel.boot_sysctls = {
        FORWARD: (
            Assignment("/etc/sysctl.d/zz-bridged.conf", "1", "zz-bridged.conf"),
            Assignment("/etc/sysctl.d/zzz.conf", "0", "zzz.conf"),
        )
    }
    machine.processes = frozenset({"tuned"})
    found = explain("net.ipv4.ip_forward")
    assert [(line.file, line.wins, line.ours) for line in found.boot] == [
        ("/etc/sysctl.d/zz-bridged.conf", False, True),
        ("/etc/sysctl.d/zzz.conf", True, False),
    ]
    assert "/etc/sysctl.d/zzz.conf sets it to 0" in found.others
    assert any("tuned runs here" in other for other in found.others)
    assert [finding.code for finding in found.findings] == ["boot-sysctl"]
    assert found.next_step == "as declared; but take the line out of /etc/sysctl.d/zzz.conf"


def test_the_boot_files_of_a_module_are_shown(running: Engine) -> None:
    """Who loads it, and who keeps it out."""
    assert running.host is not None
    ours, theirs = "/etc/modules-load.d/bridged.conf", "/etc/modprobe.d/hard.conf"
    lines = (
        Assignment(ours, "overlay", "bridged.conf"),
        Assignment(theirs, "install overlay /bin/true", "hard.conf"),
    )
    host = replace(running.host, boot_modules={"overlay": lines})
    assert running.source.state is not None
    found = explain_object(running.source.state, host, running.report(), "module/overlay")
    page = text(found)
    assert f"✓ {ours}: overlay (loads it)" in page
    assert f"! {theirs}: install overlay /bin/true (keeps it out)" in page
    assert "no boot file sets it" in text(running.explain("module/br_netfilter"))


def test_a_contest_names_who_is_likely_and_what_to_do_first(
    machine: Machine, running: Engine
) -> None:
    machine.processes = frozenset({"tuned"})
    for _ in range(20):
        machine.kernel.parameters[FORWARD] = "0"
        running.run_pass()
        machine.clock.advance(1)
    found = running.explain("net.ipv4.ip_forward")
    assert found.condition == "contended"
    assert found.reason.endswith("something changes it back")
    assert found.others == ("tuned runs here, which is known to set such things",)
    assert found.next_step.startswith("look at the likeliest first: tuned runs here")
    assert "WHO CHANGES IT BACK, PERHAPS" in text(found)


def test_a_rival_profile_is_shown_with_its_uuid(machine: Machine, explain: Explain) -> None:
    uuid = "99999999-0000-4000-8000-000000000000"
    machine.nm.add(
        {
            "connection": {
                "id": "thief",
                "uuid": uuid,
                "type": "802-3-ethernet",
                "interface-name": "enp13s0f3",
            },
            "802-3-ethernet": {},
        }
    )
    found = explain("enp13s0f3")
    rival = next(profile for profile in found.profiles if profile.id == "thief")
    assert (rival.role, rival.uuid, rival.autoconnect) == ("rival", uuid, True)
    assert "a rival" in text(found)
    # What was put out of the way before is still there to be seen.
    assert "aside" in {profile.role for profile in found.profiles}


def test_the_last_repairs_and_the_reason_are_told(machine: Machine, running: Engine) -> None:
    machine.kernel.installable.discard("overlay")
    machine.kernel.remove_module("overlay")
    machine.clock.advance(600)
    running.run_pass()
    found = running.explain("module/overlay")
    assert found.condition == "failed"
    assert "not installed" in found.reason
    assert found.repairs[-1].outcome == "failed"
    assert "LAST REPAIRS" in text(found)


def test_without_an_agent_the_next_step_is_to_apply_or_start_one(
    machine: Machine, running: Engine
) -> None:
    machine.kernel.parameters[FORWARD] = "0"
    found = running.explain("net.ipv4.ip_forward", agent=False)
    assert "bridgedctl apply" in found.next_step
    assert "systemctl start bridged" in found.next_step


def test_a_broken_file_is_told_with_what_is_in_force(running: Engine, tmp_path: Path) -> None:
    (tmp_path / "state.yaml").write_text("version: 1\nbridges: [}\n")
    found = running.explain("br-lan")
    assert not found.state_valid
    assert found.declared.endswith("state.yaml:3")
    assert "by the last good one" in text(found)
    assert "bridgedctl validate" in found.next_step


def test_looking_writes_nothing(machine: Machine, explain: Explain) -> None:
    machine.kernel.parameters[FORWARD] = "0"
    machine.faults.writes.clear()
    explain("br-lan")
    explain("net.ipv4.ip_forward")
    assert machine.faults.writes == []


def test_80_columns_have_room_for_a_table(explain: Explain) -> None:
    page = text(explain("br-dmz"), 80)
    assert "  PROPERTY        DECLARED           KERNEL  NETWORKMANAGER    WHERE" in page
    assert "✓ stp             false              same    same              default" in page


@pytest.mark.parametrize("width", [30, 60, 80, 100, 160])
@pytest.mark.parametrize("name", ["br-lan", "enp13s0f0", "vlan/enp13s0f0.6", "module/overlay"])
def test_every_width_gets_a_page(explain: Explain, name: str, width: int) -> None:
    """Only what has no space in it, such as a path that is to be copied, may be wider."""
    for line in text(explain(name), width).splitlines():
        assert cells(line) <= width or len(line.split()) <= 3, line


def test_a_hand_made_state_has_no_places(machine: Machine) -> None:
    made = engine(machine, state())
    made.run_pass()
    assert made.explain("br-lan").declared == ""
    assert replace(made.explain("br-lan"), time=0.0)


def test_every_object_is_found_by_the_name_that_is_told_of_it(machine: Machine) -> None:
    """Status, alerts and completion name it so."""
    declared = state(packages={"present": ("crun",)}, runtime={"containerd": {}}, swap="off")
    made = engine(machine, declared)
    objects = made.run_pass().objects
    assert {"package", "runtime", "swap"} <= {item.kind for item in objects}
    for item in objects:
        for separator in "/ ":
            found = made.explain(f"{item.kind}{separator}{item.name}")
            assert (found.kind, found.name) == (item.kind, item.name)
            assert found.next_step
