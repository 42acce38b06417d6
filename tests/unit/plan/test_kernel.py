"""Kernel parameters: when a value is as declared, and what is not written."""

import pytest

from bridged.desired.state import Minimum
from bridged.plan.actions import ObjectId
from bridged.plan.kernel import satisfied
from bridged.plan.result import Verdict
from tests.twins.machine import Machine, reference_machine
from tests.twins.source import engine
from tests.unit.reference import state

RMEM = "net/ipv4/tcp_rmem"


@pytest.fixture
def machine() -> Machine:
    return reference_machine()


def verdict(machine: Machine, path: str, wish: object, **changes: object) -> Verdict:
    plan = machine.plan(state(sysctls={path: wish}, **changes))
    found = plan.verdict(ObjectId("sysctl", path.replace("/", ".")))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("declared", "shown"),
    [
        ("0x10", "16"),
        ("-0x10", "-16"),
        ("010", "8"),
        ("0x1 010\t3", "1 8 3"),
        ("9000,8080,8081", "8080-8081,9000"),
        ("1-5,3-9,20", "1-9,20"),
        ("0,1", "0-1"),
        (16, "0x10"),
        ("bbr", "bbr"),
        ("", ""),
    ],
)
def test_what_the_kernel_shows_in_its_own_spelling_is_as_declared(
    declared: int | str, shown: str
) -> None:
    assert satisfied(declared, shown, "net/ipv4/ip_local_reserved_ports")


@pytest.mark.parametrize(
    ("path", "declared", "shown"),
    [
        ("net/ipv4/tcp_allowed_congestion_control", "cubic reno bbr", "reno bbr cubic"),
        ("kernel/seccomp/actions_logged", "errno trap", "trap errno"),
        ("net/core/flow_limit_cpu_bitmap", "f", "00f"),
        ("net/core/rps_default_mask", "10", "010"),
        ("net/core/rps_default_mask", "1,00000000", "00000001,00000000"),
        ("net/ipv4/tcp_fastopen_key", "A-b-1-2", "0000000a-0000000b-00000001-00000002"),
        ("net/ipv6/conf/default/stable_secret", "2001:DB8::1", "2001:0db8:0:0:0:0:0:0001"),
    ],
)
def test_keys_with_a_spelling_of_their_own(path: str, declared: str, shown: str) -> None:
    """What the kernel sorts or widens is written once, not at every look."""
    assert satisfied(declared, shown, path)


@pytest.mark.parametrize(
    ("path", "declared", "shown"),
    [
        ("net/ipv4/tcp_allowed_congestion_control", "cubic reno", "cubic reno bbr"),
        ("net/core/rps_default_mask", "8", "010"),
        ("net/core/rps_default_mask", "1,00000000", "00000000,00000001"),
        ("net/ipv4/tcp_fastopen_key", "a-b-1-2", "a-b-2-1"),
        ("net/ipv6/conf/default/stable_secret", "2001:db8::1", ""),
    ],
)
def test_and_other_values_of_such_keys(path: str, declared: str, shown: str) -> None:
    assert not satisfied(declared, shown, path)


@pytest.mark.parametrize(
    ("declared", "shown"),
    [
        ("0x10", "10"),
        ("8080,8082", "8080-8082"),
        ("1 2", "1 2 3"),
        ("", "0"),
        ("bbr", "cubic"),
        ("9" * 5000, "1"),
        ("00000001-00000002-00000003-00000004", "00000001-00000002-00000003-00000005"),
    ],
)
def test_other_values_are_not(declared: int | str, shown: str) -> None:
    assert not satisfied(declared, shown, "net/ipv4/ip_local_reserved_ports")


def test_case_18_a_minimum_of_several_numbers_is_told_and_nothing_is_written(
    machine: Machine,
) -> None:
    """The kernel would take the one number for the first of three, now and at boot."""
    machine.kernel.parameters[RMEM] = "4096 131072 6291456"
    found = verdict(machine, RMEM, Minimum(at_least=1000))
    assert found.condition == "blocked"
    assert "4096 131072 6291456" in found.reason
    assert "at-least" in found.remedy
    machine.converge(state(sysctls={RMEM: Minimum(at_least=1000)}))
    assert machine.kernel.parameters[RMEM] == "4096 131072 6291456"
    assert "/etc/sysctl.d/00-bridged-minimum.conf" not in machine.kernel.text_files


SOMAXCONN = "net/core/somaxconn"
LEAST = "/etc/sysctl.d/00-bridged-minimum.conf"


