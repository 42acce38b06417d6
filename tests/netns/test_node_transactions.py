"""No lock-out: what is reached stays reached, changes can be tried, protected NICs are let be."""

from tests.lab.netns import NetnsLab
from tests.lab.node import WIRE, far, wait_until
from tests.netns.agent import (
    ADMIN_NIC,
    DMZ_NIC,
    LAN_NIC,
    LAYOUT,
    REFERENCE,
    Agent,
    administration,
    checkpoints,
    gateway,
    plug_two,
    profiles_of,
    reference_is_right,
    two_guests,
)

OLD = f"{LAYOUT}  br-old: {{}}\n"
SWITCH = f"""
while :; do
    while ip link show br-old; do sleep 0.01; done
    ip -n wire address del 192.168.10.1/24 dev {far(ADMIN_NIC)}
    until ip link show br-old; do sleep 0.01; done
    ip -n wire address add 192.168.10.1/24 dev {far(ADMIN_NIC)}
done >/dev/null 2>&1
"""
"""A switch that cuts the node off as soon as the bridge br-old is gone, until it is back."""


def reachable(lab: NetnsLab, address: str = "192.168.10.1") -> bool:
    """Whether a host answers to ping."""
    return lab.run("ping", "-c1", "-W1", address, check=False).returncode == 0


def node_with_a_gateway(lab: NetnsLab, agent: Agent) -> None:
    """The reference node with br-old, and a gateway that answers as long as that is there."""
    gateway(lab, ADMIN_NIC)
    administration(lab)
    wait_until(lambda: reachable(lab), 15, "the gateway answers")
    agent.converge(OLD)
    lab.spawn("bash", "-c", SWITCH)
    assert reachable(lab)


def rolled_back(lab: NetnsLab, agent: Agent) -> bool:
    """Waits until the removal of br-old was taken back in both layers."""
    wait_until(lambda: agent.logged("rolled_back") == 1, 30)
    wait_until(lambda: lab.link("br-old") is not None, 15)
    wait_until(lambda: reachable(lab), 15)
    assert len(profiles_of(lab, "br-old")) == 1
    assert checkpoints(lab) == []
    return True


def test_rule_12_a_change_that_loses_the_gateway_is_rolled_back(
    lab: NetnsLab, agent: Agent
) -> None:
    """Rule 12: the gateway answered before and not after; both layers are as they were, it is told
    and not tried again, not even by a new agent; a corrected file closes it."""
    node_with_a_gateway(lab, agent)
    agent.declare(LAYOUT)
    assert rolled_back(lab, agent)

    def told() -> bool:
        return "rolled back" in agent.object("bridge/br-old")["reason"]

    wait_until(told, 10)
    agent.restart()
    wait_until(told, 10)
    lab.sh("ip link set br-lan type bridge stp_state 1")
    wait_until(lambda: lab.bridge_data("br-lan")["stp_state"] == 0, 10, "the rest goes on")
    agent.next_pass_of_its_own()
    assert agent.logged("rolled_back") == 1
    assert reachable(lab)
    agent.converge(OLD)
    assert reachable(lab)


def test_rule_12_a_probe_that_the_operator_lists_counts_too(lab: NetnsLab, agent: Agent) -> None:
    """Rule 12: no default gateway; a host that is listed must still answer."""
    node_with_a_gateway(lab, agent)
    lab.sh("ip route del default")
    agent.declare(f"{LAYOUT}probes: [192.168.10.1]\n")
    assert rolled_back(lab, agent)
    assert "192.168.10.1" in agent.log


def test_rule_12_a_port_that_was_the_way_to_a_probe_is_given_back(
    lab: NetnsLab, agent: Agent
) -> None:
    """Rule 12: a NIC with an address of its own, no default route, becomes a port: the host behind
    it no longer answers, so the NIC gets back its profile and its address."""
    gateway(lab, DMZ_NIC, "10.8.0.1/24")
    lab.sh(f"""
        nmcli con add type ethernet con-name storage ifname {DMZ_NIC} ipv4.method manual \
            ipv4.addresses 10.8.0.2/24 ipv6.method disabled
        nmcli con up storage
    """)
    wait_until(lambda: reachable(lab, "10.8.0.1"), 15)
    agent.start(f"{LAYOUT}probes: [10.8.0.1]\n")
    wait_until(lambda: agent.logged("rolled_back") == 1, 30)
    wait_until(lambda: reachable(lab, "10.8.0.1"), 15)
    (profile,) = profiles_of(lab, DMZ_NIC)
    assert (profile.name, profile.autoconnect) == ("storage", True)


