"""A node that others set up, written down as it is, and kept as it was written down."""

import yaml

from tests.lab.byhand import set_up_by_hand
from tests.lab.netns import NetnsLab
from tests.lab.watch import watching
from tests.netns.agent import (
    ADMIN_NIC,
    DMZ_NIC,
    LAN_NIC,
    REFERENCE,
    STATE,
    Agent,
    administration,
    gateway,
    reference_is_right,
    two_guests,
)

LINKS = ("br-lan", "br-dmz", LAN_NIC, DMZ_NIC)
DRAFT = "/tmp/imported.yaml"
SYSCTLS = """\
net.ipv4.ip_forward = 1
fs.inotify.max_user_watches = 1048576
fs.inotify.max_user_instances = 8192
"""
OWN = {
    "version": 1,
    "bridges": {"br-lan": {"ports": [LAN_NIC]}, "br-dmz": {"ports": [DMZ_NIC]}},
    "sysctls": {
        "net.ipv4.ip_forward": 1,
        "fs.inotify.max_user_watches": 1048576,
        "fs.inotify.max_user_instances": 8192,
    },
    "protect": [ADMIN_NIC],
}


def imported(lab: NetnsLab) -> dict[str, object]:
    """What bridgedctl import writes, without the modules, which are those of the host outside."""
    lab.run(*lab.bridgedctl, "import", "-o", DRAFT, "--force")
    found: dict[str, object] = yaml.safe_load(lab.read(DRAFT))
    found.pop("modules", None)
    return found


def test_the_owners_node_is_written_down_and_the_plan_is_adoption_only(
    lab: NetnsLab, agent: Agent
) -> None:
    """Set up with the owner's nmcli lines, with guests, and a bridge of Docker's beside it."""
    gateway(lab, ADMIN_NIC)
    administration(lab)
    set_up_by_hand(lab)
    lab.write("/etc/sysctl.d/99-kubernetes.conf", SYSCTLS)
    lab.sh("sysctl -qp /etc/sysctl.d/99-kubernetes.conf; ip link add docker0 type bridge")
    with two_guests(lab) as flow:
        before = lab.standing(*LINKS, "vnet0", "vnet1")
        with watching(lab) as seen:
            assert imported(lab) == OWN
        assert seen.still, seen
        told = lab.run(*lab.bridgedctl, "import").stderr
        assert "docker0: left out: Docker makes it" in told
        assert "guest ports are not declared: vnet0, vnet1" in told
        plan = lab.run(*lab.bridgedctl, "--state", DRAFT, "plan", "--json", check=False).stdout
        assert adoption_only(lab, yaml.safe_load(plan)["actions"])
        agent.converge(lab.read(DRAFT))
        assert lab.standing(*LINKS, "vnet0", "vnet1") == before
    assert flow.lost == 0, flow
    assert reference_is_right(lab)


def adoption_only(lab: NetnsLab, actions: list[dict[str, str]]) -> bool:
    """Asserts that a plan only pins the addresses that the bridges have, makes their profiles bring
    the ports up, and writes bridged's boot files."""
    allowed = set()
    for name in ("br-lan", "br-dmz"):
        allowed |= {
            f"change bridge.mac-address, connection.autoconnect-ports of profile {name}",
            f"set address={lab.links()[name]['address']} on {name}",
        }
    other = {action["description"] for action in actions} - allowed
    assert all("/bridged.conf" in text or "-bridged.conf" in text for text in other), other
    return True


def test_a_node_that_bridged_keeps_gives_an_empty_plan(lab: NetnsLab, agent: Agent) -> None:
    """Host, import, plan: nothing to do, and the file says what was declared."""
    gateway(lab, ADMIN_NIC)
    administration(lab)
    agent.converge(f"{REFERENCE}protect: [{ADMIN_NIC}]\n")
    agent.stop()
    assert imported(lab) == OWN == yaml.safe_load(lab.read(STATE))
    plan = lab.run(*lab.bridgedctl, "--state", DRAFT, "plan", check=False)
    assert "nothing to do" in plan.stdout
    assert plan.returncode == 0


def test_what_differs_from_a_new_bridge_is_written_down(lab: NetnsLab, agent: Agent) -> None:
    """Properties of bridge and port as nmcli sets them, and a plan that changes none of them.

    Not VLANs: the laboratory's kernel may have none.
    """
    set_up_by_hand(lab)
    lab.sh("""
        nmcli connection modify br-dmz bridge.ageing-time 60 bridge.stp yes \\
            bridge.multicast-snooping no bridge.group-forward-mask 16384
        nmcli connection modify br-dmz-slave-1 bridge-port.path-cost 50 \\
            bridge-port.hairpin-mode yes
        nmcli connection up br-dmz && nmcli connection up br-dmz-slave-1
    """)
    written = imported(lab)
    assert written["bridges"] == {
        "br-lan": {"ports": [LAN_NIC]},
        "br-dmz": {
            "ports": [{"name": DMZ_NIC, "path-cost": 50, "hairpin": True}],
            "stp": True,
            "ageing-time": 60,
            "group-forward-mask": 16384,
            "multicast-snooping": False,
        },
    }
    plan = lab.run(*lab.bridgedctl, "--state", DRAFT, "plan", "--json", check=False).stdout
    assert adoption_only(lab, yaml.safe_load(plan)["actions"])
