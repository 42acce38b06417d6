"""In-memory checkpoints and probes."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from bridged.desired.probes import Probe
from bridged.errors import WorldError
from tests.twins.machine import Machine

GATEWAY = Probe("gateway", "192.168.10.1", interface="enp8s0")


class FakeCheckpoints:
    """Checkpoints that really go back.  `foreign` is another client that holds one."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.saved: dict[str, Any] = {}
        self.told: dict[str, tuple[frozenset[str], int]] = {}
        """Devices and stamp of every checkpoint that was ever made."""
        self.foreign = False
        self.extended: list[str] = []
        self._next = 1

    def create(self, devices: Iterable[str], seconds: int) -> str:
        """Take down profiles and links of the devices."""
        if self.foreign:
            raise WorldError("refused", "a device is already included in a checkpoint")
        nm, kernel = self._machine.nm, self._machine.kernel
        path, self._next = f"/checkpoint/{self._next}", self._next + 1
        self.told[path] = frozenset(devices), self.stamp()
        self.saved[path] = deepcopy((nm.profiles, nm.active, nm.applied, kernel.links))
        return path

    def extend(self, path: str, seconds: int) -> None:
        """Nothing runs out here; it is noted."""
        self.extended.append(path)

    def stamp(self) -> int:
        """Milliseconds of the machine's clock."""
        return int(self._machine.clock() * 1000)

    def made(self, devices: Iterable[str], since: int) -> tuple[str, ...]:
        """Those that still exist, of these devices, made at `since`."""
        return tuple(path for path in self.saved if self.told[path] == (frozenset(devices), since))

    def destroy(self, path: str) -> bool:
        """Keep what was done."""
        return self.saved.pop(path, None) is not None

    def rollback(self, path: str) -> bool:
        """Go back; profiles that are new stay, as with a scoped checkpoint."""
        saved = self.saved.pop(path, None)
        if saved is None:
            return False
        nm, kernel = self._machine.nm, self._machine.kernel
        profiles, nm.active, nm.applied, kernel.links = saved
        nm.profiles = {**nm.profiles, **profiles}
        return True


class FakeReach:
    """`works` decides what answers."""

    def __init__(self, works: Callable[[Probe], bool] = lambda probe: True) -> None:
        self.works = works

    def gateways(self) -> tuple[Probe, ...]:
        """One gateway."""
        return (GATEWAY,)

    def answering(self, probes: Iterable[Probe]) -> frozenset[Probe]:
        """Those that work."""
        return frozenset(probe for probe in probes if self.works(probe))
