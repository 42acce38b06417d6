"""The daemon: reads its options, starts the watchers and servers, and runs the loop."""

import argparse
import gc
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack, suppress
from importlib import metadata
from pathlib import Path
from types import FrameType

import structlog

from bridged.agent import logs
from bridged.agent.facade import Facade
from bridged.agent.history import History
from bridged.agent.kernel_events import KernelEvents
from bridged.agent.ledger import Ledger, Limits
from bridged.agent.loop import Loop, Senses, Timing
from bridged.agent.state_source import FileSource
from bridged.agent.state_watcher import StateWatcher
from bridged.agent.store import MemoryStore
from bridged.agent.systemd import Notifier
from bridged.agent.wake import News, Wake
from bridged.agent.wiring import NodeSide, SilentChanges, real_engine
from bridged.dbus import Match, Signals, SystemBus, name_owner
from bridged.errors import BridgedError
from bridged.folders import make_folder
from bridged.observe.facts import facts_beside
from bridged.observe.forwarding import ForwardingTables
from bridged.report import Finding
from bridged.serve.access import WebAccess
from bridged.serve.control import ControlServer
from bridged.serve.defaults import CONTROL_SOCKET, METRICS_HOST, METRICS_PORT, STATE_DIR, STATE_FILE
from bridged.serve.http import HttpServer

_NM = "org.freedesktop.NetworkManager"
_RETRY = 10.0
"""Seconds after which an address for the metrics that was taken is tried again."""


def version() -> str:
    """The version of the installed package, ``0`` when run from a checkout."""
    try:
        return metadata.version("bridged")
    except metadata.PackageNotFoundError:
        return "0"


def _address(text: str) -> tuple[str, int] | None:
    if text == "none":
        return None
    host, _, port = text.rpartition(":")
    digits = port.isascii() and port.isdigit() and len(port) <= 5
    if not host or not digits or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT (or none)")
    return host.strip("[]"), int(port)


def _interval(text: str) -> float:
    """Seconds that are neither a busy loop nor for ever."""
    with suppress(ValueError):
        if 0.1 <= float(text) <= 86400:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0.1 to 86400")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number, 0 for never")
    return int(text)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    return command_line().parse_args(arguments)


