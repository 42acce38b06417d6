"""One state for many nodes: judged again when what it is judged by changes, without a restart."""

from dataclasses import replace
from pathlib import Path

import pytest

from bridged.agent.state_source import FileSource
from bridged.desired.match import Card
from bridged.desired.when import Facts
from bridged.observe.facts import facts_beside


class Node:
    """Facts that a test changes; counts how often it is asked."""

    def __init__(self) -> None:
        self.facts = Facts(hostname="n1")
        self.asked: list[frozenset[str]] = []

    def __call__(self, needs: frozenset[str]) -> Facts:
        self.asked.append(needs)
        return self.facts


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    folder = tmp_path / "bridged"
    (folder / "state.d").mkdir(parents=True)
    (folder / "state.yaml").write_text("version: 1\nmodules: [kvm]\n")
    (folder / "state.d" / "10.yaml").write_text(
        "when: {nic-present: [eno1], labels: {role: kvm}}\nmodules: [tun]\n"
    )
    for path in (folder, folder / "state.d", *folder.rglob("*.yaml")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def test_a_nic_that_appears_and_a_label_that_is_set_bring_a_drop_in_into_force(etc: Path) -> None:
    node = Node()
    source = FileSource(etc / "state.yaml", sleep=lambda seconds: None, facts=node)
    assert source.refresh()
    assert source.state is not None
    assert source.state.modules == ("kvm",)
    (told,) = source.report.left_out
    assert told.endswith("state.d/10.yaml:1: the label role is not set in /etc/bridged/labels")
    before = source.report.hash
    assert not source.refresh(), "nothing has changed"
    node.facts = replace(node.facts, labels={"role": "kvm"})
    assert source.refresh()
    assert source.report.left_out[0].endswith("there is no interface eno1")
    assert source.report.hash == before
    node.facts = replace(node.facts, cards=(Card("eno1"),))
    assert source.refresh()
    assert source.state.modules == ("kvm", "tun")
    assert (source.report.left_out, source.report.hash != before) == ((), True)


def test_facts_that_cannot_be_had_leave_in_force_what_was(etc: Path) -> None:
    """Rule 8."""
    node = Node()
    node.facts = Facts(labels={"role": "kvm"}, cards=(Card("eno1"),))
    source = FileSource(etc / "state.yaml", sleep=lambda seconds: None, facts=node)
    source.refresh()
    node.facts = replace(node.facts, cards=None)
    assert source.refresh()
    assert not source.refresh(), "it is told once"
    assert (source.report.valid, source.report.source) == (False, "last-good")
    assert source.state is not None
    assert source.state.modules == ("kvm", "tun")
    node.facts = replace(node.facts, cards=(Card("eno1"),))
    assert source.refresh()
    assert source.report.valid


def test_who_declares_no_when_is_asked_for_nothing(etc: Path) -> None:
    """A pass on a node without a fleet costs what it cost before."""
    (etc / "state.d" / "10.yaml").write_text("modules: [tun]\n")
    node = Node()
    source = FileSource(etc / "state.yaml", sleep=lambda seconds: None, facts=node)
    source.refresh()
    source.refresh()
    assert set(node.asked) == {frozenset()}
    assert len(node.asked) == 1


def test_the_label_file_is_beside_the_state_file_and_read_anew(etc: Path) -> None:
    (etc / "state.d" / "10.yaml").write_text("when: {labels: {role: kvm}}\nmodules: [tun]\n")
    file = etc / "state.yaml"
    source = FileSource(file, sleep=lambda seconds: None, facts=facts_beside(file))
    source.refresh()
    assert source.state is not None
    assert source.state.modules == ("kvm",)
    labels = etc / "labels"
    labels.write_text("role = kvm\n")
    labels.chmod(0o644)
    source.refresh()
    assert source.state.modules == ("kvm", "tun")
    labels.write_text("role: kvm\n")
    source.refresh()
    assert source.report.problems[0].startswith(f"{labels}:1:1: this is not KEY=VALUE")
    assert source.state.modules == ("kvm", "tun")
    assert source.directories[0] == etc, "where an edit of it rings"


@pytest.mark.parametrize("text", ["", "\n", "# role=kvm\n"])
def test_labels_that_are_only_half_written_undo_nothing(etc: Path, text: str) -> None:
    """The bridges of a drop-in would go with it: an empty file is no wish for none of them."""
    (etc / "state.d" / "10.yaml").write_text("when: {labels: {role: kvm}}\nmodules: [tun]\n")
    file, labels = etc / "state.yaml", etc / "labels"
    labels.write_text("role=kvm\n")
    labels.chmod(0o644)
    source = FileSource(file, sleep=lambda seconds: None, facts=facts_beside(file))
    source.refresh()
    labels.write_text(text)
    source.refresh()
    assert source.state is not None
    assert source.state.modules == ("kvm", "tun")
    assert source.report.problems[0].startswith(f"{labels}: the file sets no label")
    labels.unlink()
    source.refresh()
    assert source.state.modules == ("kvm",), "a node may have no labels"


def test_labels_that_are_being_replaced_are_waited_for(etc: Path) -> None:
    (etc / "state.d" / "10.yaml").write_text("when: {labels: {role: kvm}}\nmodules: [tun]\n")
    file, labels = etc / "state.yaml", etc / "labels"
    labels.write_text("role=kvm\n")
    labels.chmod(0o644)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        labels.write_text("rack=b2\nrole=kvm\n")

    source = FileSource(file, sleep=sleep, facts=facts_beside(file))
    source.refresh()
    for half in ("rack=b2\n", None):
        if half:
            labels.write_text(half)
        else:
            labels.unlink()
        source.refresh()
        assert source.state is not None
        assert source.state.modules == ("kvm", "tun")
        labels.chmod(0o644)
    assert slept
