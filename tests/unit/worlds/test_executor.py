"""The order in which actions are taken: activations beside one another, but for what hangs
together."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bridged.apply.executor import Executor, Outcome
from bridged.errors import WorldError
from bridged.plan.actions import (
    Action,
    Activate,
    AddProfile,
    DeleteProfile,
    ObjectId,
    Reapply,
    UpdateProfile,
)
from tests.twins.machine import Machine

BRIDGES = {number: ObjectId("bridge", f"br{number}") for number in range(150)}


class Slow:
    """A NetworkManager that takes its time: `said` has what it was asked for, and waited for."""

    def __init__(self, *failing: str) -> None:
        self.said: list[str] = []
        self.failing = failing

    def add_profiles(self, actions: Sequence[AddProfile]) -> list[WorldError | None]:
        self.said.append(f"add {' '.join(action.uuid for action in actions)}")
        return [self.error(f"+{action.uuid}") for action in actions]

    def delete_profile(self, action: DeleteProfile) -> None:
        self.said.append(f"delete {action.uuid}")

    def update_profiles(self, actions: Sequence[UpdateProfile]) -> list[WorldError | None]:
        self.said.append(f"update {' '.join(action.profile for action in actions)}")
        return [None for _ in actions]

    def error(self, what: str) -> WorldError | None:
        return WorldError("failed", f"{what} was told to fail") if what in self.failing else None

    def reapply(self, action: Reapply) -> None:
        self.said.append(f"reapply {action.device}")

    def activate(self, actions: Sequence[Activate]) -> list["Slow.Waiting"]:
        self.said += [f"begin {action.uuid}" for action in actions]
        return [Slow.Waiting(self, action.uuid) for action in actions]

    class Waiting:
        def __init__(self, manager: "Slow", uuid: str) -> None:
            self.manager, self.uuid = manager, uuid

        def wait(self, meanwhile: Callable[[], None]) -> None:
            self.manager.said.append(f"end {self.uuid}")
            if error := self.manager.error(self.uuid):
                raise error


def run(manager: Slow, *actions: Action, machine: Machine | None = None) -> list[Outcome]:
    machine = machine or Machine()
    writers = replace(machine.writers, network_manager=manager)  # type: ignore[arg-type]
    executor = Executor(writers, machine.clock)
    beats: list[None] = []
    executor.alive = lambda: beats.append(None)
    outcomes = executor.run(actions)
    assert len(beats) == sum("end" in line for line in manager.said)
    return outcomes


def port(bridge: int, name: str) -> tuple[AddProfile, Activate]:
    item, needs = ObjectId("port", name), frozenset({BRIDGES[bridge]})
    settings = {"connection": {"id": name}}
    return (
        AddProfile(object=item, reason="", needs=needs, uuid=name, settings=settings),
        Activate(object=item, reason="", needs=needs, uuid=name, device=name),
    )


def test_ports_of_two_bridges_are_activated_at_once_and_written_before() -> None:
    manager = Slow()
    outcomes = run(manager, *port(1, "a"), *port(2, "b"))
    assert manager.said == ["add a b", "begin a", "begin b", "end a", "end b"]
    assert [outcome.error for outcome in outcomes] == [None] * 4


def test_ports_of_one_bridge_come_up_one_after_the_other() -> None:
    """A profile that is there when its bridge comes up is activated with it, left alone or not."""
    manager = Slow()
    run(manager, *port(1, "a"), *port(1, "b"))
    assert manager.said == ["add a", "begin a", "end a", "add b", "begin b", "end b"]


def test_a_bridge_comes_up_before_its_port_is_known() -> None:
    manager = Slow()
    up = Activate(object=BRIDGES[1], reason="", uuid="br1", device="br1")
    run(manager, up, port(1, "a")[0])
    assert manager.said == ["begin br1", "end br1", "add a"]


def test_everything_else_waits_for_what_is_under_way() -> None:
    manager = Slow()
    reapply = Reapply(object=BRIDGES[3], reason="", device="br3", changes={})
    run(manager, port(1, "a")[1], port(2, "b")[1], reapply)
    assert manager.said == ["begin a", "begin b", "end a", "end b", "reapply br3"]


def test_what_needs_a_failed_port_is_skipped_and_the_rest_goes_on() -> None:
    manager = Slow("a")
    first, other = port(1, "a")[1], port(2, "b")[1]
    vlan = Activate(
        object=ObjectId("vlan", "a.6"), reason="", uuid="a.6", device="a.6",
        needs=frozenset({BRIDGES[3], first.object}),
    )  # fmt: skip
    outcomes = run(manager, first, other, vlan)
    assert [o.action.uuid for o in outcomes if isinstance(o.action, Activate)] == ["a", "b", "a.6"]
    assert [(o.error is None, o.skipped) for o in outcomes] == [
        (False, False), (True, False), (False, True),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [64, 65, 150])
def test_not_too_many_are_under_way(count: int) -> None:
    manager = Slow()
    run(manager, *(port(number, f"p{number}")[1] for number in range(count)))
    most = under_way = 0
    for line in manager.said:
        under_way += 1 if line.startswith("begin") else -1
        most = max(most, under_way)
    assert most == 64
    assert under_way == 0


def test_profiles_are_written_together_bridges_first_and_new_ones_before_others_change() -> None:
    manager = Slow()
    actions: list[Action] = []
    for bridge, name in ((1, "a"), (2, "b")):
        item = BRIDGES[bridge]
        added, activated = port(bridge, name)
        actions.append(AddProfile(object=item, reason="", uuid=item.name, settings={}))
        rival = UpdateProfile(
            object=added.object, reason="", needs=added.needs, uuid="", profile=f"~{name}",
            changes={},
        )  # fmt: skip
        actions += [added, rival, activated]
    outcomes = run(manager, *actions)
    assert manager.said == [
        "add br1 br2 a b", "update ~a ~b", "begin a", "begin b", "end a", "end b",
    ]  # fmt: skip
    assert len(outcomes) == len(actions)


def test_one_profile_that_is_refused_stays_one_failure() -> None:
    manager = Slow("+a")
    outcomes = run(manager, *port(1, "a"), *port(2, "b"))
    assert manager.said == ["add a b", "begin b", "end b"]
    ended = {(type(o.action).__name__, o.action.object.name): o for o in outcomes}
    assert ended["AddProfile", "a"].error is not None
    assert ended["Activate", "a"].skipped
    assert ended["Activate", "b"].error is None


def test_a_profile_that_was_written_beside_what_it_needs_is_taken_back_where_that_failed() -> None:
    manager = Slow("+br1")
    added = AddProfile(object=BRIDGES[1], reason="", uuid="br1", settings={})
    outcomes = run(manager, added, *port(1, "a"), *port(2, "b"))
    assert manager.said == ["add br1 a b", "delete a", "begin b", "end b"]
    ended = {(type(o.action).__name__, o.action.object.name): o for o in outcomes}
    assert ended["AddProfile", "br1"].error is not None
    assert ended["AddProfile", "a"].skipped
    assert ended["Activate", "a"].skipped
    assert ended["Activate", "b"].error is None
    assert len(outcomes) == 5


def test_a_vlan_is_written_before_its_parent_comes_up_and_activated_after() -> None:
    manager = Slow()
    written, parent = port(1, "a")
    needs = frozenset({BRIDGES[3], parent.object})
    added, activated = port(3, "a.6")
    run(manager, written, parent, replace(added, needs=needs), replace(activated, needs=needs))
    assert manager.said == ["add a a.6", "begin a", "end a", "begin a.6", "end a.6"]


def test_a_thousand_profiles_are_not_written_in_one_breath() -> None:
    manager = Slow()
    outcomes = run(manager, *(port(1, f"p{number}")[0] for number in range(1000)))
    assert [len(line.split()) - 1 for line in manager.said] == [128] * 7 + [104]
    assert [outcome.error for outcome in outcomes] == [None] * 1000


def test_many_bridges_are_written_and_activated_in_waves() -> None:
    """NetworkManager takes the longer for each profile the more bridges are written only."""
    manager = Slow()
    numbers = range(150)
    bridges = [
        AddProfile(object=BRIDGES[number], reason="", uuid=f"br{number}", settings={})
        for number in numbers
    ]
    ports = [action for number in numbers for action in port(number, f"p{number}")]
    outcomes = run(manager, *bridges, *ports)
    idle, most = set(), []
    for line in manager.said:
        what, *names = line.split()
        if what == "add":
            idle |= {name for name in names if name.startswith("br")}
            assert {f"br{name[1:]}" for name in names if name.startswith("p")} <= idle
            most.append(len(idle))
        elif what == "begin":
            idle.remove(f"br{names[0][1:]}")
    assert most == [64, *[16] * 5, 6]
    assert not idle
    assert len(outcomes) == len(bridges) + len(ports)
    assert not any(outcome.error or outcome.skipped for outcome in outcomes)


@pytest.mark.parametrize(("seconds", "under_way"), [(1.0, 64), (11.0, 16)])
def test_where_network_manager_answers_late_it_is_given_less_at_once(
    seconds: float, under_way: int
) -> None:
    """Else it would not answer in time to what comes next."""
    machine = Machine()

    class Late(Slow):
        def add_profiles(self, actions: Sequence[AddProfile]) -> list[WorldError | None]:
            machine.clock.advance(seconds)
            begun = sum(line.startswith("begin") for line in self.said)
            most.append(begun - sum(line.startswith("end") for line in self.said))
            return super().add_profiles(actions)

    most: list[int] = []
    actions = [action for number in range(112) for action in port(number, f"p{number}")]
    outcomes = run(Late(), *actions, machine=machine)
    assert most == [0, 64, under_way, under_way]
    assert not any(outcome.error for outcome in outcomes)


def test_what_a_wave_leaves_unwritten_is_written_with_its_own() -> None:
    manager = Slow()
    former = [
        UpdateProfile(
            object=BRIDGES[number], reason="", uuid="", profile=f"~br{number}", changes={}
        )
        for number in (100, 3)
    ]
    ports = [action for number in range(64) for action in port(number, f"p{number}")]
    run(manager, *former, *ports, *port(100, "late"))
    updates = [line for line in manager.said if line.startswith("update")]
    assert updates == ["update ~br3", "update ~br100"]
    assert manager.said.index("update ~br100") < manager.said.index("begin late")