def test_rule_4_the_uplink_of_the_nodes_own_address_is_kept(lab: NetnsLab, agent: Agent) -> None:
    """Rules 4 and 12: br-lan carries the node's address; neither a file that moves its NIC to
    another bridge nor one that takes it away cuts the node off."""
    gateway(lab, LAN_NIC)
    lab.sh("""
        nmcli con add type bridge con-name br-lan ifname br-lan bridge.stp no ipv6.method disabled \
            ipv4.method manual ipv4.addresses 192.168.10.160/24 ipv4.gateway 192.168.10.1
    """)
    state = LAYOUT.replace("{ports: [enp13s0f0]}", "{ports: [enp13s0f0], ipv4: keep}")
    agent.converge(state)
    wait_until(lambda: reachable(lab), 15, "the gateway answers")
    empty = state.replace("ports: [enp13s0f0]", "ports: []")
    for lockout in (empty.replace("[enp13s0f3]", "[enp13s0f3, enp13s0f0]"), empty):
        agent.declare(lockout)
        agent.reread()
        wait_until(lambda: not agent.status()["converged"], 15)
        wait_until(lambda: reachable(lab), 15)
        assert lab.controller(LAN_NIC) == "br-lan"


def test_rule_12_what_did_not_answer_before_holds_up_nothing(lab: NetnsLab, agent: Agent) -> None:
    """Rule 12: a dead gateway and a dead probe prove nothing."""
    administration(lab)
    agent.converge(f"{REFERENCE}probes: [192.0.2.7, '192.168.10.9:6443']\n")
    assert reference_is_right(lab)
    assert agent.logged("rolled_back") == 0
    assert checkpoints(lab) == []


def removal_with_confirm(lab: NetnsLab, running: Agent, seconds: int) -> None:
    """br-lan, with guests, is taken out of the file and removed on trial."""
    plug_two(lab)
    running.next_pass()
    running.declare(REFERENCE.replace("  br-lan: {ports: [enp13s0f0]}\n", ""))
    running.wait_condition("bridge/br-lan", "withheld")
    running.ctl("apply", "--allow-disruption", "br-lan", "--confirm", f"{seconds}s")
    wait_until(lambda: lab.link("br-lan") is None, 15)
    assert running.status()["confirm_by"] is not None


def test_what_nobody_confirms_goes_back_by_itself(lab: NetnsLab, running: Agent) -> None:
    """`bridgedctl apply --confirm 3s` and nobody there: bridge, NIC and guests are back."""
    removal_with_confirm(lab, running, 3)
    wait_until(lambda: lab.ports("br-lan") == {LAN_NIC, "vnet0", "vnet1"}, 20)
    assert checkpoints(lab) == []
    for _ in range(3):
        running.next_pass()
    assert lab.ports("br-lan") == {LAN_NIC, "vnet0", "vnet1"}, "not tried again by itself"


def test_what_is_confirmed_stays(lab: NetnsLab, running: Agent) -> None:
    """`bridgedctl confirm` in time."""
    removal_with_confirm(lab, running, 30)
    running.ctl("confirm", check=True)
    running.wait_converged()
    assert lab.link("br-lan") is None
    assert checkpoints(lab) == []
    assert lab.link("vnet0") is not None


def test_an_operator_can_take_it_back_at_once(lab: NetnsLab, running: Agent) -> None:
    """`bridgedctl rollback`, long before the time is over."""
    removal_with_confirm(lab, running, 60)
    running.ctl("rollback", check=True)
    wait_until(lambda: lab.ports("br-lan") == {LAN_NIC, "vnet0", "vnet1"}, 20)
    assert checkpoints(lab) == []


def test_a_candidate_is_tried_and_confirmed_or_not(lab: NetnsLab, running: Agent) -> None:
    """`bridgedctl apply --state FILE --confirm 3s`: a new file on trial beside the one in force;
    unconfirmed it goes back, confirmed it takes the file's place."""
    candidate = "/root/new.yaml"
    lab.write(candidate, f"{REFERENCE}".replace("bridges:\n", "bridges:\n  br-new: {}\n"))
    running.ctl("apply", "--state", candidate, "--confirm", "3s")
    assert lab.link("br-new") is not None
    wait_until(lambda: lab.link("br-new") is None, 20)
    running.wait_converged()
    assert profiles_of(lab, "br-new") == []
    running.ctl("apply", "--state", candidate, "--confirm", "60s")
    running.ctl("confirm", check=True)
    running.wait_converged()
    assert lab.link("br-new") is not None
    assert "br-new" in lab.read("/etc/bridged/state.yaml")


