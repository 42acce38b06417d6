"""Which drop-ins are not for this node is told wherever somebody may look for what they declare."""

from pathlib import Path

import pytest

from bridged.agent.engine import Engine
from bridged.agent.state_source import FileSource
from bridged.cli.explain import explain_text
from bridged.cli.main import main
from bridged.cli.plan import plan_text
from bridged.cli.render import status_text
from bridged.cli.terminal import Terminal
from bridged.desired.match import Card
from bridged.desired.when import Facts
from bridged.explain.records import explanation_as_json
from bridged.explain.resolve import Unknown
from bridged.report import as_json
from bridged.serve.protocols import PlanView, plan_as_json
from tests.twins.machine import reference_machine
from tests.twins.source import engine

REASON = "10.yaml:1: the host is called node7, not gpu-*"


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "state.d").mkdir(mode=0o755)
    texts = {
        "state.yaml": "version: 1\n"
        "bridges: {br-lan: {ports: [{match: {mac: '52:54:00:0d:00:00'}}]}}\n",
        "state.d/10.yaml": "when: {hostname: [gpu-*]}\nmodules: [vfio]\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o644)
    return tmp_path


@pytest.fixture
def running(etc: Path) -> Engine:
    machine = reference_machine()
    machine.kernel.change("enp13s0f0", permanent_address="52:54:00:0d:00:00")
    made = engine(machine, None)
    facts = Facts(hostname="node7", cards=(Card("enp13s0f0"),))
    made.source = FileSource(etc / "state.yaml", facts=lambda needs: facts)
    assert made.run_pass().converged
    return made


def test_status_plan_and_explain_tell_it(running: Engine) -> None:
    terminal = Terminal(200)
    plan = running.preview()
    report = running.report()
    explained = explanation_as_json(running.explain("enp13s0f0"))
    for text in (
        status_text(as_json(report), report.time, terminal),
        plan_text(plan_as_json(PlanView.of(plan, state=plan.state)), terminal),
        explain_text(explained, report.time, terminal),
    ):
        assert "1 drop-in left out, not for this node:\n" in text
        assert REASON in text


def test_what_only_a_left_out_drop_in_declares_is_explained_by_it(running: Engine) -> None:
    with pytest.raises(Unknown) as caught:
        running.explain("vfio")
    assert REASON in str(caught.value)


def test_a_port_that_is_told_by_what_it_is_has_its_place(running: Engine) -> None:
    assert running.explain("port/enp13s0f0").declared.endswith("state.yaml:2")


def test_validate_tells_it(etc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(etc / "state.yaml")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "valid, 1 bridge, 1 port" in said
    assert "1 drop-in left out, not for this node:" in said
    assert "not gpu-*" in said


def test_validate_judges_for_another_node(etc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fleet's files are tried for each kind of node before any of them sees it."""
    (etc / "state.d/20.yaml").write_text("when: {labels: {role: kvm}}\nmodules: [tun]\n")
    file = str(etc / "state.yaml")
    assert main(["validate", file, "--hostname", "gpu-1", "--label", "role=kvm"]) == 0
    assert "2 modules" in capsys.readouterr().out
    assert main(["validate", file, "--hostname", "web-1"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "the host is called web-1, not gpu-*" in told
    assert "the label role is not set in --label" in told
    assert main(["validate", file, "--label", "role kvm"]) == 1
    assert "--label role kvm: this is not KEY=VALUE" in " ".join(capsys.readouterr().err.split())
