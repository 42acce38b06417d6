"""Putting the real worlds together: the only place that knows every implementation."""

import time
from pathlib import Path
from threading import Event

from bridged.agent.books import Clocks
from bridged.agent.breaker import Breaker
from bridged.agent.engine import Engine, StateSource
from bridged.agent.ledger import Ledger
from bridged.agent.pause import PauseFile, Pauses, boot_id
from bridged.agent.transaction import Transaction
from bridged.apply.checkpoints import Checkpoints
from bridged.apply.executor import Executor, Writers
from bridged.apply.files import FileWriter
from bridged.apply.modules import ModuleLoader
from bridged.apply.netlink import LinkWriter
from bridged.apply.networkmanager import NetworkManagerWriter
from bridged.apply.sysctls import SysctlWriter
from bridged.dbus import SystemBus
from bridged.observe.files import FileReader
from bridged.observe.kubeadm import LIMIT, PATIENCE, KubeadmReader
from bridged.observe.module_files import ModuleFileReader
from bridged.observe.modules import ModuleReader
from bridged.observe.netlink import NetlinkReader
from bridged.observe.networkmanager import NetworkManagerReader
from bridged.observe.observer import Observer
from bridged.observe.offloads import OffloadReader
from bridged.observe.probes import Prober
from bridged.observe.processes import ProcessReader
from bridged.observe.sessions import SessionReader
from bridged.observe.sysctl_files import SysctlFileReader
from bridged.observe.sysctls import SysctlReader

CLOCKS = Clocks(time.monotonic, time.time)


def real_observer(bus: SystemBus, signalled: Event | None = None) -> Observer:
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
    )


def real_engine(
    source: StateSource,
    bus: SystemBus,
    ledger: Ledger | None = None,
    version: str = "",
    signalled: Event | None = None,
    run: Path | None = None,
    kept: Path | None = None,
) -> Engine:
    """An engine on this machine.  `bus` belongs to the thread that will run the engine;
    `signalled` is set by whoever hears NetworkManager's signals, None where nobody does.  `run` is
    the directory for what lives as long as this boot, `kept` the one for what outlives it."""
    observer = real_observer(bus, signalled)
    writers = Writers(
        NetworkManagerWriter(bus), LinkWriter(), ModuleLoader(), SysctlWriter(), FileWriter()
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
        now = self._reader.read(expected)
        return (
            any(now[path].value != value for path, value in expected.items())
            or self._files.kept(host.kept) != host.kept
            or host.kubeadm.answer == "asking"
        )
