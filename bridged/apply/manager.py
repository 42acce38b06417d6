"""NetworkManager as the writers ask for it: calls, and what is where at the moment of use."""

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from bridged.apply.settings import Raw, parse
from bridged.dbus import Call, SystemBus
from bridged.errors import WorldError
from bridged.observe.networkmanager import (
    ACTIVE,
    CONNECTION,
    DEVICE,
    MANAGER_PATH,
    SERVICE,
    SETTINGS,
    SETTINGS_PATH,
    version_numbers,
)

NO_PATH = "/"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_EACH = 0.1
"""Seconds that each of many calls may take."""
_BUSY = 0.4
"""Seconds that each activation under way may keep it from answering."""
_PATIENCE, _LONGEST = 2.0, 20.0
"""How many times the seconds that its last answers took NetworkManager is given beside all that,
and the most of them: what made it slow may not be ours."""
_MOST = 50.0
"""Seconds for which nothing is waited longer: systemd's watchdog (60 s) is not told meanwhile."""
_SAME = 10.0
"""Seconds for which NetworkManager is taken to be the same: an upgrade restarts it."""
_NOTED = 4096
"""New profiles that are remembered at most."""


class Instance(NamedTuple):
    """A NetworkManager that runs: the name that the bus gave it, and (major, minor, micro).

    The next one has another name, so that what only this one can know is asked of nobody else.
    """

    name: str
    version: tuple[int, int, int]


class Added(NamedTuple):
    """A profile that was made and never active yet: whose it is, its path there, its kind."""

    owner: str
    path: str
    kind: str


class Manager:
    """Calls over `bus`, each within `timeout` seconds and some more while NetworkManager is busy
    for us; every method raises `WorldError`."""

    def __init__(
        self, bus: SystemBus, timeout: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.bus = bus
        self._timeout = timeout
        self._monotonic = monotonic
        self._known: tuple[Instance, float] | None = None
        self._added: dict[str, Added] = {}
        self._slow = 0.0
        self.under_way = 0
        """Activations that NetworkManager is busy with on our behalf."""

    def call(
        self, path: str, interface: str, method: str, signature: str = "()", args: Any = ()
    ) -> Any:
        """The answer as plain Python."""
        call = Call(SERVICE, path, interface, method, signature, tuple(args))
        return self._asked(self.bus.call, call)

    def raw(
        self, path: str, interface: str, method: str, signature: str = "()", args: Any = ()
    ) -> Any:
        """The answer as the variant that it is."""
        call = Call(SERVICE, path, interface, method, signature, tuple(args))
        return self._asked(self.bus.call_raw, call)

    def _asked(self, ask: Callable[[Call, float], Any], call: Call) -> Any:
        began = self._monotonic()
        answer = ask(call, self._limit())
        self._answered(began)
        return answer

    def many(self, calls: Iterable[tuple[Any, ...]], raw: bool = False) -> list[Any]:
        """Several of what `call` (or `raw`) takes, or whole calls, sent together: the answer or the
        `WorldError` of each.  Never raises."""
        asked = [call if isinstance(call, Call) else Call(SERVICE, *call) for call in calls]
        if not asked:
            return []
        began = self._monotonic()
        try:
            answers = self.bus.call_many(asked, self._limit(_EACH * len(asked)), raw)
        except WorldError as error:
            return [error] * len(asked)
        if not any(isinstance(answer, WorldError) for answer in answers):
            self._answered(began)
        return answers

    def _answered(self, began: float) -> None:
        """Take note of how long NetworkManager took: it will not be much quicker the next time."""
        self._slow = max(self._monotonic() - began, self._slow / 2)

    def _limit(self, more: float = 0.0) -> float:
        slow = min(_PATIENCE * self._slow, _LONGEST)
        return min(self._timeout + _BUSY * self.under_way + slow + more, _MOST)

    def many_of(self, calls: Iterable[Any], raw: bool = False) -> list[Any]:
        """The same, where what is no call (an error of before, say) is its own answer."""
        calls = list(calls)
        answers = iter(self.many([call for call in calls if isinstance(call, tuple)], raw))
        return [next(answers) if isinstance(call, tuple) else call for call in calls]

    @staticmethod
    def property(path: str, interface: str, name: str) -> tuple[Any, ...]:
        """The call for a property, for `many`."""
        return (path, _PROPERTIES, "Get", "(ss)", (interface, name))

    def get(self, path: str, interface: str, name: str) -> Any:
        """A property."""
        return self.call(*self.property(path, interface, name))

    def instance(self) -> Instance:
        """The NetworkManager that answers now."""
        now = self._monotonic()
        if self._known is None or now - self._known[1] > _SAME:
            bus = "org.freedesktop.DBus"
            owner = Call(bus, "/org/freedesktop/DBus", bus, "GetNameOwner", "(s)", (SERVICE,))
            name, version = self.many([owner, self.property(MANAGER_PATH, SERVICE, "Version")])
            for answer in (version, name):
                if isinstance(answer, WorldError):
                    raise answer
            self._known = Instance(name, version_numbers(version)), now
        return self._known[0]

    def note_added(self, uuid: str, added: Added) -> None:
        """Remember a new profile for its first activation."""
        if len(self._added) >= _NOTED:
            self._added.clear()
        self._added[uuid] = added

    def take_added(self, uuid: str) -> Added | None:
        """What is known of a new profile, once; the next time it has to be asked."""
        return self._added.pop(uuid, None)

    def profile(self, uuid: str) -> str:
        """Path of a profile; `WorldError` (``vanished``) where there is none."""
        try:
            path: str = self.call(SETTINGS_PATH, SETTINGS, "GetConnectionByUuid", "(s)", (uuid,))
        except WorldError as error:
            raise no_profile(error) from error
        return path

    def settings(self, path: str) -> Raw:
        """What a profile holds."""
        return parse(self.raw(path, CONNECTION, "GetSettings").get_child_value(0))

    def device(self, interface: str) -> str:
        """Path of a device, `NO_PATH` where there is none."""
        try:
            path: str = self.call(MANAGER_PATH, SERVICE, "GetDeviceByIpIface", "(s)", (interface,))
        except WorldError as error:
            if error.kind == "vanished":
                return NO_PATH
            raise
        return path

    def active(self, device: str, guess: str = "") -> tuple[str, str, int]:
        """Path, profile and state of what is active on a device, empty and 0 for nothing.

        `guess` is the path that it most likely has: if so, one question does.
        """
        if device == NO_PATH:
            return "", "", 0
        on_device = self.property(device, DEVICE, "ActiveConnection")
        path, *told = self.many([on_device, *self._of_active(guess)])
        if isinstance(path, str) and path not in ("", NO_PATH, guess):
            told = self.many(self._of_active(path))
        for answer in (path, *told):
            if isinstance(answer, WorldError) and answer.kind != "vanished":
                raise answer
        if path in ("", NO_PATH) or any(isinstance(answer, WorldError) for answer in (path, *told)):
            return "", "", 0
        return path, told[0], told[1]

    def _of_active(self, path: str) -> list[tuple[Any, ...]]:
        names = ("Uuid", "State") if path else ()
        return [self.property(path, ACTIVE, name) for name in names]


def no_profile(error: WorldError) -> WorldError:
    """What GetConnectionByUuid failed with: InvalidConnection is how it says "no such profile"."""
    return WorldError("vanished", error.message) if error.kind == "refused" else error
