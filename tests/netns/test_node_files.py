"""The files for Kubernetes on a real node: made, looked at, put right with a backup, or left alone.
The node's address is the reference's, on the card of the administration."""

import pytest
import yaml

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.lab.watch import watching
from tests.netns.agent import REFERENCE, Agent, administration

FOLDER = "/etc/kubernetes"
KUBEADM, CILIUM = f"{FOLDER}/kubeadm.conf", f"{FOLDER}/cilium-values.yaml"
KUBERNETES = f"""\
kubernetes:
  address: 192.168.10.160
  cluster-name: rubikub
  endpoint: rubikub.coolcorp.priv:6443
  version: 1.34.2
  pod-cidr: 10.11.0.0/16
  service-cidr: 10.12.0.0/16
  kubeadm: {{file: {KUBEADM}}}
  cilium: {{file: {CILIUM}, pool: 10.13.0.0/16}}
"""
STATE = REFERENCE + KUBERNETES


@pytest.fixture
def keeping(lab: NetnsLab, agent: Agent) -> Agent:
    """An agent on a node whose files are right."""
    administration(lab)
    agent.converge(STATE)
    return agent


def backups(lab: NetnsLab, path: str) -> list[str]:
    """The texts of a file's backups."""
    found = lab.run("sh", "-c", f"ls {path}.before-* 2>/dev/null", check=False).stdout.split()
    return [lab.read(name) for name in found]


def is_as_rendered(lab: NetnsLab, agent: Agent) -> bool:
    """Whether both files are what `bridgedctl render` prints, byte for byte."""
    return all(
        lab.exists(path) and lab.read(path) == agent.ctl("render", what, check=True)
        for what, path in (("kubeadm", KUBEADM), ("cilium", CILIUM))
    )


def test_the_files_are_made_and_a_second_pass_writes_nothing(lab: NetnsLab, keeping: Agent) -> None:
    """Rule 1, for files; owner and mode as declared."""
    assert is_as_rendered(lab, keeping)
    documents = list(yaml.safe_load_all(lab.read(KUBEADM)))
    assert documents[0]["kind"] == "InitConfiguration"
    told = lab.run("stat", "-c", "%U:%G %a", KUBEADM, CILIUM).stdout.split("\n")
    assert told[:2] == ["root:root 644"] * 2
    with watching(lab, [FOLDER]) as seen:
        keeping.next_pass()
        keeping.restart()
        keeping.next_pass()
    assert seen.still, seen
    assert backups(lab, KUBEADM) == []


@pytest.mark.parametrize("path", [KUBEADM, CILIUM])
def test_a_hand_edit_is_put_back_and_kept_beside(lab: NetnsLab, keeping: Agent, path: str) -> None:
    """Nobody asks for it: it is found by looking."""
    edited = lab.read(path).replace("192.168.10.160", "192.168.10.99")
    lab.write(path, edited, replace=True)
    wait_until(lambda: is_as_rendered(lab, keeping), 15, "the file is as declared")
    assert backups(lab, path) == [edited]
    status = keeping.wait_converged()
    last = next(r for r in reversed(status["repairs"]) if r["object"] == f"file/{path}")
    assert (last["cause"], last["outcome"]) == ("content", "repaired")


def test_a_deleted_file_and_another_mode_are_put_right(lab: NetnsLab, keeping: Agent) -> None:
    """Also while nobody looks: the next start finds it (rule 9)."""
    keeping.kill()
    lab.run("rm", KUBEADM)
    lab.run("chmod", "666", CILIUM)
    keeping.start()
    keeping.wait_converged()
    assert is_as_rendered(lab, keeping)
    assert lab.run("stat", "-c", "%a", CILIUM).stdout.strip() == "644"
    assert backups(lab, CILIUM) == []


def test_what_the_operator_keeps_to_himself_is_only_told(lab: NetnsLab, keeping: Agent) -> None:
    """`enforce: false`: seen, shown, and left, until the operator does it."""
    keeping.declare(STATE.replace(f"file: {KUBEADM}", f"file: {KUBEADM}, enforce: false"))
    keeping.reread()
    lab.write(KUBEADM, "by: hand\n")
    seen = keeping.wait_condition(f"file/{KUBEADM}", "withheld")
    assert f"bridgedctl render kubeadm > {KUBEADM}" in seen["remedy"]
    keeping.next_pass()
    assert lab.read(KUBEADM) == "by: hand\n"
    assert "Left to you" in keeping.ctl("plan")
    lab.write(KUBEADM, keeping.ctl("render", "kubeadm", check=True))
    keeping.wait_converged()


def test_nothing_is_written_through_a_link(lab: NetnsLab, keeping: Agent) -> None:
    """A file that somebody made a link of is blocked with the step, and right once the link is
    gone."""
    lab.write("/root/theirs", "theirs\n")
    lab.run("ln", "-sf", "/root/theirs", CILIUM)
    seen = keeping.wait_condition(f"file/{CILIUM}", "blocked")
    assert "symbolic link" in seen["reason"]
    assert lab.read("/root/theirs") == "theirs\n"
    assert keeping.condition(f"file/{KUBEADM}") == "converged"
    lab.run("rm", CILIUM)
    keeping.wait_converged()


def test_an_address_that_the_node_has_not_is_told_and_not_written(
    lab: NetnsLab, agent: Agent
) -> None:
    """The files come as soon as the address does."""
    agent.start(STATE)
    agent.wait_condition(f"file/{KUBEADM}", "blocked")
    assert "192.168.10.160" in agent.finding("node-address")
    assert not lab.exists(KUBEADM)
    assert agent.condition("bridge/br-lan") == "converged"
    administration(lab)
    # Activated twice, so that the address comes, goes and comes.
    wait_until(lambda: agent.finding("node-address") == "" and lab.exists(KUBEADM), 15)
    agent.wait_converged()


def test_kubeadm_is_asked_where_there_is_one(lab: NetnsLab, keeping: Agent) -> None:
    """What it refuses is not written, and it is not asked at every pass."""
    script = '#!/bin/sh\necho "$*" >>/run/kubeadm.calls\n{}\n'
    refuses = 'echo "error: strict decoding error" >&2; exit 1'
    lab.write("/usr/local/bin/kubeadm", script.format(refuses), mode=0o755, replace=True)
    keeping.declare(STATE.replace("1.34.2", "1.35.0"))
    seen = keeping.wait_condition(f"file/{KUBEADM}", "blocked")
    assert "strict decoding error" in seen["reason"]
    assert "1.34.2" in lab.read(KUBEADM)
    for _ in range(3):
        keeping.next_pass()
    calls = lab.read("/run/kubeadm.calls").splitlines()
    assert len(calls) <= 2, "once for each text"
    assert calls[0].startswith("config validate --config /")
    lab.write("/usr/local/bin/kubeadm", script.format("exit 0"), mode=0o755, replace=True)
    keeping.wait_converged()
    assert "1.35.0" in lab.read(KUBEADM)
