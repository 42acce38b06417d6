"""For which nodes a drop-in is: judged by facts, told with the reason, refused with its place."""

from pathlib import Path

import pytest

from bridged.desired.errors import StateError
from bridged.desired.loader import Loaded, load_sources
from bridged.desired.match import Card
from bridged.desired.when import Facts, parse_labels
from bridged.observe.facts import FactReader
from tests.unit.desired.support import at, problem, sources

BASE = "version: 1\nmodules: [kvm]\n"
NODE = Facts(
    hostname="kvm-07",
    labels={"role": "kvm", "rack": "b2"},
    cards=(
        Card("enp13s0f0", ("uplink",), "52:54:00:00:00:01", True, "pci-0000:0d:00.0"),
        Card("eno1", (), "52:54:00:00:00:02", True, "pci-0000:02:00.0"),
    ),
)


def on(facts: Facts, *texts: str) -> Loaded:
    """The state on a node of these facts."""
    return load_sources(sources(*texts), lambda needs: facts)


def reasons(*drop_ins: str) -> list[str]:
    """Why drop-ins are left out on the node, as they are told."""
    return [str(left) for left in on(NODE, BASE, *drop_ins).left_out]


@pytest.mark.parametrize(
    "when",
    [
        "hostname: [kvm-*]",
        "hostname: [web-*, 'kvm-0?']",
        "labels: {role: kvm}",
        "labels: {role: 'k*', rack: '*'}",
        "nic-present: [enp13s0f0, uplink]",
        "nic-present: [{match: {mac: '52:54:00:00:00:02'}}]",
        "nic-present: [{match: {path: 'pci-0000:0d:00.0'}}]",
        "{hostname: [kvm-07], labels: {role: kvm}, nic-present: [eno1]}",
    ],
)
def test_a_drop_in_is_in_force_where_all_of_its_when_holds(when: str) -> None:
    when = when if when.startswith("{") else f"{{{when}}}"
    loaded = on(NODE, BASE, f"when: {when}\nmodules: [tun]\n")
    assert loaded.state.modules == ("kvm", "tun")
    assert (loaded.left_out, loaded.state.when) == ((), None)
    assert len(loaded.files) == 2


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ("hostname: [web-*, db-*]", "the host is called kvm-07, not web-* or db-*"),
        ("labels: {role: storage}", "the label role is kvm, not storage"),
        ("labels: {zone: a}", "the label zone is not set in /etc/bridged/labels"),
        ("nic-present: [enp13s0f0, enp99s0]", "there is no interface enp99s0"),
        (
            "nic-present: [{match: {mac: '52:54:00:00:00:09'}}]",
            "there is no card with mac 52:54:00:00:00:09",
        ),
        (
            "nic-present: [{match: {mac: '52:54:00:00:00:02', path: 'pci-0000:0d:00.0'}}]",
            "there is no card with mac 52:54:00:00:00:02 and path pci-0000:0d:00.0",
        ),
        ("hostname: [kvm-*], labels: {role: web}", "the label role is kvm, not web"),
    ],
)
def test_what_is_left_out_is_told_with_its_line_and_reason(when: str, reason: str) -> None:
    said = reasons(f"modules: [tun]\nwhen: {{{when}}}\n")
    assert said == [f"/etc/bridged/state.d/10.yaml:2: {reason}"]


def test_the_hash_is_that_of_what_is_in_force() -> None:
    """Two nodes with the same state have the same hash, whatever is left out; a node on which
    another drop-in comes into force has another one."""
    tun, gpu = "when: {hostname: [kvm-*]}\nmodules: [tun]\n", "when: {hostname: [gpu-*]}\n"
    alone = on(Facts(), BASE)
    assert on(Facts(hostname="web-1"), BASE, tun, gpu + "modules: [vfio]\n").hash == alone.hash
    assert on(NODE, BASE, tun, gpu + "modules: [vfio]\n").hash != alone.hash


def test_a_mistake_in_what_is_left_out_is_told_as_well() -> None:
    """Whoever reads it first tells it: the nodes for which it is are spared."""
    found = problem(BASE, "when: {hostname: [web-*]}\nbridges: {br-x: {mac: nonsense}}\n")
    assert (found.file, at(found)) == ("/etc/bridged/state.d/10.yaml", (2, 23))


@pytest.mark.parametrize(
    ("texts", "place", "word"),
    [
        (("version: 1\nwhen: {hostname: [a]}\nmodules: []\n",), (2, 1), "state.d"),
        ((BASE, "when: {}\nmodules: []\n"), (1, 7), "without a condition"),
        ((BASE, "when: {hostname: []}\nmodules: []\n"), (1, 7), "without a condition"),
        ((BASE, "when: {hostname: kvm-1}\n"), (1, 18), "[kvm-1]"),
        ((BASE, "when: {host: [kvm-1]}\n"), (1, 8), "hostname"),
        ((BASE, "when: {nic-present: [{match: {}}]}\n"), (1, 30), "fits every card"),
        (
            (BASE, "when: {nic-present: [{match: {path: '0d:00.0'}}]}\n"),
            (1, 37),
            "pci-0000:0d:00.0",
        ),
        ((BASE, "when: {nic-present: [{}]}\n"), (1, 22), "one of the two"),
    ],
)
def test_a_when_that_means_nothing_is_refused_with_its_place(
    texts: tuple[str, ...], place: tuple[int, int], word: str
) -> None:
    found = problem(*texts)
    assert at(found) == place
    assert word in f"{found.message} {found.remedy}"


def test_nothing_left_for_a_node_is_an_error_and_no_wish_for_nothing() -> None:
    with pytest.raises(StateError) as caught:
        on(NODE, "version: 1\nprotect: [eno1]\n", "when: {hostname: [web-*]}\nmodules: [tun]\n")
    assert "nothing is declared for this node" in str(caught.value)
    assert "modules: []" in str(caught.value)


def test_interfaces_that_cannot_be_read_are_not_absent() -> None:
    with pytest.raises(StateError) as caught:
        on(Facts(cards=None), BASE, "when: {nic-present: [eno1]}\nmodules: [tun]\n")
    assert caught.value.problems[0].line == 1


def test_labels_are_lines_and_a_wrong_one_is_an_error_with_its_place(tmp_path: Path) -> None:
    labels, wrong = parse_labels("l", "# of this node\n\nrole = kvm\nnote=a=b\n")
    assert (labels, wrong) == ({"role": "kvm", "note": "a=b"}, ())
    file = tmp_path / "labels"
    read = FactReader(file, hostname=lambda: "n1", trusted=True)
    assert read(frozenset({"labels"})).labels == {}
    file.write_text("role=kvm\nrole=web\njunk\n")
    facts = read(frozenset({"labels"}))
    assert [(p.line, p.message) for p in facts.problems] == [
        (2, "`role` is set twice"),
        (3, "this is not KEY=VALUE"),
    ]
    with pytest.raises(StateError):
        on(facts, BASE, "when: {labels: {role: kvm}}\nmodules: [tun]\n")
    assert on(facts, BASE, "when: {hostname: [x]}\nmodules: []\n").state.modules == ("kvm",)


def test_a_label_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "labels"
    file.write_text("role=kvm\n")
    file.chmod(0o666)
    (found,) = FactReader(file)(frozenset({"labels"})).problems
    assert "chmod go-w" in found.remedy
