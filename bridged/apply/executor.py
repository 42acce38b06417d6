"""The executor: takes the actions of a plan in order, each through the world that it belongs to."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bridged.apply.protocols import (
    Activation,
    AsideWriter,
    FileEditor,
    FileWriter,
    LinkWriter,
    ModuleLoader,
    NetworkManagerWriter,
    SysctlWriter,
)
from bridged.apply.steps import concerns, steps, would_take
from bridged.errors import OwnFault, WorldError
from bridged.plan.actions import (
    Action,
    Activate,
    AddProfile,
    DeleteLink,
    DeleteProfile,
    EditFile,
    InstallPackage,
    KeepFile,
    LoadModule,
    ObjectId,
    Reapply,
    RemoveAddress,
    RemovePackage,
    RestartService,
    SetController,
    SetLink,
    SetOffloads,
    SetVlans,
    SwapOff,
    UpdateProfile,
    WriteFile,
    WriteSysctl,
)

_UNDER_WAY = 64
"""Activations at once: NetworkManager has each wait for the kernel and udev now and then, and is
done with many sooner than with a few after the other."""
_STOPPING = "bridged is stopping"
_SLOW = 10.0
"""Seconds for one step after which NetworkManager has too much to do: the next waits until all that
is under way is over, or its answers would come too late."""


@dataclass(frozen=True, slots=True)
class Writers:
    """The worlds, ready to be changed."""

    network_manager: NetworkManagerWriter
    links: LinkWriter
    modules: ModuleLoader
    sysctls: SysctlWriter
    files: FileWriter
    edits: FileEditor
    aside: AsideWriter


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one action ended: `error` is None where the world accepted it, `seconds` how long that
    took, `skipped` that it was not tried because something that it needs had failed."""

    action: Action
    error: WorldError | None = None
    seconds: float = 0.0
    skipped: bool = False


class Executor:
    """Takes actions; one failure stays one failure."""

    def __init__(self, writers: Writers, monotonic: Callable[[], float]) -> None:
        self.alive: Callable[[], None] = lambda: None
        """Called every few seconds while it waits: each wait is bounded, all together may take
        minutes."""
        self.stopping: Callable[[], bool] = lambda: False
        """Whether nothing new is to be begun, and nothing that is under way to be waited for but
        for the `grace` of a run."""
        self._writers = writers
        self._monotonic = monotonic
        self._one_by_one = False

    def run(
        self,
        actions: Iterable[Action],
        before: Callable[[Action], None] = lambda action: None,
        meanwhile: Callable[[], None] = lambda: None,
        to_the_end: bool = False,
        grace: float = 0.0,
    ) -> list[Outcome]:
        """Take each action in order, but for activations that may wait, and tell how each ended.

        After a failure the rest of that object's actions, and those of objects that need it, are
        skipped; everything else goes on, also past a rival's profile that is refused.  `before` is
        called ahead of each action, `meanwhile` every few seconds while it waits.  Of what is not
        begun any more because we are `stopping` nothing is told, and what is under way is waited
        for `grace` seconds; `to_the_end` goes on even so.
        """
        since: list[float] = []

        def over() -> bool:
            return self.stopping() and not to_the_end

        def waiting() -> None:
            self.alive()
            meanwhile()
            if over():
                since.append(self._monotonic())
                if since[-1] - since[0] >= grace:
                    raise WorldError("unavailable", _STOPPING)

        run = _Run(self._writers, self._monotonic, before, waiting, over)
        for step in ([action] for action in actions) if self._one_by_one else steps(actions):
            run.take(step)
        run.finish()
        outcomes = [outcome for outcome in run.outcomes if outcome is not None]
        # What was taken together with the one that we stumble over fails with it, but once.
        self._one_by_one = any(isinstance(outcome.error, OwnFault) for outcome in outcomes)
        return outcomes


@dataclass(frozen=True, slots=True)
class _Begun:
    """An activation under way: where its outcome goes, and since when."""

    place: int
    action: Action
    start: float
    activation: Activation


def _only_a_rival(action: Action, error: WorldError) -> bool:
    """Whether what failed is in nobody's way now: a profile of somebody else that stays as it is,
    of which the next look tells."""
    refused = error.kind not in ("unavailable", "timeout")
    return refused and isinstance(action, UpdateProfile) and action.rival


def _subject(action: Action) -> ObjectId:
    """What fails as one: an object, but each guest port of a bridge by itself."""
    if action.object.kind == "guests" and isinstance(action, SetController | SetLink | SetVlans):
        return ObjectId("guests", action.device)
    return action.object


