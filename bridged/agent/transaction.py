"""A transaction: structural changes of the network are kept only if the node still reaches what it
reached before.

    checkpoint -> probe -> apply -> probe -> keep
                                         `-> roll back, and the next look verifies it

What cannot cut the node off (sysctls, modules, attributes set in place, guests plugged back) goes
past it.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from bridged.apply.executor import Executor, Outcome
from bridged.apply.protocols import CheckpointKeeper
from bridged.desired.probes import Probe
from bridged.errors import DAMAGED, WorldError
from bridged.folders import document
from bridged.observe.host import Host, NetworkManager
from bridged.observe.protocols import Reachability
from bridged.plan.actions import Action, AddProfile, DeleteLink, DeleteProfile, SetController

_SECONDS = 60
"""How long NetworkManager waits for us; renewed ahead of actions and while one is waited for, once
in `_RENEWED` seconds."""
_RENEWED = 5.0
_PATIENCE = 0.7
"""Seconds before the first look where time does not press: NetworkManager lets go of what a deleted
profile held after it has answered, and a switch may close a port only then."""
_GRACE = 2.0
"""Seconds for which what is under way is waited for when we are to stop; systemd gives us ten."""
_SPARE = 10
"""Seconds that NetworkManager waits longer than we do for a confirmation: who goes back is us."""
_REMEMBERED = 60.0
"""Seconds for which a silent gateway or target is not asked again."""
_SETTLING = (0.0, 0.5, 1.0, 2.0, 3.0)
"""Pauses in seconds before looking whether everything answers: a switch port may take its time."""
_HURRIED = _SETTLING[:3]
"""The same where we are to stop."""


@dataclass
class Pending:
    """Changes that wait for an operator's word.  NetworkManager goes back by itself in the end,
    unless nothing was there for a checkpoint, which is empty then."""

    checkpoint: str
    added: tuple[AddProfile, ...]


class Transaction:
    """Runs actions; belongs to the reconciling thread.

    `note` is where it is kept which checkpoint is about to be made, so that a successor can end it.
    """

    def __init__(
        self,
        executor: Executor,
        checkpoints: CheckpointKeeper,
        reachability: Reachability,
        note: Path | None,
        sleep: Callable[[float], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._executor = executor
        self._checkpoints = checkpoints
        self._reachability = reachability
        self._note = note
        self._sleep = sleep
        self._monotonic = monotonic
        self._silent: dict[Probe, float] = {}
        self._log = structlog.get_logger("bridged")
        self.pending: Pending | None = None
        self.outcomes: Counter[str] = Counter()
        """How checkpoints ended: kept, lost (gone before it was confirmed), rolled-back,
        rollback-failed (gone, or a device was not restored), not-made."""

    def clear_leftover(self) -> None:
        """End a checkpoint that a killed predecessor left: its work is planned anew."""
        if self._note is None:
            return
        with suppress(OSError, WorldError, *DAMAGED):
            note = document(self._note)
            for path in self._checkpoints.made(note["devices"], int(note["since"])):
                if self._checkpoints.destroy(path):
                    self._log.info("leftover_cleared", checkpoint=path)
        self._forget()

    def run(
        self,
        actions: Sequence[Action],
        host: Host,
        devices: Iterable[str],
        targets: Iterable[Probe],
        before: Callable[[Action], None],
        confirm: float = 0.0,
        patient: bool = False,
    ) -> tuple[list[Outcome], str]:
        """Take the actions; how each ended, and why they were rolled back (empty: they were not).

        `devices` are the interfaces that the checkpoint is scoped to.  With `confirm` the
        checkpoint is kept open for that many seconds, for `confirm` or `rollback` to end.
        `patient` takes all that touches the network into the transaction and looks a little later
        whether everything answers: for a changed state, not for a repair that guests wait for.
        """
        ahead, rest = _split(actions, everything=patient or bool(confirm))
        outcomes = self._executor.run(ahead, before)
        paths = _paths(host, devices)
        if not paths or not rest:
            outcomes += self._executor.run(rest, before)
            if confirm and (added := _added(rest)):
                self.pending = Pending("", added)
            return outcomes, ""
        structural, undone = self._guarded(rest, paths, targets, before, confirm, patient)
        return outcomes + structural, undone

    def _guarded(
        self,
        actions: Sequence[Action],
        paths: list[str],
        targets: Iterable[Probe],
        before: Callable[[Action], None],
        confirm: float,
        patient: bool,
    ) -> tuple[list[Outcome], str]:
        if self._executor.stopping():
            return [], ""
        self._remember(paths)
        try:
            checkpoint = self._checkpoints.create(paths, _SECONDS + int(confirm))
        except WorldError as error:
            if error.kind == "timeout":
                self.clear_leftover()  # it may have been made after all
            self._forget()
            self.outcomes["not-made"] += 1
            reason = WorldError(error.kind, f"no checkpoint: {error.message}")
            return [Outcome(action, reason) for action in actions], ""
        answered = self._ask([*self._reachability.gateways(), *targets])

        renewed = self._monotonic()

        def renew() -> None:
            nonlocal renewed
            if self._monotonic() - renewed >= _RENEWED:
                renewed = self._monotonic()
                with suppress(WorldError):
                    self._checkpoints.extend(checkpoint, _SECONDS + int(confirm))

        def renewing(action: Action) -> None:
            before(action)
            renew()

        # Whoever lets go of an activation that is under way does not see what it does.
        outcomes = self._executor.run(actions, renewing, renew, grace=_GRACE)
        removes = any(isinstance(action, DeleteProfile | DeleteLink) for action in actions)
        if answered and (removes or patient):
            self._sleep(_PATIENCE)
        lost = self._lost(answered)
        added = _added(actions)
        if lost:
            return self._undone(outcomes, checkpoint, added, lost)
        if confirm:
            with suppress(WorldError):  # without it, what was added can still be taken back
                self._checkpoints.extend(checkpoint, int(confirm) + _SPARE)
            self.pending = Pending(checkpoint, added)
            return outcomes, ""
        with suppress(WorldError):
            self._checkpoints.destroy(checkpoint)
        self.outcomes["kept"] += 1
        self._forget()
        return outcomes, ""

    def confirm(self) -> bool:
        """Keep what is pending; False where nothing is, or it was rolled back already.

        A NetworkManager that is away has forgotten the checkpoint: it does not go back.
        """
        pending, self.pending = self.pending, None
        kept = False
        with suppress(WorldError):
            kept = pending is not None and (
                not pending.checkpoint or self._checkpoints.destroy(pending.checkpoint)
            )
        if pending is not None:
            self.outcomes["kept" if kept else "lost"] += 1
        self._forget()
        return kept

    def rollback(self) -> bool:
        """Take back what is pending; False where nothing is."""
        pending, self.pending = self.pending, None
        if pending is None:
            return False
        self._take_back(pending.checkpoint, pending.added)
        return True

    def _ask(self, probes: Iterable[Probe]) -> frozenset[Probe]:
        """What answers before a change.  Who was silent a moment ago is not waited for again:
        guests may be waiting for the change."""
        now = self._monotonic()
        asked = {p for p in probes if now - self._silent.get(p, -_REMEMBERED) >= _REMEMBERED}
        answered = self._reachability.answering(asked)
        self._silent |= dict.fromkeys(asked - answered, now)
        return answered

    def _lost(self, answered: frozenset[Probe]) -> list[Probe]:
        """What answered before and does not any more, given time to settle."""
        missing = set(answered)
        for pause in _HURRIED if self._executor.stopping() else _SETTLING:
            if not missing:
                break
            self._sleep(pause)
            missing -= self._reachability.answering(missing)
        return sorted(missing, key=str)

    def _undone(
        self,
        outcomes: list[Outcome],
        checkpoint: str,
        added: tuple[AddProfile, ...],
        lost: list[Probe],
    ) -> tuple[list[Outcome], str]:
        reason = f"{', '.join(map(str, lost))} no longer answered"
        restored = self._take_back(checkpoint, added)
        self._log.error("rolled_back", reason=reason, restored=restored)
        error = WorldError("failed", f"rolled back: {reason}")
        return [Outcome(o.action, error, o.seconds) for o in outcomes], reason

    def _take_back(self, checkpoint: str, added: Iterable[AddProfile]) -> bool:
        """Roll back, then delete what we added: a scoped checkpoint leaves new profiles alone."""
        try:
            restored = not checkpoint or self._checkpoints.rollback(checkpoint)
        except WorldError as error:
            self._log.error("rollback_failed", reason=str(error))
            restored = False
        self.outcomes["rolled-back" if restored else "rollback-failed"] += 1
        self._executor.run(
            [action.taken_back("its transaction was rolled back") for action in added],
            to_the_end=True,
        )
        self._forget()
        return restored

    def _remember(self, devices: Iterable[str]) -> None:
        """Note what is about to be done: afterwards might be too late."""
        if self._note is not None:
            note = {"since": self._checkpoints.stamp(), "devices": list(devices)}
            with suppress(OSError):
                self._note.write_text(json.dumps(note))

    def _forget(self) -> None:
        if self._note is not None:
            with suppress(OSError):
                self._note.unlink(missing_ok=True)


def _split(actions: Sequence[Action], everything: bool) -> tuple[list[Action], list[Action]]:
    """What can go ahead without a checkpoint, and what cannot or depends on that.

    A repair in the kernel goes ahead; of a changed state (`everything`) all that touches the
    network is kept or taken back together.  A port whose profile changes with it moves: that is no
    repair either.
    """

    def guarded(action: Action) -> bool:
        return action.asks_network_manager or (
            everything and action.world == "netlink" and action.object.kind != "guests"
        )

    structural = {action.object for action in actions if guarded(action)}
    ahead: list[Action] = []
    rest: list[Action] = []
    for action in actions:
        moves = isinstance(action, SetController) and action.object in structural
        waits = guarded(action) or moves or action.needs & structural
        (rest if waits else ahead).append(action)
    return ahead, rest


def _added(actions: Iterable[Action]) -> tuple[AddProfile, ...]:
    return tuple(action for action in actions if isinstance(action, AddProfile))


def _paths(host: Host, devices: Iterable[str]) -> list[str]:
    """Object paths of those of the devices that NetworkManager has, which goes by first names."""
    nm = host.network_manager
    if not isinstance(nm, NetworkManager):
        return []
    names = {link.name if (link := host.link(name)) else name for name in devices}
    found = (nm.device(name) for name in sorted(names))
    return [device.path for device in found if device is not None]