def test_case_18_what_the_kernel_has_by_itself_is_not_lowered_at_boot(machine: Machine) -> None:
    """A line in a boot file sets exactly what it says."""
    machine.kernel.parameters[SOMAXCONN] = "4096"
    wanted = state(sysctls={SOMAXCONN: Minimum(at_least=1024)})
    machine.converge(wanted)
    assert LEAST not in machine.kernel.text_files
    assert machine.kernel.parameters[SOMAXCONN] == "4096"
    assert not list(machine.plan(wanted))


def test_case_18_a_minimum_that_was_once_missed_is_there_at_every_boot(machine: Machine) -> None:
    machine.kernel.parameters[SOMAXCONN] = "128"
    wanted = state(sysctls={SOMAXCONN: Minimum(at_least=1024)})
    machine.converge(wanted)
    assert machine.kernel.text_files[LEAST].splitlines()[1:] == [f"-{SOMAXCONN} = 1024"]
    assert machine.kernel.parameters[SOMAXCONN] == "1024"
    machine.kernel.parameters[SOMAXCONN] = "8192"  # somebody else needs more
    assert not list(machine.plan(wanted))
    more = state(sysctls={SOMAXCONN: Minimum(at_least=2048)})
    machine.converge(more)
    assert machine.kernel.text_files[LEAST].splitlines()[1:] == [f"-{SOMAXCONN} = 2048"]
    assert machine.kernel.parameters[SOMAXCONN] == "8192"


def test_what_sets_others_along_is_written_before_them(machine: Machine) -> None:
    """`ip_forward` sets `conf.default.forwarding`, `all.disable_ipv6` every interface: at boot the
    order of the file decides."""
    order = [
        "net/ipv4/ip_forward",
        "net/ipv6/conf/all/disable_ipv6",
        "net/ipv4/conf/default/forwarding",
        "net/ipv6/conf/enp8s0/disable_ipv6",
    ]
    sysctls = dict.fromkeys(reversed(order), 1)
    machine.kernel.parameters |= dict.fromkeys(order, "0")
    machine.converge(state(sysctls=sysctls))
    lines = machine.kernel.text_files["/etc/sysctl.d/zz-bridged.conf"].splitlines()[1:]
    assert lines == [f"-{path} = 1" for path in order]
    written = [w for w in machine.faults.writes if w.startswith("sysctl ")]
    assert written == [f"sysctl {path}=1" for path in order]


def test_a_key_that_a_loaded_module_does_not_have_is_not_blamed_on_the_module(
    machine: Machine,
) -> None:
    """Case 10, where somebody else loaded it."""
    machine.kernel.load_module("br_netfilter")
    found = verdict(machine, "net/bridge/bridge-nf-call-foo", 1, modules=())
    assert found.condition == "blocked"
    assert "this kernel has no key" in found.reason


def test_modules_are_locked_out_last_and_never_by_a_boot_file(machine: Machine) -> None:
    """At boot it would keep out the drivers of cards, and the modules of bridges and VLANs."""
    lock = "kernel/modules_disabled"
    machine.kernel.parameters[lock] = "0"
    declared = state(
        sysctls={lock: 1, "net/ipv4/ip_forward": 1, "net/ipv4/conf/br-lan/rp_filter": 2}
    )
    found = machine.plan(declared).verdict(ObjectId("sysctl", "kernel.modules_disabled"))
    assert found is not None
    assert (found.condition, found.actions) == ("pending", ())
    assert "no module can be loaded" in found.reason
    machine.converge(declared)
    assert machine.faults.writes[-1] == f"sysctl {lock}=1"
    assert machine.kernel.parameters[lock] == "1"
    text = machine.kernel.text_files["/etc/sysctl.d/zz-bridged.conf"]
    assert "net/ipv4/ip_forward" in text
    assert lock not in text


@pytest.mark.parametrize("late", ["card", "module"])
def test_modules_are_not_locked_out_while_something_may_still_need_one(
    machine: Machine, late: str
) -> None:
    """Only a boot ends it: the driver of a card that comes later could not be loaded any more."""
    lock = "kernel/modules_disabled"
    machine.kernel.parameters[lock] = "0"
    if late == "card":
        machine.kernel.delete("enp13s0f0")
    else:
        machine.kernel.installable.discard("vhost_net")
    made = engine(machine, state(sysctls={lock: 1}))
    for _ in range(5):
        report = made.run_pass()
        machine.clock.advance(2)
    told = next(item for item in report.objects if item.name == "kernel.modules_disabled")
    assert (told.condition, machine.kernel.parameters[lock]) == ("pending", "0")
    assert ("enp13s0f0" if late == "card" else "vhost_net") in told.reason
