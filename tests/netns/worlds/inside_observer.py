"""The whole observation on a machine with bridges and guests, and the worlds beside the network."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridged.agent.wiring import real_observer
from bridged.apply.modules import ModuleLoader
from bridged.apply.sysctls import SysctlWriter
from bridged.dbus import SystemBus
from bridged.errors import WorldError
from bridged.observe.host import Interest, NetworkManager, Unavailable
from bridged.observe.netlink import NetlinkReader
from bridged.observe.observer import Observer
from bridged.plan.actions import Activate, ObjectId
from tests.netns.worlds.nm import OneByOne
from tests.netns.worlds.support import (
    NICS,
    PORT_UUID,
    add_guest,
    bridge_profile,
    clean,
    descriptors,
    index_of,
    needs_laboratory,
    nmcli,
    port_profile,
    run,
    wait_for,
)

pytestmark = needs_laboratory

INTEREST = Interest(
    devices=frozenset({"br-lan", "br-1", "br-2"}),
    modules=frozenset({"br_netfilter", "overlay", "no_such_module"}),
    sysctls=frozenset({"net/ipv4/ip_forward", "net/ipv4/no_such_key"}),
    files=frozenset({"/etc/hostname", "/etc/no-such-file"}),
)


@pytest.fixture
def bus() -> Iterator[SystemBus]:
    bus = SystemBus()
    yield bus
    bus.close()


@pytest.fixture
def observer(bus: SystemBus) -> Observer:
    return real_observer(bus)


@pytest.fixture(autouse=True)
def laboratory(bus: SystemBus) -> Iterator[None]:
    run("lab", "nm-start")
    clean()
    writer = OneByOne(bus)
    writer.add_profile(bridge_profile())
    writer.add_profile(port_profile())
    port = ObjectId("port", NICS[0])
    writer.bring_up(Activate(object=port, reason="test", uuid=PORT_UUID, device=NICS[0]))
    for number in (1, 2):
        nmcli("connection", "add", "type", "bridge", "con-name", f"br-{number}",
              "ifname", f"br-{number}", "ipv4.method", "disabled", "ipv6.method", "disabled",
              "bridge.stp", "no")  # fmt: skip
        nmcli("connection", "up", f"br-{number}")
    add_guest()
    yield
    run("lab", "nm-start")
    clean()


def test_one_observation_sees_all_worlds(observer: Observer) -> None:
    host = observer.observe(INTEREST)
    assert host.problems == {}
    assert isinstance(host.network_manager, NetworkManager)
    bridge = host.link("br-lan")
    assert bridge is not None
    assert {link.name for link in host.ports(bridge)} == {NICS[0], "vnet0"}
    assert host.modules["no_such_module"] == "absent"
    assert host.sysctls["net/ipv4/ip_forward"].value in {"0", "1"}
    assert host.sysctls["net/ipv4/no_such_key"].value is None
    assert host.files["/etc/hostname"] is not None
    assert host.files["/etc/no-such-file"] is None


def test_what_carries_the_node_is_protected(observer: Observer) -> None:
    run("ip", "addr", "add", "10.7.0.2/24", "dev", "br-lan")
    run("ip", "route", "add", "default", "via", "10.7.0.1", "dev", "br-lan")
    try:
        protected = observer.observe(INTEREST).protected
    finally:
        run("ip", "addr", "flush", "dev", "br-lan")
    assert protected["br-lan"] == "carries the default route"
    assert protected[NICS[0]] == "carries the default route through br-lan"
    assert NICS[1] not in protected


def test_an_ssh_session_protects_its_interface(observer: Observer) -> None:
    """A listener on port 22 and a connection from the other side of the wire."""
    nic = NICS[2]
    nmcli("device", "set", nic, "managed", "no")
    run("ip", "link", "set", nic, "up")
    run("ip", "addr", "add", "10.8.0.2/24", "dev", nic)
    run("ip", "netns", "exec", "wire", "ip", "addr", "add", "10.8.0.1/24", "dev", f"sw-{nic}")
    with socket.create_server(("10.8.0.2", 22)) as server:
        assert nic not in observer.observe(INTEREST).protected
        client = subprocess.Popen(
            ["ip", "netns", "exec", "wire", "python3", "-c",
             "import socket, time; s = socket.create_connection(('10.8.0.2', 22)); time.sleep(20)"]
        )  # fmt: skip
        connection, _ = server.accept()
        try:
            assert observer.observe(INTEREST).protected[nic] == "carries an ssh session"
        finally:
            connection.close()
            client.kill()
            client.wait()
            run("ip", "addr", "flush", "dev", nic)
            run("ip", "netns", "exec", "wire", "ip", "addr", "flush", "dev", f"sw-{nic}")
            nmcli("device", "set", nic, "managed", "yes")


def test_without_network_manager_the_rest_is_seen(observer: Observer) -> None:
    run("lab", "nm-stop")
    host = observer.observe(INTEREST)
    assert isinstance(host.network_manager, Unavailable)
    assert host.link("br-lan") is not None
    assert host.sysctls["net/ipv4/ip_forward"].value is not None


def test_an_observation_of_three_bridges_takes_milliseconds(observer: Observer) -> None:
    """A bound with much room; the figure itself is in the output (pytest -s)."""
    observer.observe(INTEREST)
    times = []
    for _ in range(50):
        began = time.perf_counter()
        observer.observe(INTEREST)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    print(f"\nobservation: median {times[25]:.1f} ms, p98 {times[48]:.1f} ms")
    assert times[25] < 100


def test_observing_for_a_long_time_costs_nothing(observer: Observer) -> None:
    """Cases L6 to L8: descriptors and memory stay where they are."""

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096

    for _ in range(200):
        observer.observe(INTEREST)
    files, memory = descriptors(), resident()
    for _ in range(400):
        observer.observe(INTEREST)
    wait_for(lambda: descriptors() <= files)
    assert resident() - memory < 4 << 20


def test_a_sysctl_that_is_read_only_here_is_a_matter_of_permission() -> None:
    """Case 22: a sandbox, not a wrong value."""
    with pytest.raises(WorldError) as caught:
        SysctlWriter().write("kernel/hung_task_timeout_secs", "120")
    assert caught.value.kind in ("permission", "not-found")


def test_a_sysctl_of_the_network_is_written_and_a_wrong_value_refused() -> None:
    writer, path = SysctlWriter(), f"net/ipv4/conf/{NICS[0]}/forwarding"
    before = run("sysctl", "-n", path).strip()
    other = "0" if before == "1" else "1"
    writer.write(path, other)
    assert run("sysctl", "-n", path).strip() == other
    writer.write(path, before)
    with pytest.raises(WorldError) as caught:
        writer.write(path, "perhaps")
    assert caught.value.kind == "refused"
    assert "perhaps" in caught.value.message


def test_a_module_that_is_not_installed_is_not_found() -> None:
    """Case 7, by the real modprobe."""
    with pytest.raises(WorldError) as caught:
        ModuleLoader().load("no_such_module")
    assert caught.value.kind == "not-found"


def test_a_link_of_the_dump_is_the_one_of_ip() -> None:
    links = {link.name: link.index for link in NetlinkReader().read().links}
    for name in (*NICS, "br-lan", "vnet0"):
        assert links[name] == index_of(name)
