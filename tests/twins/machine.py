"""A whole machine in memory: one kernel, one NetworkManager, and a clock that tests move."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from bridged.apply.executor import Executor, Writers
from bridged.desired.state import State
from bridged.observe.host import Host, Interest, Kubeadm, Link, NetworkManager, Unavailable
from bridged.observe.node import Node
from bridged.plan.memory import Memory
from bridged.plan.planner import interest, make_plan
from bridged.plan.result import Plan
from tests.twins.faults import Faults
from tests.twins.files import FakeFiles
from tests.twins.kernel import FakeKernel
from tests.twins.network_manager import FakeNetworkManager
from tests.twins.node import FakeNode


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class _Sysctls:
    def __init__(self, kernel: FakeKernel) -> None:
        self.write = kernel.write_sysctl


class _Files:
    def __init__(self, kernel: FakeKernel, files: FakeFiles) -> None:
        self.write = kernel.write_file
        self.keep = files.keep


class Machine:
    """Everything that the product is given in place of the real worlds."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.kernel = FakeKernel(self.faults)
        self.files = FakeFiles(self.faults)
        self.nm = FakeNetworkManager(self.kernel, self.faults)
        self.clock = Clock()
        self.protected: dict[str, str] = {}
        self.glances: list[str] = []
        self.machine_id = "0123456789abcdef0123456789abcdef"
        self.processes: frozenset[str] = frozenset()
        self.node = FakeNode(self.faults, self.clock)
        self._seldom = Node()
        self.writers = Writers(
            self.nm,
            self.kernel,
            self.kernel,
            _Sysctls(self.kernel),
            _Files(self.kernel, self.files),
            self.node,
            self.node,
        )
        self.executor = Executor(self.writers, self.clock)
        self._last: tuple[frozenset[str], NetworkManager | Unavailable] | None = None

    def observe(self, wanted: Interest) -> Host:
        """One observation, as the real observer gives it."""
        network = self.kernel.read_network()
        if wanted.fresh:
            self._seldom = self.node.read(wanted)
        reading, remembered, stale = self._network_manager(wanted)
        return Host(
            links=network.links,
            addresses=network.addresses,
            network_manager=reading,
            remembered=remembered,
            stale=stale,
            modules=self.kernel.read_modules(wanted.modules),
            sysctls=self.kernel.read_sysctls(wanted.sysctls),
            files=self.kernel.read_files(wanted.files),
            kept=self.files.read_kept(wanted.kept),
            kubeadm=self.files.judge(wanted.kubeadm_conf) if wanted.kubeadm_conf else Kubeadm(),
            nodes={path: path in self.kernel.nodes for path in wanted.nodes},
            boot_sysctls=self.kernel.boot_sysctls,
            offloads=self.kernel.read_offloads(wanted.offloads),
            processes=self.processes & wanted.processes,
            protected=self._protected(),
            machine_id=self.machine_id,
            node=self._seldom,
            time=self.clock(),
        )

    def glance(self, host: Host, links: Collection[Link]) -> Host:
        """These links of `host` as they are now, as the real observer gives them."""
        self.faults.read("glance")
        self.glances += [link.name for link in links]
        now = [self.kernel.links[link.index] for link in links if link.index in self.kernel.links]
        return host.with_links(now)

    def surroundings(self, host: Host) -> Host:
        """What carries the node's own traffic now."""
        return replace(host, addresses=tuple(self.kernel.addresses), protected=self._protected())

    def _protected(self) -> dict[str, str]:
        names = {link.name for link in self.kernel.links.values()} & self.kernel.default_routes
        return {**dict.fromkeys(names, "carries the default route"), **self.protected}

    def _network_manager(self, wanted: Interest) -> tuple[NetworkManager | Unavailable, bool, bool]:
        """NetworkManager as the real observer gives it: its last word while it signals no change
        (here: while a reading shows none), or even then where there is no time."""
        now = self.nm.read(wanted.devices)
        trusting = wanted.trusting or not wanted.fresh
        if trusting and self._last is not None and self._last[0] == wanted.devices:
            stale = now != self._last[1]
            if wanted.quick or not stale:
                return self._last[1], True, stale
        self._last = wanted.devices, now
        return now, False, False

    def plan(self, state: State, memory: Memory | None = None) -> Plan:
        """Observe and plan."""
        return make_plan(state, self.observe(interest(state)), memory)

    def converge(self, state: State, rounds: int = 6) -> Plan:
        """Observe, plan and apply until nothing is left to do; the last plan."""
        for _ in range(rounds):
            plan = self.plan(state)
            if not plan:
                return plan
            self.executor.run(plan)
        return self.plan(state)


def reference_machine() -> Machine:
    """The reference node as its owner found it: three NICs, automatic profiles on all of them."""
    machine = Machine()
    for number, name in enumerate(("enp8s0", "enp13s0f0", "enp13s0f3"), 1):
        machine.kernel.add_nic(name)
        uuid = f"00000000-0000-4000-8000-00000000000{number}"
        machine.nm.add(
            {
                "connection": {
                    "id": f"Wired connection {number}",
                    "uuid": uuid,
                    "type": "802-3-ethernet",
                    "interface-name": name,
                    "autoconnect-priority": -999,
                },
                "802-3-ethernet": {},
                "ipv4": {"method": "auto"},
                "ipv6": {"method": "auto"},
            },
            in_memory=True,
        )
        machine.nm.up(uuid)
    machine.kernel.default_routes.add("enp8s0")
    return machine
