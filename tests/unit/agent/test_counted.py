"""What the agent counts of itself for the metrics."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bridged.agent.loop import Loop, Senses
from bridged.agent.state_source import FileSource
from bridged.agent.systemd import Notifier
from bridged.agent.wake import Wake
from bridged.dbus import Call, SystemBus
from bridged.errors import WorldError
from bridged.observe.forwarding import ForwardingTables
from bridged.report import Counters, Finding
from bridged.serve.metrics import ReportCollector
from tests.twins.machine import Machine
from tests.twins.source import FakeSource, engine
from tests.unit.agent.test_transaction import Site
from tests.unit.reference import state

FORWARD = "net/ipv4/ip_forward"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def counted(site: Site) -> Counters:
    return site.engine.report().counters


def test_a_kept_change_is_a_checkpoint_and_no_rollback(site: Site) -> None:
    site.engine.run_pass()
    assert set(counted(site).checkpoints) == {"kept"}
    assert counted(site).rollbacks == {}
    assert not counted(site).breaker_open


def test_a_rollback_is_told_by_cause_and_opens_the_breaker(site: Site) -> None:
    site.cut_by_bridge()
    site.engine.run_pass()
    assert counted(site).checkpoints == {"rolled-back": 1}
    assert counted(site).rollbacks == {"unreachable": 1}
    assert counted(site).breaker_open
    assert counted(site).breaker_rollbacks == 1
    assert counted(site).conditions["bridge/br-lan", "withheld"] == 1


def test_who_took_a_change_back(site: Site) -> None:
    site.engine.run_pass(confirm=60)
    site.engine.rollback()
    site.engine.run_pass(confirm=60, force=True)
    site.machine.clock.advance(61)
    site.engine.run_pass()
    assert counted(site).rollbacks == {"operator": 1, "unconfirmed": 1}
    site.engine.run_pass(confirm=60, force=True)
    site.engine.confirm()
    assert counted(site).checkpoints == {"rolled-back": 2, "kept": 1}


def test_a_checkpoint_that_another_holds_is_not_made(site: Site) -> None:
    site.checkpoints.foreign = True
    site.engine.run_pass()
    assert set(counted(site).checkpoints) == {"not-made"}


def test_steps_that_wait_for_a_word_are_counted_by_bridge(machine: Machine) -> None:
    running = engine(machine, state())
    running.run_pass()
    machine.kernel.add_link("vnet0", "tun", up=True)
    machine.kernel.plug("vnet0", "br-dmz")
    source = running.source
    assert isinstance(source, FakeSource)
    bridges = state().bridges or {}
    source.state = state(bridges={k: v for k, v in bridges.items() if k != "br-dmz"})
    waiting = running.run_pass().counters.withheld
    assert set(waiting) == {"br-dmz"}
    assert waiting["br-dmz"] > 0
    assert running.run_pass(allowed=frozenset({"br-dmz"})).counters.withheld == {}


def test_a_contest_is_counted_once_while_it_lasts(machine: Machine) -> None:
    running = engine(machine, state())
    running.run_pass()
    for _ in range(30):
        machine.kernel.parameters[FORWARD] = "0"
        report = running.run_pass()
        machine.clock.advance(1)
    assert report.counters.conditions["sysctl/net.ipv4.ip_forward", "contended"] == 1


def test_ever_new_objects_do_not_fill_the_metrics(machine: Machine) -> None:
    """Of 300 parameters that were declared and taken out again, the last hundred are counted."""
    running = engine(machine, state())
    source = running.source
    assert isinstance(source, FakeSource)
    numbers = iter(range(300))

    def refresh(complete: bool = False) -> bool:
        path = f"net/ipv4/conf/v{next(numbers)}/forwarding"
        machine.kernel.parameters[path] = "0"
        source.state = state(sysctls={path: 1})
        source.report = replace(source.report, hash=path)
        return True

    source.refresh = refresh  # type: ignore[method-assign]
    for _ in range(300):
        report = running.run_pass()
    counted = {key[0] for key in report.counters.repairs if key[0].startswith("sysctl/")}
    assert 100 <= len(counted) <= 102
    assert ("module/kvm", "state-file", "repaired") in report.counters.repairs, (
        "it is still declared"
    )


def test_links_tell_stp_state_driver_and_duplex(machine: Machine) -> None:
    running = engine(machine, state())
    running.run_pass()
    machine.kernel.change("enp13s0f0", driver="igb", duplex="full", port={"brport_state": 4})
    machine.kernel.change("br-lan", info={"br_fdb_n_learned": 7})
    links = {link.name: link for link in running.run_pass().links}
    port = links["enp13s0f0"]
    assert (port.stp_state, port.driver, port.duplex) == ("blocking", "igb", "full")
    assert (links["br-lan"].stp_state, links["br-lan"].fdb_entries) == ("", 7)


def test_the_loop_adds_what_others_know(machine: Machine) -> None:
    asked: list[set[str]] = []

    def learned(bridges: Iterable[str]) -> Mapping[str, int]:
        asked.append(set(bridges))
        return {"br-lan": 3}

    running = engine(machine, state())
    senses = Senses(
        dbus_errors=lambda: {"timeout": 2},
        learned=learned,
        findings=lambda: (Finding("web-config", "broken"),),
    )
    report = Loop(running, Wake(), Notifier({}), machine.clock, senses=senses)._pass()
    assert report.counters.dbus_errors == {"timeout": 2}
    assert report.findings[-1].code == "web-config"
    assert asked == [{"br-lan", "br-web", "br-dmz"}]
    assert {link.name: link.fdb_entries for link in report.links}["br-lan"] == 3


def test_forwarding_tables_are_read_once_in_a_while(tmp_path: Path) -> None:
    """Each entry has 16 bytes; the bridge's own addresses do not count."""
    table = tmp_path / "sys/class/net/br0/brforward"
    table.parent.mkdir(parents=True)
    own, other = bytes(7) + b"\1" + bytes(8), bytes(16)
    table.write_bytes(own + 3 * other)
    now = [0.0]
    tables = ForwardingTables(tmp_path, 60, lambda: now[0])
    assert tables.learned(["br0", "br1"]) == {"br0": 3}
    table.write_bytes(own)
    now[0] = 59.0
    assert tables.learned(["br0"]) == {"br0": 3}
    now[0] = 60.0
    assert tables.learned(["br0"]) == {"br0": 0}
    assert tables.learned([]) == {}


