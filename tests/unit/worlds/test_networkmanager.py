"""Reading NetworkManager from prepared answers: what is left out, what is unavailable."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bridged.apply.settings import for_version
from bridged.dbus import Call, Objects, kind_of
from bridged.errors import ErrorKind, WorldError
from bridged.observe.host import NetworkManager, Unavailable
from bridged.observe.networkmanager import (
    ACTIVE,
    CONNECTION,
    DEVICE,
    MANAGER_PATH,
    SERVICE,
    SETTINGS,
    SETTINGS_PATH,
    NetworkManagerReader,
    version_numbers,
)
from bridged.plan.actions import Changes


class FakeBus:
    """Answers from dictionaries; calls that it does not know are of objects that vanished."""

    def __init__(self) -> None:
        self.error: WorldError | None = None
        self.answers: dict[tuple[str, str], Any] = {}
        self.known: Objects = {
            SERVICE: {MANAGER_PATH: {"Version": "1.52.1"}},
            SETTINGS: {SETTINGS_PATH: {}},
            CONNECTION: {},
            DEVICE: {},
            ACTIVE: {},
        }

    def device(self, path: str, interface: str, **properties: Any) -> None:
        usual = {
            "Interface": interface,
            "Managed": True,
            "State": 100,
            "ActiveConnection": "/",
            "Autoconnect": True,
            "Real": True,
        }
        self.known[DEVICE][path] = usual | properties

    def call(self, call: Call, timeout: float = 1) -> Any:
        raise AssertionError(call)

    def call_raw(self, call: Call, timeout: float = 1) -> Any:
        raise AssertionError(call)

    def call_many(self, calls: Sequence[Call], timeout: float = 1) -> list[Any]:
        gone = WorldError("vanished", "gone")
        return [self.answers.get((call.path, call.method), gone) for call in calls]

    def objects(
        self, service: str, path: str, wanted: Mapping[str, Sequence[str]], timeout: float = 1
    ) -> Objects:
        if self.error:
            raise self.error
        return self.known


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


def read(bus: FakeBus, *devices: str) -> NetworkManager:
    found = NetworkManagerReader(bus).read(devices)
    assert isinstance(found, NetworkManager), found
    return found


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("unavailable", "not running"),
        ("vanished", "not running"),
        ("timeout", "does not answer"),
        ("permission", "cannot be read"),
        ("failed", "cannot be read"),
    ],
)
def test_no_answer_is_unavailable_with_a_sentence(
    bus: FakeBus, kind: ErrorKind, words: str
) -> None:
    bus.error = WorldError(kind, "details")
    found = NetworkManagerReader(bus).read(())
    assert isinstance(found, Unavailable)
    assert words in found.reason
    assert "details" in found.reason


@pytest.mark.parametrize("missing", [SERVICE, SETTINGS])
def test_half_of_the_objects_is_a_service_that_starts(bus: FakeBus, missing: str) -> None:
    bus.known[missing] = {}
    found = NetworkManagerReader(bus).read(())
    assert isinstance(found, Unavailable)
    assert "starting" in found.reason


def test_networking_that_is_switched_off_is_unavailable_with_the_way_out(bus: FakeBus) -> None:
    """`nmcli networking off`: every device is unmanaged then, whatever its configuration says."""
    bus.known[SERVICE][MANAGER_PATH]["State"] = 10
    found = NetworkManagerReader(bus).read(())
    assert isinstance(found, Unavailable)
    assert "nmcli networking on" in found.reason
    bus.known[SERVICE][MANAGER_PATH]["State"] = 20
    read(bus)


def test_an_answer_of_another_shape_is_unavailable(bus: FakeBus) -> None:
    del bus.known[ACTIVE]
    bus.device("/d/1", "enp8s0")
    assert isinstance(NetworkManagerReader(bus).read(()), Unavailable)


def test_a_profile_that_vanished_is_left_out(bus: FakeBus) -> None:
    bus.known[CONNECTION] = {"/s/1": {"Filename": "/etc/a"}, "/s/2": {}}
    bus.answers["/s/1", "GetSettings"] = {"connection": {"uuid": "u1", "id": "a"}}
    profiles = read(bus).profiles
    assert [(p.uuid, p.filename, p.unsaved, p.generated) for p in profiles] == [
        ("u1", "/etc/a", False, False)
    ]


@pytest.mark.parametrize("kind", ["unavailable", "timeout"])
def test_a_service_that_dies_in_between_is_unavailable(bus: FakeBus, kind: ErrorKind) -> None:
    """Else the profiles not answered for would look deleted."""
    bus.known[CONNECTION] = {"/s/1": {}, "/s/2": {}}
    bus.answers["/s/1", "GetSettings"] = {"connection": {"uuid": "u1"}}
    bus.answers["/s/2", "GetSettings"] = WorldError(kind, "died")
    assert isinstance(NetworkManagerReader(bus).read(()), Unavailable)


def test_flags_tell_who_made_a_profile(bus: FakeBus) -> None:
    bus.known[CONNECTION] = {"/s/1": {"Flags": 0x3, "Unsaved": True}}
    bus.answers["/s/1", "GetSettings"] = {"connection": {"uuid": "u1"}}
    assert read(bus).profiles[0].generated


def test_devices_show_what_is_active_on_them(bus: FakeBus) -> None:
    bus.known[ACTIVE] = {
        "/a/1": {"Uuid": "u1", "State": 2, "StateFlags": 0x10},
        "/a/2": {"Uuid": "u2", "State": 1, "StateFlags": 0x2},
        "/a/3": {"Uuid": "u3", "State": 2, "StateFlags": 0x80},
    }
    bus.device("/d/1", "br-lan", ActiveConnection="/a/1")
    bus.device("/d/2", "enp13s0f0", ActiveConnection="/a/2", State=50)
    bus.device("/d/3", "vnet0", ActiveConnection="/a/3")
    bus.device("/d/4", "enp13s0f3", State=10, Managed=False)
    found = {d.interface: d for d in read(bus).devices}
    assert [(d.active, d.activating, d.external) for d in found.values()] == [
        ("u1", False, False),
        ("u2", True, False),
        ("u3", False, True),
        ("", False, False),
    ]
    assert not found["enp13s0f3"].managed


def test_a_placeholder_for_a_device_that_does_not_exist_is_left_out(bus: FakeBus) -> None:
    bus.device("/d/1", "br-lan", Real=False)
    assert read(bus).devices == ()


def test_applied_settings_are_read_for_the_devices_asked_for(bus: FakeBus) -> None:
    bus.known[ACTIVE] = {"/a/1": {"Uuid": "u1", "State": 2, "StateFlags": 0}}
    for number, name in enumerate(("br-lan", "br-web", "br-dmz")):
        bus.device(f"/d/{number}", name, ActiveConnection="/a/1")
        bus.answers[f"/d/{number}", "GetAppliedConnection"] = ({"bridge": {"stp": False}}, 3)
    del bus.answers["/d/1", "GetAppliedConnection"]
    found = read(bus, "br-lan", "br-web", "nonsense")
    assert [d.applied for d in found.devices] == [{"bridge": {"stp": False}}, None, None]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("1.52.1", (1, 52, 1)), ("1.54", (1, 54, 0)), ("1.53.2-dev", (1, 53, 2)), ("", (0, 0, 0))],
)
def test_versions(text: str, numbers: tuple[int, int, int]) -> None:
    assert version_numbers(text) == numbers


# ------------------------------------------------------------------------ names and errors


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ((1, 42, 4), {"master", "slave-type", "autoconnect-slaves", "id"}),
        (
            (1, 46, 0),
            {
                "controller",
                "master",
                "port-type",
                "slave-type",
                "autoconnect-ports",
                "autoconnect-slaves",
                "id",
            },
        ),
    ],
)
def test_aliases_are_written_alike_in_names_that_the_version_knows(
    version: tuple[int, int, int], names: set[str]
) -> None:
    """Case 30."""
    changes: Changes = {
        "connection": {
            "controller": "br-lan",
            "port-type": "bridge",
            "autoconnect-ports": 1,
            "id": "x",
        },
        "bridge": {"stp": False},
    }
    written = for_version(changes, version)
    assert set(written["connection"]) == names
    assert written["connection"]["master"] == "br-lan"
    assert written["connection"]["slave-type"] == "bridge"
    assert written["bridge"] == {"stp": False}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("org.freedesktop.DBus.Error.ServiceUnknown", "unavailable"),
        ("org.freedesktop.DBus.Error.NameHasNoOwner", "unavailable"),
        ("org.freedesktop.DBus.Error.NoReply", "unavailable"),
        ("org.freedesktop.DBus.Error.Timeout", "timeout"),
        ("org.freedesktop.DBus.Error.AccessDenied", "permission"),
        ("org.freedesktop.NetworkManager.PermissionDenied", "permission"),
        ("org.freedesktop.NetworkManager.Settings.PermissionDenied", "permission"),
        ("org.freedesktop.DBus.Error.UnknownObject", "vanished"),
        ("org.freedesktop.DBus.Error.UnknownMethod", "vanished"),
        ("org.freedesktop.NetworkManager.UnknownDevice", "vanished"),
        ("org.freedesktop.NetworkManager.Device.NotActive", "vanished"),
        ("org.freedesktop.NetworkManager.Device.VersionIdMismatch", "vanished"),
        ("org.freedesktop.NetworkManager.Device.IncompatibleConnection", "refused"),
        ("org.freedesktop.NetworkManager.Settings.Connection.InvalidProperty", "refused"),
        ("org.freedesktop.NetworkManager.Settings.UuidExists", "refused"),
        ("org.freedesktop.NetworkManager.Failed", "failed"),
        ("org.freedesktop.DBus.Error.LimitsExceeded", "failed"),
        ("org.example.Whatever", "failed"),
    ],
)
def test_error_names_are_sorted_into_kinds(name: str, kind: str) -> None:
    assert kind_of(name) == kind
