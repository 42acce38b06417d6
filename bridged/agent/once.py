"""The same engine without an agent: what `bridgedctl` uses while bridged is not running."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bridged.agent import logs
from bridged.agent.engine import Engine
from bridged.agent.main import version
from bridged.agent.state_source import FileSource
from bridged.agent.store import MemoryStore
from bridged.agent.wiring import real_engine
from bridged.dbus import SystemBus
from bridged.plan.actions import Action
from bridged.plan.result import Plan
from bridged.report import Report
from bridged.serve.defaults import CONTROL_SOCKET


@contextmanager
def _engine(path: Path | str) -> Iterator[tuple[Engine, MemoryStore]]:
    """An engine for one use.  The log is quiet: the caller shows what happens."""
    logs.configure("error")
    store = MemoryStore(Path(CONTROL_SOCKET).with_name("memory.json"))
    bus = SystemBus()
    try:
        engine = real_engine(FileSource(path), bus, version=version())
        engine.memory = store.load()
        yield engine, store
    finally:
        bus.close()


def status(path: Path | str) -> Report:
    """What the host has, compared with what the file declares; nothing is changed."""
    with _engine(path) as (engine, _):
        engine.preview()
        return replace(engine.report(), agent=False)


def plan(path: Path | str) -> Plan:
    """What would be done now.  Raises StateError where the file cannot be used."""
    with _engine(path) as (engine, _):
        return engine.preview()


def apply(
    path: Path | str,
    allowed: frozenset[str] = frozenset(),
    progress: Callable[[Action], None] = lambda action: None,
) -> Report:
    """One pass; what guests lost before is put back too, by the memory of the last agent."""
    with _engine(path) as (engine, store):
        report = engine.run_pass(allowed=allowed, before=progress, force=True)
        store.save(engine.memory)
        return replace(report, agent=False)
