"""The same engine without an agent: what `bridgedctl` uses while bridged is not running."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bridged.agent import logs
from bridged.agent.engine import Engine
from bridged.agent.history import History
from bridged.agent.main import version
from bridged.agent.pause import PauseFile, Pauses, boot_id
from bridged.agent.pausing import refuse_apply
from bridged.agent.state_source import FileSource
from bridged.agent.store import MemoryStore
from bridged.agent.wiring import NodeSide, real_engine, real_observer
from bridged.dbus import SystemBus
from bridged.explain.records import Explanation
from bridged.observe.facts import facts_beside
from bridged.observe.host import Host, Interest
from bridged.plan.actions import Action
from bridged.plan.result import Plan
from bridged.report import Report
from bridged.serve.defaults import CONTROL_SOCKET, STATE_DIR

RUN = Path(CONTROL_SOCKET).parent
KEPT = Path(STATE_DIR)
_ASIDE = 1800.0
"""Seconds to wait for packages and the like: nobody else would see to their end."""


@contextmanager
def _engine(
    path: Path | str, run: Path, kept: Path, node: NodeSide | None = None
) -> Iterator[tuple[Engine, MemoryStore]]:
    """An engine for one use; `run` is where an agent of this boot keeps what it remembers, `kept`
    where agents keep what outlives a boot.

    The log is quiet: the caller shows what happens.
    """
    logs.configure("critical")
    source = FileSource(path, facts=facts_beside(path))
    store = MemoryStore(run / "memory.json")
    bus = SystemBus()
    try:
        engine = real_engine(source, bus, version=version(), run=run, node=node)
        engine.pauses = Pauses(PauseFile(kept / "pause.json"), boot=boot_id())
        engine.memory = store.load()
        yield engine, store
    finally:
        bus.close()


def _refuse_broken(engine: Engine) -> None:
    """Raise StateError where the file cannot be used: without an agent nothing else is in force."""
    source = engine.source
    source.refresh()
    if isinstance(source, FileSource) and source.error is not None:
        raise source.error


def look(interest: Interest) -> Host:
    """One observation of this machine, by nobody's declaration."""
    logs.configure("critical")
    bus = SystemBus()
    try:
        return real_observer(bus).observe(interest)
    finally:
        bus.close()


def status(path: Path | str, run: Path = RUN, kept: Path = KEPT) -> Report:
    """What the host has, compared with what the file declares; nothing is changed."""
    with _engine(path, run, kept) as (engine, _):
        engine.preview()
        return replace(engine.report(), agent=False)


def plan(path: Path | str, run: Path = RUN, kept: Path = KEPT) -> Plan:
    """What would be done now."""
    with _engine(path, run, kept) as (engine, _):
        _refuse_broken(engine)
        return engine.preview()


def explain(path: Path | str, text: str, run: Path = RUN, kept: Path = KEPT) -> Explanation:
    """What a look tells of one object."""
    with _engine(path, run, kept) as (engine, _):
        _refuse_broken(engine)
        return engine.explain(text, agent=False)


def apply(
    path: Path | str,
    allowed: frozenset[str] = frozenset(),
    progress: Callable[[Action], None] = lambda action: None,
    run: Path = RUN,
    kept: Path = KEPT,
) -> Report:
    """One pass; what guests lost before is put back too, by the memory of the last agent.

    A pause that an agent was asked for holds here too.
    """
    node = NodeSide()
    with _engine(path, run, kept, node) as (engine, store):
        _refuse_broken(engine)
        refuse_apply(engine.pauses, allowed)
        history = History(kept)
        engine.books.on_repair, engine.pauses.on_change = history.repair, history.pause
        history.start()
        report = engine.run_pass(allowed=allowed, before=progress, force=True)
        if any(job.running for job in node.aside.jobs().values()):
            node.aside.wait(_ASIDE)
            report = engine.run_pass(allowed=allowed, before=progress)
        store.save(engine.memory)
        history.close()
        return replace(report, agent=False)
