"""What happens in the state file's directories rings, with whatever way of watching there is."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridged.agent import state_watcher
from bridged.agent.doorbell import Doorbell
from bridged.agent.state_watcher import StateWatcher


class Bell:
    """Counts the rings."""

    def __init__(self) -> None:
        self.rings = threading.Semaphore(0)

    def __call__(self, source: str) -> None:
        assert source == "state-file"
        self.rings.release()

    def rang(self) -> bool:
        """Whether it rings, or has rung since it was asked last."""
        heard = self.rings.acquire(timeout=10)
        while heard and self.rings.acquire(timeout=0.5):
            pass
        return heard


def no_doorbell(directories: object) -> Doorbell:
    raise OSError(24, "no inotify instance")


@pytest.fixture(params=["with a doorbell", "without one"])
def watched(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Path, Bell, StateWatcher]]:
    if request.param == "without one":
        monkeypatch.setattr(state_watcher, "Doorbell", no_doorbell)
    folder, bell = tmp_path / "bridged", Bell()
    folder.mkdir()
    watcher = StateWatcher(lambda: (folder, folder / "state.d"), bell)
    watcher.start()
    while watcher.mode != "inotify":
        threading.Event().wait(0.01)
    threading.Event().wait(0.3)
    yield folder, bell, watcher
    watcher.stop()
    assert not watcher.is_alive()


def test_what_is_done_to_a_file_rings(watched: tuple[Path, Bell, StateWatcher]) -> None:
    folder, bell, watcher = watched
    state, other = folder / "state.yaml", folder / "other"
    deeds: tuple[Callable[[], object], ...] = (
        lambda: state.write_text("version: 1\n"),
        lambda: state.chmod(0o600),
        lambda: other.write_text("version: 1\nbridges: {}\n"),
        lambda: other.rename(state),
        lambda: state.unlink(),
        lambda: state.symlink_to("..data/state.yaml"),
    )
    for deed in deeds:
        deed()
        assert bell.rang()
    assert watcher.mode == "inotify"


def test_a_directory_that_appears_or_is_replaced_is_watched(
    watched: tuple[Path, Bell, StateWatcher],
) -> None:
    folder, bell, _ = watched
    (folder / "state.d").mkdir()
    assert bell.rang()
    threading.Event().wait(1.5)  # the watch is made anew
    (folder / "state.d/50-more.yaml").write_text("bridges: {}\n")
    assert bell.rang()


def test_what_happens_until_the_watch_is_made_anew_rings_then(
    watched: tuple[Path, Bell, StateWatcher],
) -> None:
    """`mkdir state.d`, and the drop-in half a second later."""
    folder, bell, watcher = watched
    (folder / "state.d").mkdir()
    while watcher.mode != "poll":
        threading.Event().wait(0.01)
    threading.Event().wait(0.2)
    while bell.rings.acquire(timeout=0):
        pass
    (folder / "state.d/50-more.yaml").write_text("bridges: {}\n")
    assert bell.rang()


def test_reading_rings_nobody(tmp_path: Path) -> None:
    (tmp_path / "state.yaml").write_text("version: 1\n")
    with Doorbell([tmp_path]) as bell:
        (tmp_path / "state.yaml").read_text()
        reader, _writer = socket.socketpair()
        assert not bell.wait(0.05, reader)
        (tmp_path / "state.yaml").write_text("version: 1\n")
        assert bell.wait(5, reader)
        bell.hush()
        assert not bell.wait(0.05, reader)


def test_a_directory_that_is_not_there_is_an_error_and_leaves_nothing_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(FileNotFoundError):
        Doorbell([tmp_path, tmp_path / "missing"])
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_watchers_library_comes_without_its_asyncio_interface_until_that_is_wanted() -> None:
    code = (
        "import sys, bridged.agent.state_watcher\n"
        "assert 'watchfiles.main' not in sys.modules and 'anyio' not in sys.modules\n"
        "from watchfiles import Change, awatch\n"
        "assert Change.added.name == 'added' and awatch.__module__ == 'watchfiles.main'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
