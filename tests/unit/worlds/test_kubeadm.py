"""Asking kubeadm: once for each text, and nobody waits for one that hangs."""

import os
from pathlib import Path

import pytest

from bridged.observe.host import Kubeadm
from bridged.observe.kubeadm import KubeadmReader
from tests.twins.machine import Clock


def kubeadm(folder: Path, script: str) -> None:
    """Installs a kubeadm that notes how it was called."""
    file = folder / "new"
    file.write_text(f'#!/bin/sh\necho "$@" >>{folder}/calls\ncat "$4" >{folder}/config\n{script}\n')
    file.chmod(0o755)
    os.replace(file, folder / "kubeadm")


def calls(folder: Path) -> int:
    """How often it was called."""
    file = folder / "calls"
    return len(file.read_text().splitlines()) if file.exists() else 0


@pytest.fixture
def reader(tmp_path: Path) -> KubeadmReader:
    return KubeadmReader(str(tmp_path), Clock(), patience=20)


def test_where_there_is_none_nothing_is_said(reader: KubeadmReader) -> None:
    assert reader.read("text", anew=True) == Kubeadm("absent")


def test_it_is_asked_once_for_each_text(reader: KubeadmReader, tmp_path: Path) -> None:
    kubeadm(tmp_path, "echo ok")
    for _ in range(3):
        assert reader.read("text", anew=True) == Kubeadm("accepts", "ok")
    assert (tmp_path / "calls").read_text().startswith("config validate --config /")
    assert (tmp_path / "config").read_text() == "text"
    reader.read("other", anew=True)
    assert calls(tmp_path) == 2


def test_another_kubeadm_is_asked_anew_where_there_is_time(
    reader: KubeadmReader, tmp_path: Path
) -> None:
    kubeadm(tmp_path, "echo ok")
    reader.read("text", anew=True)
    kubeadm(tmp_path, "echo W1125 12:00:00.1 x.go:1] old; echo unknown field >&2; exit 1")
    assert reader.read("text", anew=False).answer == "accepts"
    assert reader.read("text", anew=True) == Kubeadm("refuses", "unknown field")
    (tmp_path / "kubeadm").unlink()
    assert reader.read("text", anew=True) == Kubeadm("absent")


def test_one_that_hangs_is_not_waited_for_and_ended(tmp_path: Path) -> None:
    clock = Clock()
    reader = KubeadmReader(str(tmp_path), clock, patience=0, limit=10)
    kubeadm(tmp_path, "sleep 1000")
    assert reader.read("text", anew=True) == Kubeadm("asking")
    clock.advance(5)
    assert reader.read("text", anew=False) == Kubeadm("asking")
    clock.advance(6)
    answer = reader.read("text", anew=False)
    assert answer.answer == "silent"
    assert "did not answer within 10 s" in answer.said
    assert reader.read("text", anew=True) == answer, "not again and again"


def test_one_that_cannot_be_run_says_why(tmp_path: Path) -> None:
    file = tmp_path / "kubeadm"
    file.write_bytes(b"\x7fELF nonsense")
    file.chmod(0o755)
    answer = KubeadmReader(str(tmp_path), patience=20).read("text", anew=True)
    assert answer.answer == "silent"
    assert "cannot be run" in answer.said