def test_a_killed_agent_leaves_no_trial_behind(lab: NetnsLab, running: Agent) -> None:
    """Rule 9: killed while changes wait to be confirmed: the next one ends the checkpoint."""
    removal_with_confirm(lab, running, 60)
    running.kill()
    running.start()
    assert checkpoints(lab) == []


def test_rule_4_the_nic_of_the_default_route_is_refused(lab: NetnsLab, agent: Agent) -> None:
    """Rule 4: named with its reason, profile and address untouched, all else converges."""
    gateway(lab, ADMIN_NIC)
    administration(lab)
    before, profile = lab.standing(ADMIN_NIC), settings(lab)
    agent.start(LAYOUT.replace("[enp13s0f3]", "[enp13s0f3, enp8s0]"))
    wait_until(lambda: reference_is_right(lab), 15)
    assert agent.condition(f"port/{ADMIN_NIC}") == "blocked"
    assert "default route" in agent.object(f"port/{ADMIN_NIC}")["reason"]
    assert lab.standing(ADMIN_NIC) == before
    assert settings(lab) == profile
    assert reachable(lab)


def settings(lab: NetnsLab) -> dict[str, str]:
    """The settings of the administrator's profile, without its present state."""
    return {key: value for key, value in lab.profile("admin").items() if key.islower()}


def test_rule_4_the_nic_of_an_ssh_session_is_refused(lab: NetnsLab, agent: Agent) -> None:
    """Rule 4: no default route; an established connection to port 22 is what protects it."""
    gateway(lab, DMZ_NIC, "10.8.0.1/24")
    lab.sh(f"""
        nmcli con add type ethernet con-name ssh ifname {DMZ_NIC} ipv4.method manual \
            ipv4.addresses 10.8.0.2/24 ipv6.method disabled
        nmcli con up ssh
    """)
    server = lab.spawn("python3", "-c", _SERVER)
    wait_until(lambda: "listens" in server.stdout, 10)
    client = lab.spawn("python3", "-c", _CLIENT, netns=WIRE)
    wait_until(lambda: "connected" in client.stdout, 10, far(DMZ_NIC))
    agent.start(LAYOUT)
    wait_until(lambda: lab.controller(LAN_NIC) == "br-lan", 15)
    assert agent.condition(f"port/{DMZ_NIC}") == "blocked"
    assert "ssh" in agent.object(f"port/{DMZ_NIC}")["reason"]
    assert lab.addresses()[DMZ_NIC] == ["10.8.0.2/24"]
    client.kill()
    server.kill()
    wait_until(lambda: lab.controller(DMZ_NIC) == "br-dmz", 20, "once the session is over")


_SERVER = """
import socket, time
server = socket.create_server(("10.8.0.2", 22))
print("listens", flush=True)
connection, _ = server.accept()
time.sleep(600)
"""
_CLIENT = """
import socket, time
connection = socket.create_connection(("10.8.0.2", 22))
print("connected", flush=True)
time.sleep(600)
"""


def test_rule_4_what_is_listed_under_protect_is_refused(lab: NetnsLab, agent: Agent) -> None:
    """Rule 4: a file that declares a protected NIC as a port is refused, both lines named."""
    agent.converge(f"{LAYOUT.replace('[enp13s0f3]', '[]')}protect: [{DMZ_NIC}]\n")
    agent.declare(f"{LAYOUT}protect: [{DMZ_NIC}]\n")
    wait_until(lambda: not agent.status()["state"]["valid"], 10)
    problem = " ".join(agent.status()["state"]["problems"])
    assert "protect" in problem
    assert DMZ_NIC in problem
    agent.next_pass()
    assert lab.controller(DMZ_NIC) is None
    assert profiles_of(lab, DMZ_NIC) == []


def test_a_rolled_back_change_costs_guests_no_frame(lab: NetnsLab, agent: Agent) -> None:
    """Rules 2 and 12: guests of a bridge that is in the checkpoint keep streaming."""
    node_with_a_gateway(lab, agent)
    with two_guests(lab, "br-dmz") as flow:
        agent.declare(LAYOUT)
        assert rolled_back(lab, agent)
        assert lab.ports("br-dmz") == {DMZ_NIC, "vnet0", "vnet1"}
    assert flow.lost == 0, flow
