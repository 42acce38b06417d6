"""NetworkManager is read as nmcli shows it, while it runs, starts, hangs or is away."""

import os
import signal
import subprocess
import time
from typing import Any

import pytest

from bridged.dbus import SystemBus
from bridged.errors import WorldError
from bridged.observe.host import NetworkManager, Unavailable
from bridged.observe.networkmanager import (
    SERVICE,
    NetworkManagerReader,
)
from tests.netns.worlds.nm import NIC, OneByOne, file_of, hold, plug, ports, read, update
from tests.netns.worlds.support import (
    BRIDGE_UUID,
    MAC,
    PORT_UUID,
    bridge_profile,
    descriptors,
    needs_laboratory,
    nmcli,
    port_profile,
    run,
    wait_for,
)

pytest_plugins = ["tests.netns.worlds.nm"]
pytestmark = needs_laboratory


def test_a_reading_shows_profiles_devices_and_what_is_applied(
    writer: OneByOne, reader: NetworkManagerReader
) -> None:
    plug(writer)
    wait_for(lambda: "vnet0" in nmcli("-f", "DEVICE", "connection", "show", "--active"))
    seen = read(reader, "br-lan", "nonsense")
    version = nmcli("-f", "VERSION", "general")
    assert ".".join(map(str, seen.version)) == version
    bridge, nic, guest = (seen.device(name) for name in ("br-lan", NIC, "vnet0"))
    assert bridge is not None
    assert nic is not None
    assert guest is not None
    assert (bridge.active, bridge.state, bridge.managed) == (BRIDGE_UUID, 100, True)
    assert not bridge.external
    assert not bridge.activating
    assert bridge.applied is not None
    assert bridge.applied["bridge"]["stp"] is False
    assert nic.active == PORT_UUID
    assert nic.applied is None
    assert guest.external
    mirror = seen.profile(guest.active)
    assert mirror is not None
    assert mirror.generated
    profile = seen.profile(BRIDGE_UUID)
    assert profile is not None
    assert profile.get("bridge", "mac-address") == bytes.fromhex(MAC.replace(":", ""))
    assert profile.filename == str(file_of(BRIDGE_UUID))
    assert not profile.generated
    assert not profile.in_memory


def test_profiles_that_vanish_while_reading_are_left_out(bus: SystemBus, writer: OneByOne) -> None:
    writer.add_profile(bridge_profile())
    writer.add_profile(port_profile())

    class Deleting(SystemBus):
        def call_many(self, calls: Any, timeout: float = 10.0) -> list[Any]:
            nmcli("connection", "delete", "uuid", PORT_UUID)
            return super().call_many(calls, timeout)

    deleting = Deleting()
    seen = read(NetworkManagerReader(deleting))
    deleting.close()
    assert seen.profile(BRIDGE_UUID) is not None
    assert seen.profile(PORT_UUID) is None


def test_a_stopped_service_is_unavailable_and_its_return_is_seen(
    reader: NetworkManagerReader, writer: OneByOne
) -> None:
    """Case 35: nothing is raised, no path of before is used, no descriptor is lost."""

    plug(writer)
    read(reader)
    before = descriptors()
    for _ in range(3):
        run("lab", "nm-stop")
        gone = reader.read(())
        assert isinstance(gone, Unavailable)
        assert "not running" in gone.reason
        with pytest.raises(WorldError) as caught:
            writer.update_profile(update(BRIDGE_UUID, {"bridge": {"stp": True}}))
        assert caught.value.kind == "unavailable"
        run("lab", "nm-start")
        seen = read(reader, "br-lan")
        device = seen.device("br-lan")
        assert device is not None
        assert device.active == BRIDGE_UUID
    assert ports() == {NIC, "vnet0"}
    wait_for(lambda: descriptors() <= before)


def test_a_starting_service_is_whole_or_unavailable(
    reader: NetworkManagerReader, writer: OneByOne
) -> None:
    """A reading in the middle of a start must not look like one with profiles missing."""

    plug(writer)
    for _ in range(5):
        run("lab", "nm-stop")
        starting = subprocess.Popen(["lab", "nm-start"])
        while starting.poll() is None:
            seen = reader.read(("br-lan",))
            if isinstance(seen, NetworkManager):
                assert seen.profile(BRIDGE_UUID) is not None
                assert seen.profile(PORT_UUID) is not None
                assert seen.device(NIC) is not None
                assert seen.device("br-lan") is not None


def test_a_service_that_hangs_is_unavailable_in_time(reader: NetworkManagerReader) -> None:

    pid = int(run("lab", "nm-pid"))
    hurried = NetworkManagerReader(SystemBus(), timeout=0.5)
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        seen = hurried.read(())
        assert time.monotonic() - began < 1.5
    finally:
        os.kill(pid, signal.SIGCONT)
    assert isinstance(seen, Unavailable)
    assert "does not answer" in seen.reason


def test_a_still_reading_changes_nothing(
    reader: NetworkManagerReader, writer: OneByOne, bus: SystemBus
) -> None:
    """Promise 1: only methods that read are called."""

    plug(writer)
    monitor = subprocess.Popen(
        ["dbus-monitor", "--system", "--profile", "type='method_call',destination='"
         f"{SERVICE}'"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    hold(0.5)
    read(reader, "br-lan", NIC)
    hold(0.5)
    monitor.terminate()
    lines = monitor.communicate()[0].splitlines()
    calls = {line.split("\t")[-1] for line in lines if line.startswith("mc\t")}
    assert calls >= {"GetManagedObjects", "GetSettings", "GetAppliedConnection"}
    assert calls <= {"GetManagedObjects", "GetSettings", "GetAppliedConnection", "Hello"}
