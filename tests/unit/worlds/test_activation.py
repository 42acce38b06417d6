"""Activations are asked for together: what NetworkManager does not answer stays one error each."""

from collections.abc import Sequence
from typing import Any

from bridged.apply.activation import begin
from bridged.apply.manager import Manager
from bridged.dbus import Call
from bridged.errors import WorldError
from bridged.plan.actions import Activate, ObjectId


class Deaf:
    """A bus that knows every profile, and whose NetworkManager answers nothing else in time."""

    def __init__(self) -> None:
        self.asked: list[Call] = []

    def call_many(self, calls: Sequence[Call], timeout: float = 1, raw: bool = False) -> list[Any]:
        self.asked += calls
        late = WorldError("timeout", "no answer")
        return ["/profile" if c.method == "GetConnectionByUuid" else late for c in calls]


def test_a_device_that_is_not_told_in_time_is_that_ports_error_and_nothing_is_activated() -> None:
    bus = Deaf()
    ports = [
        Activate(object=ObjectId("port", name), reason="", uuid=name, device=name) for name in "ab"
    ]
    begun = begin(Manager(bus, 1.0), ports, 1.0)  # type: ignore[arg-type]
    assert [getattr(each, "kind", None) for each in begun] == ["timeout", "timeout"]
    assert all(isinstance(call.path, str) for call in bus.asked)
    assert not [call for call in bus.asked if call.method == "ActivateConnection"]
