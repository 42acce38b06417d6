"""The executor: takes the actions of a plan in order, each through the world that it belongs to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bridged.apply.protocols import (
    AsideWriter,
    FileEditor,
    FileWriter,
    LinkWriter,
    ModuleLoader,
    NetworkManagerWriter,
    SysctlWriter,
)
from bridged.errors import WorldError
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
        self._writers = writers
        self._monotonic = monotonic

    def run(
        self, actions: Iterable[Action], before: Callable[[Action], None] = lambda action: None
    ) -> list[Outcome]:
        """Take each action in order and tell how each ended.

        After a failure the rest of that object's actions, and those of objects that need it, are
        skipped; everything else goes on.  `before` is called ahead of each action.
        """
        failed: set[ObjectId] = set()
        outcomes = []
        for action in actions:
            culprits = ({action.object} | action.needs) & failed
            if culprits:
                failed.add(action.object)
                reason = f"waits for {', '.join(sorted(map(str, culprits)))}"
                error = WorldError("failed", reason)
                outcomes.append(Outcome(action, error, skipped=True))
                continue
            before(action)
            start = self._monotonic()
            caught: WorldError | None = None
            try:
                self._take(action)
            except WorldError as error:
                caught = error
                failed.add(action.object)
            outcomes.append(Outcome(action, caught, self._monotonic() - start))
        return outcomes

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
            case AddProfile():
                worlds.network_manager.add_profile(action)
            case UpdateProfile():
                worlds.network_manager.update_profile(action)
            case DeleteProfile():
                worlds.network_manager.delete_profile(action)
            case Activate():
                worlds.network_manager.activate(action)
            case Reapply():
                worlds.network_manager.reapply(action)
            case LoadModule():
                worlds.modules.load(action.module)
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