def test_a_bus_that_is_away_is_counted_by_kind(tmp_path: Path) -> None:
    bus = SystemBus(f"unix:path={tmp_path}/none")
    for _ in range(2):
        with pytest.raises(WorldError):
            bus.call(Call("a.b", "/", "a.b", "C"))
    assert dict(bus.errors) == {"unavailable": 2}


def test_when_the_files_were_written(tmp_path: Path) -> None:
    file = tmp_path / "state.yaml"
    file.write_text("version: 1\nmodules: [kvm]\n")
    os.utime(file, (1000, 1000))
    source = FileSource(file)
    source.refresh()
    assert source.report.modified == 1000
    (tmp_path / "state.d").mkdir()
    drop_in = tmp_path / "state.d" / "10.yaml"
    drop_in.write_text("modules: [overlay]\n")
    for path, seconds in ((drop_in, 2000), (drop_in.parent, 1500)):
        os.utime(path, (seconds, seconds))
    source.refresh()
    assert source.report.modified == 2000


def test_a_thousand_guests_come_and_go_and_the_series_are_as_before(machine: Machine) -> None:
    running = engine(machine, state())

    def series() -> int:
        report = running.run_pass()
        return ReportCollector(lambda: report, "1").sheet().text().count("\n")

    series()
    before = series()
    for number in range(1000):
        machine.kernel.add_link(f"tap{number}", "tun", up=True)
        machine.kernel.plug(f"tap{number}", "br-lan")
    assert series() == before
    assert len(running.report().links[0].guests) == 1000
    for number in range(1000):
        machine.kernel.delete(f"tap{number}")
    assert series() == before
