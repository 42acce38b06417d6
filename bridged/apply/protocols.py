"""How each world is changed: one small protocol each, real ones beside this file, twins in tests.

Every method returns when the world has accepted the change, within a time limit of its own, and
raises `WorldError` otherwise.  None of them decides anything: that was the plan's business, and
whether it worked is for the next observation to tell.
"""

from collections.abc import Iterable
from typing import Protocol

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
    """One under way.  `wait` returns when the device is activated, and must be called."""

    def wait(self) -> None: ...


class NetworkManagerWriter(Protocol):
    """Profiles and activations.  `activate` only begins: several may be under way at once."""

    def add_profile(self, action: AddProfile) -> None: ...

    def update_profile(self, action: UpdateProfile) -> None: ...

    def delete_profile(self, action: DeleteProfile) -> None: ...

    def activate(self, action: Activate) -> Activation: ...

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
    """The kernel's module loader."""

    def load(self, module: str) -> None: ...


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
