"""The observer: one failing world leaves the others, and what carries the node is protected."""

from collections.abc import Iterable, Mapping
from threading import Event
from typing import Any

import pytest

from bridged.errors import WorldError
from bridged.observe.host import (
    Address,
    Interest,
    Link,
    ModuleState,
    NetworkManager,
    Sysctl,
    Unavailable,
)
from bridged.observe.observer import Observer, protected
from bridged.observe.protocols import KernelNetwork


class Worlds:
    """All readers in one; `failing` names the methods that raise, and what."""

    def __init__(self, kernel: KernelNetwork = KernelNetwork()) -> None:  # noqa: B008 - frozen
        self.kernel = kernel
        self.failing: dict[str, Exception] = {}
        self.ssh: frozenset[str] = frozenset()

    def _reach(self, name: str) -> None:
        if name in self.failing:
            raise self.failing[name]

    def ssh_addresses(self) -> frozenset[str]:
        self._reach("sessions")
        return self.ssh

    def machine_id(self) -> str:
        self._reach("machine-id")
        return "abc"

    def observer(self) -> Observer:
        worlds = self

        class Reader:
            def __init__(self, name: str, answer: Any) -> None:
                self.name, self.answer = name, answer

            def read(self, *asked: Iterable[str]) -> Any:
                worlds._reach(self.name)
                return self.answer(*asked) if callable(self.answer) else self.answer

            def exist(self, paths: Iterable[str]) -> Mapping[str, bool]:
                return dict.fromkeys(paths, True)

        def modules(names: Iterable[str]) -> Mapping[str, ModuleState]:
            return dict.fromkeys(names, "loaded")

        def sysctls(paths: Iterable[str]) -> Mapping[str, Sysctl]:
            return {path: Sysctl("1") for path in paths}

        return Observer(
            Reader("links", self.kernel),
            Reader("network-manager", lambda _: NetworkManager((1, 52, 1))),
            Reader("modules", modules),
            Reader("sysctls", sysctls),
            Reader("files", lambda paths: dict.fromkeys(paths, "text")),
            self,
            Reader("boot-sysctls", lambda _: {}),
            Reader("processes", lambda _: frozenset()),
            Reader("offloads", lambda _: {}),
            lambda: 42.0,
        )


INTEREST = Interest(
    modules=frozenset({"kvm"}), sysctls=frozenset({"a/b"}), files=frozenset({"/etc/x"})
)


def test_everything_is_put_together() -> None:
    host = Worlds(KernelNetwork((Link(1, "lo"),))).observer().observe(INTEREST)
    assert host.links == (Link(1, "lo"),)
    assert isinstance(host.network_manager, NetworkManager)
    assert host.modules == {"kvm": "loaded"}
    assert host.sysctls == {"a/b": Sysctl("1")}
    assert host.files == {"/etc/x": "text"}
    assert (host.machine_id, host.time, host.problems) == ("abc", 42.0, {})


@pytest.mark.own_fault
@pytest.mark.parametrize("error", [WorldError("timeout", "too late"), ValueError("a bug")])
@pytest.mark.parametrize(
    "world",
    [
        "links",
        "network-manager",
        "modules",
        "sysctls",
        "files",
        "sessions",
        "machine-id",
        "boot-sysctls",
    ],
)
def test_a_world_that_fails_leaves_the_others(world: str, error: Exception) -> None:
    """Promise 6, for reading."""
    worlds = Worlds(KernelNetwork((Link(1, "lo"),)))
    worlds.failing[world] = error
    host = worlds.observer().observe(INTEREST)
    assert set(host.problems) == {world}
    assert str(error) in host.problems[world]
    assert host.faults == ({} if isinstance(error, WorldError) else {world: error})
    seen = {
        "links": bool(host.links),
        "network-manager": isinstance(host.network_manager, NetworkManager),
        "modules": host.modules == {"kvm": "loaded"},
        "sysctls": host.sysctls["a/b"].value == "1",
        "files": host.files == {"/etc/x": "text"},
        "machine-id": host.machine_id == "abc",
        "sessions": True,
        "boot-sysctls": True,
    }
    missing = {name for name, there in seen.items() if not there}
    assert missing <= {world, "network-manager" if world == "links" else world}


