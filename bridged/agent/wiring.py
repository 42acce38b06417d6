"""Putting the real worlds together: the only place that knows every implementation."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event

from bridged.agent.books import Clocks
from bridged.agent.breaker import Breaker
from bridged.agent.engine import Engine
from bridged.agent.ledger import Ledger
from bridged.agent.node_watch import NodeWatch
from bridged.agent.pause import PauseFile, Pauses, boot_id
from bridged.agent.transaction import Transaction
from bridged.agent.trial import StateSource
from bridged.apply.aside import Aside
from bridged.apply.checkpoints import Checkpoints
from bridged.apply.containerd import AsideWriter, FileEditor
from bridged.apply.executor import Executor, Writers
from bridged.apply.files import FileWriter
from bridged.apply.modules import ModuleLoader
from bridged.apply.netlink import LinkWriter
from bridged.apply.networkmanager import NetworkManagerWriter
from bridged.apply.packages import PackageWork, tool_of
from bridged.apply.sysctls import SysctlWriter
from bridged.dbus import SystemBus
from bridged.observe.containerd import ContainerdReader
from bridged.observe.files import FileReader
from bridged.observe.kubeadm import LIMIT, PATIENCE, KubeadmReader
from bridged.observe.memory import MemoryReader
from bridged.observe.module_files import ModuleFileReader
from bridged.observe.modules import ModuleReader
from bridged.observe.netlink import NetlinkReader
from bridged.observe.networkmanager import NetworkManagerReader
from bridged.observe.node import Packages
from bridged.observe.observer import Observer
from bridged.observe.offloads import OffloadReader
from bridged.observe.packages import PackageReader
from bridged.observe.probes import Prober
from bridged.observe.processes import ProcessReader
from bridged.observe.protocols import NodeReader
from bridged.observe.rest import RestReader
from bridged.observe.sessions import SessionReader
from bridged.observe.sysctl_files import SysctlFileReader
from bridged.observe.sysctls import SysctlReader

CLOCKS = Clocks(time.monotonic, time.time)


class NodeSide:
    """The rest of the node: who reads it, and who works beside the reconciling thread.

    With `ring` the package database is read in a thread, `watch`, that rings for what is new;
    without, every reading waits for it.
    """

    def __init__(self, ring: Callable[[str], None] | None = None, poll: float = 5.0) -> None:
        self.packages = PackageReader()
        self.aside = Aside(ended=(lambda: ring("node")) if ring else (lambda: None))
        self.watch: NodeWatch | None = None

        def known(names: Iterable[str]) -> Packages:
            return self.watch.packages(names) if self.watch else self.packages.read(names)

        rest = RestReader(known, ContainerdReader(), MemoryReader(), self.aside.jobs)
        self.reader: NodeReader = rest
        if ring is not None:
            self.watch = NodeWatch(ring, self.packages, rest, poll)
            self.reader = self.watch

    def writer(self) -> AsideWriter:
        """What begins work aside."""
        work = PackageWork(lambda: tool_of(self.packages.database()))
        return AsideWriter(self.aside, work)


def real_observer(
    bus: SystemBus, signalled: Event | None = None, node: NodeSide | None = None
) -> Observer:
    """An observer of this machine; see `real_engine` for the arguments."""
    return Observer(
        NetlinkReader(),
        NetworkManagerReader(bus),
        ModuleReader(),
        SysctlReader(),
        FileReader(),
        SessionReader(),
        SysctlFileReader(),
        ProcessReader(),
        OffloadReader(),
        signalled=signalled,
        module_files=ModuleFileReader(),
        # Without an agent nobody would take up a late answer.
        kubeadm=KubeadmReader(patience=LIMIT if signalled is None else PATIENCE),
        node=node.reader if node else None,
    )


def real_engine(
    source: StateSource,
    bus: SystemBus,
    ledger: Ledger | None = None,
    version: str = "",
    signalled: Event | None = None,
    run: Path | None = None,
    kept: Path | None = None,
    node: NodeSide | None = None,
) -> Engine:
    """An engine on this machine.  `bus` belongs to the thread that will run the engine;
    `signalled` is set by whoever hears NetworkManager's signals, None where nobody does.  `run` is
    the directory for what lives as long as this boot, `kept` the one for what outlives it;
    `node` reads and mends what is no network."""
    node = node or NodeSide()
    observer = real_observer(bus, signalled, node)
    writers = Writers(
        NetworkManagerWriter(bus),
        LinkWriter(),
        ModuleLoader(),
        SysctlWriter(),
        FileWriter(),
        FileEditor(),
        node.writer(),
    )
    executor = Executor(writers, time.monotonic)
    transaction = Transaction(
        executor,
        Checkpoints(bus),
        Prober(),
        run / "checkpoint" if run else None,
        time.sleep,
    )
    breaker = Breaker(kept / "breaker.json" if kept else None, time.time)
    pauses = Pauses(PauseFile(kept / "pause.json") if kept else None, boot=boot_id())
    return Engine(
        source,
        observer.observe,
        executor,
        CLOCKS,
        ledger,
        version,
        transaction,
        breaker,
        pauses,
        observer,
    )


class SilentChanges:
    """Tells whether something changed that sends no event: kernel parameters, files that are kept.
    Cheap enough to ask every few seconds."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._reader = SysctlReader(root)
        self._files = FileReader(root)

    def __call__(self, engine: Engine) -> bool:
        """Whether a declared sysctl, the IPv6 switch of a declared bridge or a kept file reads
        otherwise than in the last observation, or kubeadm has still to answer."""
        host, state = engine.host, engine.source.state
        if host is None or state is None:
            return False
        expected = {path: seen.value for path, seen in host.sysctls.items()}
        for name in state.bridges or {}:
            link = host.link(name)
            if link is not None and link.disable_ipv6 is not None:
                path = f"net/ipv6/conf/{link.name}/disable_ipv6"
                expected[path] = str(int(link.disable_ipv6))
        return (
            not self._reader.unchanged(expected)
            or self._files.kept(host.kept) != host.kept
            or host.kubeadm.answer == "asking"
        )
