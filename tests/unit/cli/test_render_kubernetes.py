"""`bridgedctl render kubeadm` and `render cilium`, and what plan, explain and names say of them."""

from pathlib import Path

import pytest

from bridged.cli.main import main
from bridged.cli.plan import plan_text
from bridged.cli.terminal import Terminal
from bridged.explain.explain import explain
from bridged.kubernetes.cilium import cilium_values
from bridged.kubernetes.kubeadm import kubeadm_conf
from bridged.serve.protocols import PlanView, plan_as_json
from tests.twins.machine import reference_machine
from tests.twins.source import engine
from tests.unit.kubernetes.support import CILIUM, EXAMPLE, KUBEADM, example, state


@pytest.fixture
def file(tmp_path: Path) -> str:
    """The example as a state file of its own."""
    made = tmp_path / "state.yaml"
    made.write_text("version: 1\n" + EXAMPLE.read_text())
    return str(made)


@pytest.mark.parametrize("what", ["kubeadm", "cilium"])
def test_the_same_bytes_as_are_kept(
    file: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = {"kubeadm": kubeadm_conf(example()), "cilium": cilium_values(example())}
    assert main(["render", what, "--state", file]) == 0
    assert capsys.readouterr().out == expected[what]
    assert main(["--state", file, "render", what]) == 0
    assert capsys.readouterr() == (expected[what], "")


@pytest.mark.parametrize(
    ("text", "said", "step"),
    [
        ("version: 1\nmodules: []\n", "says nothing of Kubernetes", "add a section `kubernetes`"),
        ("version: 1\nkubernetes: {}\n", "cannot be used: 6 problems", "bridgedctl validate"),
    ],
)
def test_what_cannot_be_rendered_says_the_next_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str, step: str
) -> None:
    made = tmp_path / "state.yaml"
    made.write_text(text)
    assert main(["render", "cilium", "--state", str(made)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert step in err


def test_without_cilium_there_are_no_values_for_it(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path(file).read_text()
    Path(file).write_text(text[: text.index("  cilium:")])
    assert main(["render", "cilium", "--state", file]) == 1
    assert "pool: 10.13.0.0/16" in capsys.readouterr().err
    assert main(["render", "kubeadm", "--state", file]) == 0


def test_validate_and_names_know_the_files(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", file]) == 0
    assert "2 kept files" in capsys.readouterr().out
    assert main(["--socket", "/nowhere", "--state", file, "names"]) == 0
    assert f"file/{KUBEADM}\nfile/{CILIUM}\n" in capsys.readouterr().out


def test_the_plan_tells_what_is_left_to_the_operator() -> None:
    wanted = state(kubeadm={"file": KUBEADM, "enforce": False})
    found = reference_machine().plan(wanted)
    text = plan_text(plan_as_json(PlanView.of(found, found.not_taken)), Terminal(80))
    assert f"write {KUBEADM} (root:root, 0644)" in text
    assert "Left to you, as the state file says (bridgedctl status tells how):" in text
    assert "guests" not in text


def test_explain_shows_a_kept_file() -> None:
    machine = reference_machine()
    made = engine(machine, state())
    made.preview()
    assert made.host is not None
    told = explain(state(), made.host, made.report(), KUBEADM)
    assert {p.name for p in told.properties} == {"content", "owner", "mode"}
    assert ("made by", "bridgedctl render kubeadm") in told.facts
    assert "192.168.10.160" in told.reason


def test_a_card_that_is_told_by_what_it_is_stands_in_no_way(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No file for Kubernetes names a card; export does."""
    with Path(file).open("a") as stream:
        stream.write("bridges: {br-lan: {ports: [{match: {mac: '52:54:00:0d:00:00'}}]}}\n")
    for what in ("kubeadm", "cilium", "nad"):
        assert main(["render", what, "--state", file]) == 0
    capsys.readouterr()
    assert main(["export", "--state", file]) == 1
    assert "is told by what it is, and others want a name" in capsys.readouterr().err
