"""What the tests of NetworkManager's worlds share: fixtures (as a plugin) and small steps."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridged.apply.networkmanager import NetworkManagerWriter
from bridged.dbus import SystemBus
from bridged.errors import WorldError
from bridged.observe.host import NetworkManager
from bridged.observe.networkmanager import NetworkManagerReader
from bridged.plan.actions import Activate, AddProfile, Changes, ObjectId, UpdateProfile
from tests.netns.worlds.support import (
    BRIDGE,
    NICS,
    PORT_UUID,
    add_guest,
    bridge_profile,
    clean,
    nmcli,
    port_profile,
    run,
)

NIC = NICS[0]


@pytest.fixture
def bus() -> Iterator[SystemBus]:
    bus = SystemBus()
    yield bus
    bus.close()


@pytest.fixture
def writer(bus: SystemBus) -> "OneByOne":
    return OneByOne(bus)


class OneByOne(NetworkManagerWriter):
    """The writer, for one profile at a time; its error is raised."""

    def add_profile(self, action: AddProfile) -> None:
        self._raise(self.add_profiles([action]))

    def update_profile(self, action: UpdateProfile) -> None:
        self._raise(self.update_profiles([action]))

    def bring_up(self, action: Activate) -> None:
        (begun,) = self.activate([action])
        if isinstance(begun, WorldError):
            raise begun
        begun.wait()

    @staticmethod
    def _raise(errors: list[WorldError | None]) -> None:
        for error in errors:
            if error is not None:
                raise error


@pytest.fixture
def reader(bus: SystemBus) -> NetworkManagerReader:
    return NetworkManagerReader(bus)


@pytest.fixture(autouse=True)
def laboratory() -> Iterator[None]:
    run("lab", "nm-start")
    clean()
    yield
    run("lab", "nm-start")
    clean()


def read(reader: NetworkManagerReader, *devices: str) -> NetworkManager:
    found = reader.read(devices)
    assert isinstance(found, NetworkManager), found
    return found


def update(uuid: str, changes: Changes, in_memory: bool = False) -> UpdateProfile:
    return UpdateProfile(
        object=BRIDGE, reason="test", uuid=uuid, profile="x", changes=changes, in_memory=in_memory
    )


def activate(uuid: str = PORT_UUID, device: str = NIC) -> Activate:
    return Activate(object=ObjectId("port", device), reason="test", uuid=uuid, device=device)


def plug(writer: NetworkManagerWriter) -> None:
    """br-lan with its NIC and a guest, all up."""
    writer.add_profile(bridge_profile())
    writer.add_profile(port_profile())
    writer.bring_up(activate())
    add_guest()


def ports() -> set[str]:
    return {line.split()[0].partition("@")[0] for line in run(
        "ip", "-br", "link", "show", "master", "br-lan").splitlines()}  # fmt: skip


def file_of(uuid: str) -> Path:
    return Path(nmcli("-g", "FILENAME,UUID", "connection").split(f":{uuid}")[0].splitlines()[-1])


def hold(seconds: float = 0.6) -> None:

    time.sleep(seconds)
