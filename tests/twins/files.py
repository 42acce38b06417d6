"""Kept files and kubeadm in memory."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from bridged.errors import WorldError
from bridged.observe.host import KeptFile, Kubeadm
from bridged.plan.actions import KeepFile
from tests.twins.faults import Faults


class FakeFiles:
    """`kept` are the files by path, `backups` what was there before each write that changed one;
    `judge` is what kubeadm says of a text."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.kept: dict[str, KeptFile] = {}
        self.backups: list[tuple[str, str]] = []
        self.judge: Callable[[str], Kubeadm] = lambda text: Kubeadm()

    def edit(self, path: str, content: str) -> None:
        """Somebody writes the file."""
        before = self.kept.get(path, KeptFile(owner="root:root", mode=0o644))
        self.kept[path] = replace(before, content=content)

    def read_kept(self, paths: Iterable[str]) -> dict[str, KeptFile]:
        """The files named."""
        return {path: self.kept.get(path, KeptFile()) for path in paths}

    def keep(self, action: KeepFile) -> None:
        """A file is replaced."""
        self.faults.write("keep", action.path)
        before = self.kept.get(action.path, KeptFile())
        if before.obstacle:
            raise WorldError("refused", before.obstacle)
        if before.content is not None and before.content != action.content:
            self.backups.append((action.path, before.content))
        self.kept[action.path] = KeptFile(action.content, action.owner, mode=action.mode)
