"""A pause: nothing is changed, everything is told, and it ends by itself whatever the clocks do."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bridged.agent.engine import Engine
from bridged.agent.pause import PausedError, PauseFile, Pauses, UnknownBridge
from bridged.agent.pausing import refuse_apply
from bridged.plan.actions import ObjectId
from bridged.report import ObjectReport, Report
from tests.twins.machine import Clock, Machine
from tests.twins.source import FakeSource, engine
from tests.unit.reference import state

FORWARD = "net/ipv4/ip_forward"


@pytest.fixture
def running(machine: Machine) -> Engine:
    """The reference node, as declared, with a guest on br-lan."""
    made = engine(machine, state())
    made.run_pass()
    machine.kernel.add_link("vnet0", "tun", up=True)
    machine.kernel.plug("vnet0", "br-lan")
    assert made.run_pass().converged
    machine.clock.advance(600)
    machine.faults.writes.clear()
    return made


def find(report: Report, kind: str, name: str) -> ObjectReport:
    return next(o for o in report.objects if (o.kind, o.name) == (kind, name))


def disturb(machine: Machine) -> None:
    """A parameter, a bridge that goes with its guest, and a card taken out of its bridge."""
    machine.kernel.parameters[FORWARD] = "0"
    machine.kernel.delete("br-lan")
    machine.kernel.unplug("enp13s0f3")


def test_nothing_is_written_and_all_of_it_is_told(machine: Machine, running: Engine) -> None:
    running.pause(1800, "firmware update", "alice")
    disturb(machine)
    for _ in range(3):
        report = running.run_pass(force=True)
        machine.clock.advance(60)
    assert machine.faults.writes == []
    assert not report.converged
    for kind, name in (
        ("sysctl", "net.ipv4.ip_forward"),
        ("bridge", "br-lan"),
        ("port", "enp13s0f3"),
    ):
        item = find(report, kind, name)
        assert item.condition == "paused", item
        assert item.drift
        assert "by alice: firmware update" in item.reason
        assert "bridgedctl resume" in item.remedy
        assert item.next_attempt == report.pauses[0].until
    guests = find(report, "guests", "br-lan")
    assert guests.condition == "paused"
    assert "vnet0 in br-lan" in guests.drift[0].desired
    assert "plugged back in afterwards" in guests.reason


def test_when_its_time_is_over_all_is_repaired_and_guests_return(
    machine: Machine, running: Engine
) -> None:
    running.pause(1800, "firmware update", "alice")
    disturb(machine)
    running.run_pass()
    assert running.next_attempt() == 1800
    machine.clock.advance(1800)
    assert running.next_attempt() == 0
    report = running.run_pass()
    assert report.converged
    assert report.pauses == ()
    assert machine.kernel.ports("br-lan") == {"enp13s0f0", "vnet0"}
    repair = find(report, "sysctl", "net.ipv4.ip_forward").last_repair
    assert repair is not None
    assert repair.latency == 1800, "it was noticed when it drifted"


def test_resuming_ends_it_at_once(machine: Machine, running: Engine) -> None:
    running.pause(1800, "firmware update", "alice")
    disturb(machine)
    assert running.resume(by="bob")[0].reason == "firmware update"
    assert running.run_pass().converged
    assert running.resume() == ()


def test_a_paused_bridge_leaves_the_others_kept(machine: Machine, running: Engine) -> None:
    running.pause(1800, "new switch", "alice", ("br-lan",))
    disturb(machine)
    report = running.run_pass()
    wrong = {f"{o.kind}/{o.name}" for o in report.objects if o.condition != "converged"}
    assert wrong == {"bridge/br-lan", "port/enp13s0f0", "guests/br-lan"}
    assert machine.kernel.parameters[FORWARD] == "1"
    assert machine.kernel.ports("br-dmz") == {"enp13s0f3"}
    assert machine.kernel.link("br-lan") is None


def test_no_port_is_taken_out_of_a_paused_bridge(machine: Machine, running: Engine) -> None:
    """The state gives the card of br-lan to br-dmz: it stays until br-lan may be changed again."""
    running.pause(1800, "new switch", "alice", ("br-lan",))
    source = running.source
    assert isinstance(source, FakeSource)
    source.state = state(
        bridges={"br-lan": {"ports": ()}, "br-dmz": {"ports": ({"name": "enp13s0f0"},)}}
    )
    assert find(running.run_pass(), "port", "enp13s0f0").condition == "paused"
    assert "enp13s0f0" in machine.kernel.ports("br-lan")
    machine.clock.advance(1801)
    running.run_pass()
    assert "enp13s0f0" in machine.kernel.ports("br-dmz")


def test_the_plan_sets_apart_what_a_pause_holds(machine: Machine, running: Engine) -> None:
    running.pause(1800, "new switch", "alice", ("br-dmz",))
    disturb(machine)
    plan = running.preview()
    assert ObjectId("port", "enp13s0f3") in {action.object for action in plan.paused}
    assert ObjectId("port", "enp13s0f3") not in {action.object for action in plan}
    assert ObjectId("sysctl", "net.ipv4.ip_forward") in {action.object for action in plan}
    assert [pause.bridge for pause in plan.pauses] == ["br-dmz"]
    assert machine.faults.writes == []


def test_apply_is_refused_with_the_way_out(running: Engine) -> None:
    running.pause(1800, "new switch", "alice", ("br-dmz",))
    refuse_apply(running.pauses, frozenset())
    with pytest.raises(PausedError, match=r"bridge br-dmz is paused until .* by alice"):
        refuse_apply(running.pauses, frozenset({"br-dmz"}))
    running.pause(60, "all of it", "bob")
    with pytest.raises(PausedError, match="the node is paused"):
        refuse_apply(running.pauses, frozenset())
    with pytest.raises(PausedError, match="the whole node"):
        running.resume(("br-dmz",))


def test_a_name_that_is_none_of_ours_is_refused_with_those_that_are(running: Engine) -> None:
    with pytest.raises(UnknownBridge) as caught:
        running.pause(60, "x", "alice", ("br-lam",))
    assert "br-lan" in caught.value.remedy
    assert not running.pauses.active


def test_a_trial_under_way_is_ended_first(running: Engine) -> None:
    """Going back when nobody confirms would change the node in the middle of the pause."""
    running.run_pass(confirm=60)
    with pytest.raises(PausedError, match="wait to be confirmed"):
        running.pause(60, "x", "alice")


# ------------------------------------------------------------------ clocks, restarts, reboots


class Node:
    """A machine's clocks and its state directory; `agent` starts an agent."""

    def __init__(self, path: Path) -> None:
        self.store = PauseFile(path / "pause.json")
        self.wall, self.up = Clock(1_000_000.0), Clock(500.0)
        self.boot = "one"

    def agent(self) -> Pauses:
        made = Pauses(self.store, self.wall, self.up, self.boot)
        made.rest()
        return made

    def advance(self, seconds: float) -> None:
        self.wall.advance(seconds)
        self.up.advance(seconds)

    def reboot(self, seconds: float, wall: float | None = None) -> None:
        """Off for so long; `wall` is what the clock shows afterwards if it was lost."""
        self.boot += "+"
        self.up.now = 10.0
        self.wall.advance(seconds + 10.0)
        if wall is not None:
            self.wall.now = wall


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


