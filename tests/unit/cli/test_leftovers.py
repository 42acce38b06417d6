"""What is told when bridged is removed: what it leaves, and how to take that along."""

from bridged.cli.leftovers import leftovers
from bridged.observe.host import Profile, Unavailable
from bridged.plan.actions import ObjectId
from bridged.plan.identity import profile_uuid


def profile(kind: str, interface: str, uuid: str) -> Profile:
    connection = {"id": f"named {interface}", "type": kind, "interface-name": interface}
    return Profile("/p", uuid, {"connection": {**connection, "uuid": uuid}})


def test_its_own_profiles_are_named_and_those_that_were_adopted_are_not() -> None:
    """Rule 4: an adopted profile is its owner's, also when bridged goes."""
    ours = profile_uuid(ObjectId("bridge", "br-lan"))
    theirs = "11111111-2222-3333-4444-555555555555"
    told = leftovers(
        [profile("bridge", "br-lan", ours), profile("bridge", "br-web", theirs)],
        ["/etc/sysctl.d/zz-bridged.conf"],
    )
    assert f"    nmcli connection delete {ours}   # named br-lan\n" in told
    assert theirs not in told
    assert told.endswith("\n    rm /etc/sysctl.d/zz-bridged.conf")
    assert "stay as they are" in told


def test_without_networkmanager_it_says_what_to_look_for() -> None:
    told = leftovers(Unavailable("not there"), [])
    assert "nmcli connection   # profiles of bridged are named BRIDGE and BRIDGE-INTERFACE" in told


def test_a_node_on_which_nothing_was_made_is_told_so() -> None:
    assert leftovers([], []).count("\n") == 0
