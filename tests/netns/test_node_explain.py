"""`bridgedctl explain` and `doctor` beside a real NetworkManager."""

import json
from typing import Any

from tests.lab.netns import NetnsLab
from tests.lab.watch import watching
from tests.netns.agent import DMZ_NIC, LAN_NIC, STATE, Agent

Document = dict[str, Any]


def explain(agent: Agent, *words: str) -> Document:
    """What is said of an object, as JSON."""
    document: Document = json.loads(agent.ctl("explain", "--json", *words))
    return document


def row(document: Document, name: str) -> Document:
    """One of its properties."""
    return next(dict(view) for view in document["properties"] if view["name"] == name)


def test_a_running_agent_explains_what_is_right(lab: NetnsLab, running: Agent) -> None:
    """Kernel, profile, file and line agree with what ip, nmcli and the state file say."""
    lab.add_guest("br-lan", "vnet0")
    found = explain(running, "br-lan")
    assert found["as_desired"], found
    assert found["declared"] == f"{STATE}:3"
    mac = row(found, "mac")
    assert mac["kernel"] == mac["network_manager"].lower() == lab.links()["br-lan"]["address"]
    stp = row(found, "stp")
    assert (stp["desired"], stp["kernel"], stp["network_manager"]) == ("false", "false", "false")
    assert ["guests", "1: vnet0"] in found["facts"]
    (profile,) = found["profiles"]
    assert lab.profile(profile["uuid"])["connection.interface-name"] == "br-lan"
    assert lab.exists(profile["file"])
    port = explain(running, "port", LAN_NIC)
    assert row(port, "bridge")["network_manager"] == "br-lan"
    # What was put out of the way is still to be seen.
    assert {p["role"] for p in port["profiles"]} >= {"in charge"}
    assert "vnet0 is not declared; it is plugged into br-lan" in _refused(lab, "vnet0")
    assert "did you mean bridge/br-lan" in _refused(lab, "br-lna")


def _refused(lab: NetnsLab, name: str) -> str:
    done = lab.run(*lab.bridgedctl, "explain", name, check=False)
    assert done.returncode == 1
    return " ".join(done.stderr.split())


def test_a_parameter_and_who_wins_the_boot(lab: NetnsLab, running: Agent) -> None:
    lab.write("/etc/sysctl.d/zzz-rival.conf", "net.ipv4.ip_forward = 0\n")
    found = explain(running, "net.ipv4.ip_forward")
    assert row(found, "value")["kernel"] == "1"
    assert [(line["file"], line["wins"]) for line in found["boot"]][-2:] == [
        ("/etc/sysctl.d/zz-bridged.conf", False),
        ("/etc/sysctl.d/zzz-rival.conf", True),
    ]
    assert "take the line out of /etc/sysctl.d/zzz-rival.conf" in found["next_step"]


def test_without_an_agent_the_drift_and_its_rival_are_explained_and_nothing_is_written(
    lab: NetnsLab, running: Agent
) -> None:
    running.stop()
    lab.sh(f"""
        ip link set br-dmz type bridge stp_state 1
        nmcli connection add type ethernet con-name thief ifname {DMZ_NIC} autoconnect no
        nmcli connection modify thief connection.autoconnect yes
    """)
    with watching(lab) as seen:
        found = explain(running, "br-dmz")
        port = explain(running, DMZ_NIC)
    assert seen.still, seen
    stp = row(found, "stp")
    assert (stp["kernel"], stp["network_manager"], stp["differs"]) == ("true", "false", True)
    assert "systemctl start bridged" in found["next_step"]
    assert [p["id"] for p in port["profiles"] if p["role"] == "rival"] == ["thief"]
    assert any("thief" in other for other in port["others"])


def test_the_doctor_sees_what_is_in_the_way(lab: NetnsLab, running: Agent) -> None:
    lab.sh(f"nmcli device set {DMZ_NIC} managed no")
    lab.write("/etc/network/interfaces", f"auto lo\nallow-hotplug {LAN_NIC}\n")
    done = lab.run(*lab.bridgedctl, "doctor", "--json", check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    found: Document = json.loads(done.stdout)
    problems = {c["name"]: c for c in found["checks"] if c["grade"] == "problem"}
    assert f"does not manage {DMZ_NIC}" in problems["nm-managed"]["seen"]
    assert f"/etc/network/interfaces:2 names {LAN_NIC}" in problems["ifupdown"]["seen"]
    fine = {c["name"]: c["seen"] for c in found["checks"] if c["grade"] == "ok"}
    assert "answers over D-Bus" in fine["networkmanager"]
    assert "libraries" in fine