@pytest.mark.parametrize("jump", [-86400.0, -60.0, 60.0, 86400.0])
def test_setting_the_clock_changes_nothing(node: Node, jump: float) -> None:
    pauses = node.agent()
    pauses.begin(1800, "x", "alice")
    node.wall.advance(jump)
    node.advance(1790)
    pauses.tick()
    assert pauses.active
    assert pauses.reports[0].until == pytest.approx(node.wall() + 10), "told anew"
    node.advance(10)
    pauses.tick()
    assert not pauses.active


def test_it_survives_restarts_and_no_restart_prolongs_it(node: Node) -> None:
    node.agent().begin(1800, "x", "alice")
    for _ in range(17):
        node.advance(100)
        pauses = node.agent()
        assert pauses.reports[0].by == "alice"
    node.wall.advance(-86400)
    node.advance(101)
    assert not node.agent().active


def test_it_survives_a_reboot_until_its_wall_clock_time(node: Node) -> None:
    node.agent().begin(1800, "x", "alice")
    node.reboot(300)
    assert node.agent().left() == pytest.approx(1490)
    node.reboot(1600)
    assert not node.agent().active


def test_a_reboot_with_a_lost_clock_makes_it_no_longer_than_what_was_left(node: Node) -> None:
    pauses = node.agent()
    pauses.begin(1800, "x", "alice")
    node.advance(1000)
    pauses.rest()
    node.reboot(0, wall=0.0)
    left = node.agent().left()
    assert left is not None
    assert left <= 800
    node.up.advance(800)
    assert not node.agent().active


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"": {}}',
        '{"": {"begun": 0, "until": ' + "9" * 400 + ', "reason": "", "by": "", "boot": "one",'
        ' "at": 0, "left": 600}}',
        '{"": {"begun": 0, "until": NaN, "reason": "", "by": "", "boot": "", "at": 0,'
        ' "left": NaN}}',
        '{"": {"begun": 0, "until": 9e99, "reason": "", "by": "", "boot": "one", "at": 1e9,'
        ' "left": NaN}}',
    ],
)
def test_a_damaged_file_pauses_nothing(node: Node, tmp_path: Path, damage: str) -> None:
    (tmp_path / "pause.json").write_text(damage)
    assert not node.agent().active


