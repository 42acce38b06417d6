"""Rule 12: structural changes are kept only if the node still reaches what it reached before."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from bridged.agent.breaker import Breaker
from bridged.agent.engine import Engine
from bridged.agent.transaction import Transaction
from bridged.errors import WorldError
from bridged.plan.actions import Activate
from bridged.report import Report
from tests.twins.faults import Killed
from tests.twins.machine import Machine, reference_machine
from tests.twins.reach import FakeCheckpoints, FakeReach
from tests.twins.source import FakeSource, engine
from tests.unit.reference import REFERENCE, state


class Site:
    """A machine whose gateway answers unless `cut` says that it was cut off."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self.machine: Machine = reference_machine()
        self.checkpoints = FakeCheckpoints(self.machine)
        self.cut = lambda: False
        self.pauses: list[float] = []
        self.engine = self.start()

    def start(self) -> Engine:
        transaction = Transaction(
            self.machine.executor,
            self.checkpoints,
            FakeReach(lambda probe: not self.cut()),
            self.tmp_path / "checkpoint",
            self.pauses.append,
            self.machine.clock,
        )
        transaction.clear_leftover()
        return engine(
            self.machine,
            state(probes=("192.0.2.7:443",)),
            transaction=transaction,
            breaker=Breaker(self.tmp_path / "breaker.json", self.machine.clock),
        )

    def cut_by_bridge(self) -> None:
        """The new bridge takes the node off the network."""
        self.cut = lambda: self.machine.kernel.link("br-lan") is not None

    def ours(self) -> set[str]:
        """Names of our profiles."""
        ids = (p["connection"]["id"] for p in self.machine.nm.profiles.values())
        return {name for name in ids if not name.startswith("Wired")}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def network(report: Report) -> set[str]:
    return {o.condition for o in report.objects if o.kind in {"bridge", "port", "vlan"}}


def test_a_change_that_cuts_nothing_off_is_kept(site: Site) -> None:
    assert site.engine.run_pass().converged
    assert site.checkpoints.saved == {}
    assert not (site.tmp_path / "checkpoint").exists()


def test_a_checkpoint_is_renewed_while_activations_are_waited_for(site: Site) -> None:
    """A slow NetworkManager with many of them would otherwise go back amid its work."""
    waits = []

    def waited() -> None:
        waits.append(site.machine.clock())
        site.machine.clock.advance(6)

    site.machine.executor.alive = waited
    assert site.engine.run_pass().converged
    assert len(site.checkpoints.extended) >= len(waits) > 1


