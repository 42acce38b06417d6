"""What tells nobody when it changes is found by looking every few seconds."""

from pathlib import Path

from bridged.agent.engine import Engine
from bridged.agent.wiring import SilentChanges
from bridged.observe.files import FileReader
from bridged.observe.host import Host, Kubeadm
from tests.twins.machine import reference_machine
from tests.twins.source import engine
from tests.unit.kubernetes.support import KUBEADM, state


def looked(root: Path, kubeadm: Kubeadm = Kubeadm()) -> Engine:  # noqa: B008 - frozen
    """An engine that saw the files below `root`."""
    made = engine(reference_machine(), state())
    made.host = Host(kept=FileReader(root).kept([KUBEADM]), kubeadm=kubeadm)
    return made


def test_a_kept_file_that_changed_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / KUBEADM.lstrip("/")
    changed = SilentChanges(tmp_path)
    assert not changed(looked(tmp_path)), "there is none, as before"
    before = looked(tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text("a\n")
    assert changed(before)
    before = looked(tmp_path)
    assert not changed(before)
    file.chmod(0o600)
    assert changed(before)


def test_a_question_to_kubeadm_that_is_open_is_asked_after(tmp_path: Path) -> None:
    assert SilentChanges(tmp_path)(looked(tmp_path, Kubeadm("asking")))
