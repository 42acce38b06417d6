"""How each world is changed: one small protocol each, real ones beside this file, twins in tests.

Every method returns when the world has accepted the change, within a time limit of its own, and
raises `WorldError` otherwise.  None of them decides anything: that was the plan's business, and
whether it worked is for the next observation to tell.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from bridged.errors import WorldError
from bridged.plan.actions import (
    Action,
    Activate,
    AddProfile,
    DeleteLink,
    DeleteProfile,
    EditFile,
    KeepFile,
    Reapply,
    RemoveAddress,
    SetController,
    SetLink,
    SetOffloads,
    SetVlans,
    UpdateProfile,
)


class Activation(Protocol):
    """One under way.  `wait` returns when the device is activated, and must be called; it calls
    `meanwhile` first and then every few seconds, and ends with what that raises."""

    def wait(self, meanwhile: Callable[[], None]) -> None: ...


class NetworkManagerWriter(Protocol):
    """Profiles and activations.

    Profiles are written, and activations begun, several at once, with the error of each in its
    place.  `activate` only begins: what it gives is under way.
    """

    def add_profiles(self, actions: Sequence[AddProfile]) -> list[WorldError | None]: ...

    def update_profiles(self, actions: Sequence[UpdateProfile]) -> list[WorldError | None]: ...

    def delete_profile(self, action: DeleteProfile) -> None: ...

    def activate(self, actions: Sequence[Activate]) -> list[Activation | WorldError]: ...

    def reapply(self, action: Reapply) -> None: ...


class LinkWriter(Protocol):
    """Links by netlink; the ifindex decides, a name that now means another link is `vanished`."""

    def set_link(self, action: SetLink) -> None: ...

    def set_controller(self, action: SetController) -> None: ...

    def set_vlans(self, action: SetVlans) -> None: ...

    def set_offloads(self, action: SetOffloads) -> None: ...

    def delete_link(self, action: DeleteLink) -> None: ...

    def remove_address(self, action: RemoveAddress) -> None: ...


class ModuleLoader(Protocol):
    """The kernel's module loader.  It calls `meanwhile` twice a second, and ends with what that
    raises."""

    def load(self, module: str, meanwhile: Callable[[], None]) -> None: ...


class SysctlWriter(Protocol):
    """Kernel parameters by path below /proc/sys."""

    def write(self, path: str, value: str) -> None: ...


class FileWriter(Protocol):
    """Whole files: replaced atomically, or removed where `content` is None."""

    def write(self, path: str, content: str | None) -> None: ...

    def keep(self, action: KeepFile) -> None: ...


class FileEditor(Protocol):
    """Files of others, changed only while they are what was seen."""

    def edit(self, action: EditFile) -> None: ...


class AsideWriter(Protocol):
    """What may take minutes.  `begin` returns at once: the next observations tell its end."""

    def begin(self, action: Action) -> None: ...


class CheckpointKeeper(Protocol):
    """NetworkManager's checkpoints by object path; see `apply/checkpoints.py`."""

    def create(self, devices: Iterable[str], seconds: int) -> str: ...

    def extend(self, path: str, seconds: int) -> None: ...

    def destroy(self, path: str) -> bool: ...

    def rollback(self, path: str) -> bool: ...

    def stamp(self) -> int: ...

    def made(self, devices: Iterable[str], since: int) -> tuple[str, ...]: ...
