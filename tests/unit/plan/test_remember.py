"""What is remembered of guests while their bridge is activated again, look by look."""

from dataclasses import replace

from bridged.observe.host import Device, Host, Link, NetworkManager
from bridged.plan.memory import Memory
from bridged.plan.remember import dropped, remember
from tests.unit.reference import state

STATE = state()
BRIDGE = Link(4, "br-lan", "bridge", up=True)
PLUGGED = Link(9, "vnet0", "tun", controller=4, controller_kind="bridge", port={"brport_cost": 2})
OUT = replace(PLUGGED, controller=None, controller_kind="", port={})


def host(guest: Link, activation: str, activating: bool = False, time: float = 0.0) -> Host:
    device = Device("/device", "br-lan", True, 100, "uuid", activating, activation=activation)
    return Host(
        links=(BRIDGE, guest),
        network_manager=NetworkManager((1, 52, 1), devices=(device,)),
        time=time,
    )


def after(*hosts: Host) -> Memory:
    memory = Memory()
    for seen in hosts:
        memory = remember(memory, STATE, seen)
    return memory


def test_a_new_activation_that_shows_before_the_ports_are_dropped() -> None:
    """NetworkManager tells of the new activation while the guest is still plugged in."""
    last = host(OUT, "/active/2")
    memory = after(host(PLUGGED, "/active/1"), host(PLUGGED, "/active/2", True), last)
    assert dropped(memory.guests[9], last)


def test_a_drop_that_shows_before_the_new_activation() -> None:
    """The kernel is quicker: the guest is out, NetworkManager still tells of the old activation."""
    last = host(OUT, "/active/2", time=1.0)
    memory = after(host(PLUGGED, "/active/1"), host(OUT, "/active/1"), last)
    assert dropped(memory.guests[9], last)


def test_a_guest_that_leaves_a_bridge_to_which_nothing_happens_is_forgotten() -> None:
    memory = after(host(PLUGGED, "/active/1"), host(OUT, "/active/1"))
    assert not dropped(memory.guests[9], host(OUT, "/active/1"))
    assert (
        after(host(PLUGGED, "/active/1"), host(OUT, "/active/1"), host(OUT, "/active/1", time=11.0))
        == Memory()
    )


def test_a_renamed_or_reused_index_is_another_link() -> None:
    other = replace(OUT, name="eth7")
    assert after(host(PLUGGED, "/active/1"), host(other, "/active/2")).guests == {}


HAIRPIN = replace(PLUGGED, port={"brport_cost": 2, "brport_mode": 1})


def remembered(seen: Host) -> Host:
    """The same, with NetworkManager's last word."""
    return replace(seen, remembered=True)


def test_settings_that_changed_behind_a_signal_that_is_late_are_not_taken_for_meant() -> None:
    """The port was plugged in anew, which the kernel shows before NetworkManager's signal came."""
    begun = host(HAIRPIN, "/active/1")
    late = remembered(host(PLUGGED, "/active/1"))
    memory = after(begun, late)
    assert memory.doubtful
    assert memory.guests[9].port == {"brport_cost": 2}
    asked = after(begun, late, host(PLUGGED, "/active/2")).guests[9]
    assert asked.port == {"brport_cost": 2, "brport_mode": 1}
    assert dropped(asked, host(PLUGGED, "/active/2"))
    out = after(begun, late, remembered(host(OUT, "/active/1")), host(OUT, "/active/2")).guests[9]
    assert out.port == {"brport_cost": 2, "brport_mode": 1}


def test_settings_that_somebody_changed_are_meant_once_the_bridge_is_known_to_be_the_same() -> None:
    memory = after(host(PLUGGED, "/active/1"), remembered(host(HAIRPIN, "/active/1")))
    memory = remember(memory, STATE, remembered(host(HAIRPIN, "/active/1")))
    assert memory.doubtful, "nobody has been asked yet"
    memory = remember(memory, STATE, host(HAIRPIN, "/active/1"))
    assert not memory.doubtful
    assert memory.guests[9].port == {"brport_cost": 2, "brport_mode": 1}
    later = remember(memory, STATE, host(PLUGGED, "/active/2")).guests[9]
    assert later.port == {"brport_cost": 2, "brport_mode": 1}


def test_what_a_former_version_did_not_remember_is_no_difference() -> None:
    """It knew of fewer settings, and the bridge was activated while nobody looked."""
    before = after(host(PLUGGED, "/active/1"))
    more = replace(PLUGGED, port={"brport_cost": 2, "brport_locked": 0})
    found = remember(before, STATE, host(more, "/active/2")).guests[9]
    assert found.port == {"brport_cost": 2, "brport_locked": 0}
    assert not dropped(found, host(more, "/active/2"))