@pytest.mark.parametrize("seconds", [2, 20])
def test_stopped_amid_an_activation_what_it_does_is_seen_before_the_checkpoint_goes(
    site: Site, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """As long as systemd's patience allows it: it could be what cuts the node off."""
    site.cut_by_bridge()
    nm, executor, clock = site.machine.nm, site.machine.executor, site.machine.clock
    real, waited = nm.activate, []

    class Slow:
        def __init__(self, actions: Sequence[Activate]) -> None:
            self.actions = actions

        def wait(self, meanwhile: Callable[[], None]) -> None:
            executor.stopping = lambda: True
            for _ in range(seconds):
                waited.append(1)
                meanwhile()
                clock.advance(1)
            real(self.actions)

    monkeypatch.setattr(nm, "activate", lambda actions: [Slow([action]) for action in actions])
    site.engine.run_pass()
    assert len(waited) <= 6
    assert site.checkpoints.saved == {}
    assert site.machine.kernel.link("br-lan") is None, "rolled back, or not there yet"
    assert (site.engine.breaker.tripped is not None) == (seconds == 2)


def test_a_change_that_cuts_the_node_off_is_rolled_back(site: Site) -> None:
    """Links, profiles and what was active are as before; modules and sysctls are converged."""
    site.cut_by_bridge()
    report = site.engine.run_pass()
    assert site.machine.kernel.link("br-lan") is None
    assert site.ours() == set()
    assert site.machine.nm.active["enp13s0f0"].endswith("2")
    assert network(report) == {"withheld"}
    assert "192.0.2.7:443" in report.objects[-1].reason
    others = {o.condition for o in report.objects if o.kind in {"module", "sysctl", "file"}}
    assert others == {"converged"}
    assert site.checkpoints.saved == {}


def test_a_card_is_in_the_checkpoint_by_whatever_name_it_is_declared(site: Site) -> None:
    """NetworkManager knows it by the first: without a checkpoint nothing would be taken back."""
    site.machine.kernel.change("enp13s0f0", altnames=("altlan",))
    bridges = {"br-lan": {"ports": ({"name": "altlan"},)}}
    site.engine.source.state = state(bridges=bridges)  # type: ignore[misc]
    site.cut_by_bridge()
    site.engine.run_pass()
    index = site.machine.kernel.need("enp13s0f0").index
    (told,) = site.checkpoints.told.values()
    assert f"/org/freedesktop/NetworkManager/Devices/{index}" in told[0]
    assert site.machine.kernel.link("br-lan") is None


def test_a_rolled_back_state_is_not_tried_for_ever(site: Site) -> None:
    """Three tries in all, however long it goes on, and also over restarts."""
    site.cut_by_bridge()
    for _ in range(50):
        site.engine.run_pass()
        site.machine.clock.advance(100)
        site.engine = site.start()
    activations = [w for w in site.machine.faults.writes if w.startswith("activate")]
    assert 1 <= len(activations) <= 3 * 3
    site.cut = lambda: False
    site.engine.run_pass()
    assert site.machine.kernel.link("br-lan") is None
    assert site.engine.run_pass(force=True).converged, "the operator asks for it"


def test_what_did_not_answer_before_says_nothing(site: Site) -> None:
    site.cut = lambda: True
    assert site.engine.run_pass().converged


def test_a_foreign_checkpoint_is_respected(site: Site) -> None:
    """No change of the network, no harm to the other's checkpoint; it heals by itself."""
    site.checkpoints.foreign = True
    report = site.engine.run_pass()
    assert site.machine.kernel.link("br-lan") is None
    assert site.ours() == set()
    assert network(report) == {"failed"}
    assert site.machine.kernel.parameters["net/ipv4/ip_forward"] == "1"
    site.checkpoints.foreign = False
    site.machine.clock.advance(120)
    assert site.engine.run_pass().converged


@pytest.mark.parametrize(
    "damaged", ['{"devices": [], "since": 1e999}', "[" * 100_000, "null", '{"devices": 1}', "\0"]
)
def test_a_damaged_note_of_ours_keeps_nobody_from_starting(site: Site, damaged: str) -> None:
    for name in ("checkpoint", "breaker.json"):
        (site.tmp_path / name).write_text(damaged)
    site.engine = site.start()
    assert site.engine.run_pass().converged
    assert not (site.tmp_path / "checkpoint").exists()


@pytest.mark.parametrize("times", ["1e999", "-9", "0", '"x"'])
def test_a_damaged_breaker_is_no_obstacle(site: Site, times: str) -> None:
    path = site.tmp_path / "breaker.json"
    path.write_text(f'{{"hash": "x", "times": {times}, "time": 1, "reason": ""}}')
    breaker = Breaker(path, site.machine.clock)
    assert breaker.holds("x") == ""


def test_a_leftover_of_a_killed_agent_is_cleared(site: Site) -> None:
    """Killed right after NetworkManager made it; another client's of the same devices stays."""
    create = site.checkpoints.create

    def killed(devices: Iterable[str], seconds: int) -> str:
        create(devices, seconds)
        raise Killed

    theirs = create(["/dev/1"], 60)
    site.machine.clock.advance(20)
    site.checkpoints.create = killed  # type: ignore[method-assign]
    with pytest.raises(Killed):
        site.engine.run_pass()
    assert len(site.checkpoints.saved) == 2
    site.checkpoints.create = create  # type: ignore[method-assign]
    site.start()
    assert set(site.checkpoints.saved) == {theirs}
    assert not (site.tmp_path / "checkpoint").exists()


def test_unconfirmed_changes_go_back_and_confirmed_ones_stay(site: Site) -> None:
    site.engine.run_pass(confirm=60)
    assert site.machine.kernel.ports("br-lan") == {"enp13s0f0"}
    site.machine.clock.advance(61)
    report = site.engine.run_pass()
    assert site.machine.kernel.link("br-lan") is None
    assert "confirmed" in report.objects[-1].reason
    report = site.engine.run_pass(confirm=60, force=True)
    assert site.engine.confirm()
    site.machine.clock.advance(120)
    assert site.engine.run_pass().converged
    assert site.machine.kernel.ports("br-lan") == {"enp13s0f0"}


def test_a_networkmanager_that_restarts_amid_a_trial_ends_neither_pass_nor_trial(
    site: Site,
) -> None:
    """It has forgotten the checkpoint by the time it is to wait for the operator's word."""

    def forgotten(path: str, seconds: int) -> None:
        raise WorldError("vanished", "no such checkpoint")

    site.checkpoints.extend = forgotten  # type: ignore[method-assign]
    site.engine.run_pass(confirm=60)
    assert site.machine.kernel.ports("br-lan") == {"enp13s0f0"}
    assert site.engine.next_attempt() == 60
    site.checkpoints.saved.clear()
    site.machine.clock.advance(61)
    site.engine.run_pass()
    assert site.ours() == set()


def test_bridges_without_anything_there_yet_are_on_trial_too(site: Site) -> None:
    """A checkpoint is of devices, and none of these has one: what was added is taken back by us."""
    site.engine.source.state = state(bridges={"br-new": {}})  # type: ignore[misc]
    site.engine.run_pass(confirm=60)
    assert site.machine.kernel.link("br-new") is not None
    assert site.engine.next_attempt() == 60
    site.machine.clock.advance(61)
    site.engine.run_pass()
    assert site.machine.kernel.link("br-new") is None
    site.engine.run_pass(confirm=60, force=True)
    assert site.engine.confirm()
    site.machine.clock.advance(61)
    assert site.engine.run_pass().converged
    assert site.machine.kernel.link("br-new") is not None


def test_a_trial_can_be_confirmed_while_networkmanager_is_away(site: Site) -> None:
    """Else the candidate would be in force for good, and nobody could end it."""
    source = site.engine.source
    assert isinstance(source, FakeSource)
    source.candidates["/new.yaml"] = state(bridges={**REFERENCE["bridges"], "br-new": {}})
    site.engine.run_pass(confirm=60, candidate="/new.yaml")

    def away(path: str) -> bool:
        raise WorldError("unavailable", "NetworkManager is not running")

    site.checkpoints.destroy = away  # type: ignore[method-assign]
    assert site.engine.confirm()
    assert not site.engine.report().state.trial
    assert not site.engine.confirm()


def test_an_operator_can_roll_back_at_once(site: Site) -> None:
    site.engine.run_pass(confirm=60)
    assert site.engine.rollback()
    assert site.machine.kernel.link("br-lan") is None
    assert site.ours() == set()


def test_a_candidate_is_in_force_until_its_time_is_over(site: Site) -> None:
    """Nobody confirms it: bridges go back by the checkpoint, sysctls by the former state."""
    source = site.engine.source
    assert isinstance(source, FakeSource)
    site.engine.run_pass()
    bridges = {**REFERENCE["bridges"], "br-new": {"ports": ()}}
    sysctls = {**REFERENCE["sysctls"], "net/ipv4/ip_forward": 0}
    source.candidates["/new.yaml"] = state(bridges=bridges, sysctls=sysctls)
    report = site.engine.run_pass(confirm=60, candidate="/new.yaml", force=True)
    assert report.state.trial == "/new.yaml"
    assert report.confirm_by == site.machine.clock.now + 60
    assert site.machine.kernel.link("br-new") is not None
    assert site.machine.kernel.parameters["net/ipv4/ip_forward"] == "0"
    site.machine.clock.advance(60)
    assert site.engine.run_pass().converged
    assert site.machine.kernel.link("br-new") is None
    assert site.machine.kernel.parameters["net/ipv4/ip_forward"] == "1"
    assert site.ours() == {
        "br-lan",
        "br-web",
        "br-dmz",
        "br-lan-enp13s0f0",
        "br-dmz-enp13s0f3",
        "br-web-enp13s0f0.6",
    }