class _Run:
    """One run over actions.

    NetworkManager activates ports of several bridges at once, each of which takes it a while, so
    one that is begun is waited for only where the next action has to do with it.
    """

    def __init__(
        self,
        writers: Writers,
        monotonic: Callable[[], float],
        before: Callable[[Action], None],
        waiting: Callable[[], None],
        over: Callable[[], bool],
    ) -> None:
        self.outcomes: list[Outcome | None] = []
        self._writers = writers
        self._monotonic = monotonic
        self._before = before
        self._waiting = waiting
        self._over = over
        self._slow = False
        self._failed: set[ObjectId] = set()
        self._begun: list[_Begun] = []

    def take(self, step: Sequence[Action]) -> None:
        """Take what belongs together; what needs something that has failed is skipped."""
        if isinstance(step[0], AddProfile | UpdateProfile | Activate) and not self._slow:
            activates = isinstance(step[0], Activate)
            before = concerns if activates else would_take
            self._finish([b for b in self._begun if any(before(b.action, a) for a in step)])
            if activates:
                self._finish(self._begun[: max(len(self._begun) + len(step) - _UNDER_WAY, 0)])
        else:
            self.finish()
        if self._over():
            return
        step = [action for action in step if not self._skipped(action)]
        for action in step:
            self._before(action)
        start = self._monotonic()
        results = self._tried(step)
        seconds = self._monotonic() - start
        self._slow = seconds > _SLOW
        for action, result in zip(step, results, strict=True):
            if result is None and self._skipped(action):
                self._take_back(action)
                continue
            if isinstance(result, WorldError) and not _only_a_rival(action, result):
                self._failed.add(_subject(action))
            if result is None or isinstance(result, WorldError):
                self.outcomes.append(Outcome(action, result, seconds / len(step)))
            else:
                self._begun.append(_Begun(len(self.outcomes), action, start, result))
                self.outcomes.append(None)

    def _skipped(self, action: Action) -> bool:
        culprits = ({_subject(action)} | action.needs) & self._failed
        if culprits:
            self._failed.add(_subject(action))
            reason = f"waits for {', '.join(sorted(map(str, culprits)))}"
            self.outcomes.append(Outcome(action, WorldError("failed", reason), skipped=True))
        return bool(culprits)

    def _take_back(self, action: Action) -> None:
        """What was written at once with something that it needs, and that failed, is not kept."""
        if isinstance(action, AddProfile):
            undoing = action.taken_back("what it needs could not be had")
            with suppress(WorldError):  # it is ours: the next look finds it
                self._writers.network_manager.delete_profile(undoing)

    def _tried(self, step: Sequence[Action]) -> Sequence[WorldError | Activation | None]:
        """The errors of what was tried, and activations that were only begun."""
        manager = self._writers.network_manager
        added = [action for action in step if isinstance(action, AddProfile)]
        updated = [action for action in step if isinstance(action, UpdateProfile)]
        activated = [action for action in step if isinstance(action, Activate)]
        try:
            if added:
                return manager.add_profiles(added)
            if updated:
                return manager.update_profiles(updated)
            if activated:
                return manager.activate(activated)
            for action in step:
                self._take(action)
        except WorldError as error:
            return [error] * len(step)
        except Exception as error:  # ours: it must not take the others along
            return [OwnFault(error)] * len(step)
        return [None] * len(step)

    def finish(self) -> None:
        """Wait for all that is under way."""
        self._finish(list(self._begun))

    def _finish(self, those: Iterable[_Begun]) -> None:
        for begun in those:
            caught: WorldError | None = None
            try:
                begun.activation.wait(self._waiting)
            except WorldError as error:
                caught = error
            except Exception as error:
                caught = OwnFault(error)
            if caught is not None:
                self._failed.add(_subject(begun.action))
            self._begun.remove(begun)
            seconds = self._monotonic() - begun.start
            self.outcomes[begun.place] = Outcome(begun.action, caught, seconds)
            with suppress(WorldError):
                self._waiting()

    def _take(self, action: Action) -> None:
        worlds = self._writers
        match action:
            case SetController():
                worlds.links.set_controller(action)
            case SetLink():
                worlds.links.set_link(action)
            case SetOffloads():
                worlds.links.set_offloads(action)
            case SetVlans():
                worlds.links.set_vlans(action)
            case RemoveAddress():
                worlds.links.remove_address(action)
            case DeleteLink():
                worlds.links.delete_link(action)
            case DeleteProfile():
                worlds.network_manager.delete_profile(action)
            case Reapply():
                worlds.network_manager.reapply(action)
            case LoadModule():
                worlds.modules.load(action.module, self._waiting)
            case WriteSysctl():
                worlds.sysctls.write(action.path, action.value)
            case WriteFile():
                worlds.files.write(action.path, action.content)
            case KeepFile():
                worlds.files.keep(action)
            case EditFile():
                worlds.edits.edit(action)
            case InstallPackage() | RemovePackage() | RestartService() | SwapOff():
                worlds.aside.begin(action)
            case _:
                raise TypeError(f"no world takes {type(action).__name__}")