def command_line() -> argparse.ArgumentParser:
    """The parser of the daemon's command line, for the manual too."""
    parser = argparse.ArgumentParser(
        "bridged",
        description="Keeps host bridges, VLANs, kernel modules and sysctls as declared.",
    )
    add = parser.add_argument
    add("--state", type=Path, default=Path(STATE_FILE), help="the state file (%(default)s)")
    add("--socket", type=Path, default=Path(CONTROL_SOCKET), help="control socket (%(default)s)")
    add(
        "--metrics",
        type=_address,
        default=f"{METRICS_HOST}:{METRICS_PORT}",
        metavar="HOST:PORT",
        help="where metrics are served, none for nowhere (%(default)s)",
    )
    add(
        "--state-dir",
        type=Path,
        default=Path(os.environ.get("STATE_DIRECTORY", STATE_DIR)),
        help="where last good state, history and pauses are kept (%(default)s)",
    )
    add(
        "--web-config",
        type=Path,
        metavar="FILE",
        help="TLS and authentication of the metrics, in the format of Prometheus' exporter-toolkit",
    )
    add("--name-guests", action="store_true", help="name guest ports in the metrics")
    add("--resync", type=_interval, default=60.0, help="seconds between full looks (%(default)s)")
    add(
        "--poll", type=_interval, default=5.0, help="seconds between looks at sysctls (%(default)s)"
    )
    add(
        "--contended-after",
        type=_count,
        default=Limits().contended_after,
        metavar="N",
        help="repairs of a property within a minute that make a contest, 0 for never (%(default)s)",
    )
    add("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    add("--version", action="version", version=f"bridged {version()}")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the agent until SIGTERM or SIGINT; the exit status."""
    options = _options(arguments)
    logs.configure(options.log_level)
    log = structlog.get_logger("bridged")
    try:
        with ExitStack() as stack:
            _agent(options, stack).run()
    except BridgedError as error:
        log.error("cannot_start", reason=str(error))
        return 1
    log.info("stopped", network="left as it is")
    return 0


def _agent(options: argparse.Namespace, stack: ExitStack) -> Loop:
    """Everything in its place: watchers first, so that nothing is missed between look and watch."""
    wake = Wake()
    for directory in (options.socket.parent, options.state_dir):
        with suppress(OSError):  # who needs it says so in its own words
            make_folder(directory)
    store = MemoryStore(options.socket.parent / "memory.json")
    source = FileSource(options.state, options.state_dir, facts=facts_beside(options.state))
    bus = SystemBus()
    stack.callback(bus.close)
    signalled = News()
    ledger = Ledger(Limits(contended_after=options.contended_after))
    node = NodeSide(wake.ring, options.poll)
    engine = real_engine(
        source, bus, ledger, version(), signalled, options.socket.parent, options.state_dir, node
    )
    engine.memory = store.load()
    history = History(options.state_dir)
    engine.books.on_repair, engine.pauses.on_change = history.repair, history.pause
    watcher = StateWatcher(lambda: source.directories, wake.ring)
    events = KernelEvents()
    stack.callback(events.close)
    wake.attach(events)
    web = WebAccess(options.web_config) if options.web_config and options.metrics else None
    metrics: _Metrics | None = None
    loop = Loop(
        engine,
        wake,
        Notifier(),
        time.monotonic,
        SilentChanges(),
        Timing(options.resync, options.poll),
        Senses(
            lambda: watcher.mode,
            lambda: events.overruns,
            lambda: dict(bus.errors),
            ForwardingTables(every=options.resync).learned,
            lambda: (
                *control.findings(),
                *source.findings(),
                *history.findings(),
                *(web.findings() if web else ()),
                *(metrics.findings() if metrics else ()),
            ),
        ),
        store.save,
    )
    control = ControlServer(Facade(loop, history), options.socket)
    control.start()  # first of all: it tells whether another agent runs
    stack.callback(control.stop)
    history.start()
    stack.callback(history.close)
    engine.pauses.rest()
    if engine.transaction is not None:
        engine.transaction.clear_leftover()

    def news(cause: str) -> None:
        signalled.set()
        wake.ring("networkmanager")

    signals = Signals([name_owner(_NM)], news, once=Match(_NM))
    signalled.listen = signals.listen
    assert node.watch is not None
    for part in (signals, watcher, node.watch):
        part.start()
        stack.callback(part.stop)
    if options.metrics is not None:
        metrics = _Metrics(loop, options, web)
        stack.callback(metrics.stop)
    _handle_signals(loop, web)
    gc.freeze()  # what there is now stays: no collection need go through it again
    return loop


def _handle_signals(loop: Loop, web: WebAccess | None) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        loop.stop()

    def reload(number: int, frame: FrameType | None) -> None:
        if web is not None:
            web.reload()
        loop.reload()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, reload)


class _Metrics:
    """The HTTP server, started as soon as its address can be had; repairing does not wait."""

    def __init__(self, loop: Loop, options: argparse.Namespace, web: WebAccess | None) -> None:
        host, port = options.metrics
        self._server = HttpServer(
            loop.report,
            loop.age,
            version=version(),
            host=host,
            port=port,
            web=web,
            name_guests=options.name_guests,
        )
        self._log = structlog.get_logger("bridged")
        self._timer: threading.Timer | None = None
        self._started = self._stopped = False
        self._web = web
        self._problem = ""
        self._try()

    def _try(self) -> None:
        if self._stopped:
            return
        try:
            self._server.start()
            self._started, self._problem = True, ""
        except BridgedError as error:
            if str(error) != self._problem:
                self._log.error("no_metrics", reason=str(error), retry=f"every {_RETRY:g} s")
                self._problem = str(error)
            self._timer = threading.Timer(_RETRY, self._try)
            self._timer.daemon = True
            self._timer.start()

    def findings(self) -> tuple[Finding, ...]:
        """That nothing is served, where that is so and the web configuration does not say it."""
        if not self._problem or (self._web and not self._web.current):
            return ()
        remedy = "it is tried again by itself; another address: --metrics HOST:PORT"
        return (Finding("metrics-not-served", self._problem, remedy),)

    def stop(self) -> None:
        """Free the address."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._started:
            self._server.stop()


if __name__ == "__main__":
    sys.exit(main())