def test_no_file_can_make_it_longer_than_a_day(node: Node, tmp_path: Path) -> None:
    node.agent().begin(1800, "x", "alice")
    document = json.loads((tmp_path / "pause.json").read_text())
    document[""] |= {"left": 9e9, "until": 9e12}
    (tmp_path / "pause.json").write_text(json.dumps(document))
    left = node.agent().left()
    assert left is not None
    assert left <= 86400


def test_a_disk_that_takes_nothing_is_told_and_the_pause_holds(tmp_path: Path) -> None:
    made = Node(tmp_path / "gone")
    pauses = made.agent()
    pauses.begin(1800, "x", "alice")
    assert pauses.active
    assert [finding.code for finding in pauses.finding()] == ["pause-not-kept"]
    (tmp_path / "gone").mkdir()
    pauses.begin(1800, "x", "alice")
    assert pauses.finding() == ()
    assert made.agent().active


def test_no_file_stays_where_nothing_is_paused(node: Node, tmp_path: Path) -> None:
    pauses = node.agent()
    pauses.begin(1800, "x", "alice", ("br-lan", "br-web"))
    assert len(pauses.end(("br-lan",))) == 1
    assert [report.bridge for report in node.agent().reports] == ["br-web"]
    pauses.end()
    assert list(tmp_path.iterdir()) == []


def test_begin_and_end_are_told_to_who_keeps_the_history(node: Node) -> None:
    told = []
    pauses = node.agent()
    pauses.on_change = lambda begins, pause, by: told.append((begins, pause.bridge, by))
    pauses.begin(60, "x", "alice")
    pauses.end(by="bob")
    pauses.begin(60, "x", "alice", ("br-lan",))
    node.advance(60)
    pauses.tick()
    assert told == [
        (True, "", "alice"),
        (False, "", "bob"),
        (True, "br-lan", "alice"),
        (False, "br-lan", ""),
    ]


def test_a_changed_state_is_still_one_when_the_pause_is_over(
    machine: Machine, running: Engine
) -> None:
    """It is told, and taken into one transaction, as a declaration and not as drift."""
    running.pause(1800, "x", "alice")
    source = running.source
    assert isinstance(source, FakeSource)

    def refresh(complete: bool = False) -> bool:
        source.state = state(sysctls={FORWARD: 0})
        source.report = replace(source.report, hash="1" * 64)
        return True

    source.refresh = refresh  # type: ignore[method-assign]
    running.run_pass()
    assert machine.faults.writes == []
    machine.clock.advance(1800)
    report = running.run_pass()
    assert [r.cause for r in report.repairs if r.object == "sysctl/net.ipv4.ip_forward"][-1] == (
        "state-file"
    )


def test_the_engine_uses_the_pauses_that_it_is_given(machine: Machine, node: Node) -> None:
    """Also while there are none: those of a restart are to be found where the first ones went."""
    made = engine(machine, state(), pauses=node.agent())
    made.run_pass()
    made.pause(1800, "x", "alice")
    assert node.agent().active