def test_without_links_network_manager_counts_as_unavailable() -> None:
    """Else a plan would take every link for missing, and make bridges anew."""
    worlds = Worlds()
    worlds.failing["links"] = WorldError("timeout", "the kernel is busy")
    host = worlds.observer().observe(INTEREST)
    assert isinstance(host.network_manager, Unavailable)
    assert "the kernel is busy" in host.network_manager.reason


def test_a_sysctl_that_could_not_be_read_has_the_reason() -> None:
    worlds = Worlds()
    worlds.failing["sysctls"] = WorldError("permission", "no /proc")
    assert worlds.observer().observe(INTEREST).sysctls == {"a/b": Sysctl(None, "no /proc")}


# ------------------------------------------------------------------- what is protected

LINKS = (
    Link(1, "lo"),
    Link(2, "enp8s0"),
    Link(3, "enp13s0f0", controller=5),
    Link(4, "bond0.7", kind="vlan", parent=6),
    Link(5, "br-mgmt", kind="bridge"),
    Link(6, "bond0", kind="bond"),
    Link(7, "eno1", controller=6),
    Link(8, "eno2", controller=6),
    Link(9, "enp13s0f3"),
)


def test_the_interface_of_the_default_route_is_protected() -> None:
    kernel = KernelNetwork(LINKS, (), frozenset({2}))
    assert protected(kernel, ()) == {"enp8s0": "carries the default route"}


def test_what_a_protected_bridge_stands_on_is_protected_too() -> None:
    kernel = KernelNetwork(LINKS, (), frozenset({5}))
    assert protected(kernel, ()) == {
        "br-mgmt": "carries the default route",
        "enp13s0f0": "carries the default route through br-mgmt",
    }


def test_a_vlan_on_a_bond_protects_all_the_way_down() -> None:
    kernel = KernelNetwork(LINKS, (Address(4, 4, "192.0.2.1", 24),))
    assert protected(kernel, {"192.0.2.1"}) == {
        "bond0.7": "carries an ssh session",
        "bond0": "carries an ssh session through bond0.7",
        "eno1": "carries an ssh session through bond0",
        "eno2": "carries an ssh session through bond0",
    }


def test_the_vlan_on_a_protected_nic_is_not_protected_itself() -> None:
    """enp13s0f0 may be the node's uplink while its VLAN belongs to guests."""
    links = (Link(2, "enp8s0"), Link(3, "enp8s0.6", kind="vlan", parent=2))
    assert protected(KernelNetwork(links, (), frozenset({2})), ()) == {
        "enp8s0": "carries the default route"
    }


def test_a_route_or_address_of_a_link_that_is_gone_is_no_error() -> None:
    kernel = KernelNetwork(LINKS, (Address(99, 4, "192.0.2.1", 24),), frozenset({98}))
    assert protected(kernel, {"192.0.2.1"}) == {}


def test_what_is_asked_while_network_manager_signals_nothing() -> None:
    """A forced pass trusts its silence, the slow one does not; no answer is no silence."""
    answers: list[NetworkManager | Unavailable] = []
    signalled = Event()
    worlds = Worlds()

    class Reader:
        def read(self, devices: Iterable[str]) -> NetworkManager | Unavailable:
            answers.append(NetworkManager((1, 52, len(answers))))
            return answers[-1] if len(answers) != 2 else Unavailable("no answer in time")

    observer = worlds.observer()
    observer._network_manager, observer._signalled = Reader(), signalled

    def asked(interest: Interest) -> bool:
        before = len(answers)
        host = observer.observe(interest)
        assert host.remembered == (len(answers) == before)
        return len(answers) > before

    forced = Interest(trusting=True)
    assert asked(forced)
    assert not asked(forced)
    assert asked(Interest()), "the slow pass, which here gets no answer"
    assert asked(forced)
    assert not asked(forced)
    signalled.set()
    assert asked(forced)
    assert not asked(forced)
    assert asked(Interest(devices=frozenset({"br0"}), trusting=True)), "other devices"
