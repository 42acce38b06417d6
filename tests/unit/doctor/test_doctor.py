"""Whether a host is fit: what the doctor says of hosts that are not, one fault each."""

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bridged.cli import doctor as page
from bridged.cli.main import main
from bridged.cli.terminal import Terminal, cells
from bridged.doctor.examine import examine
from bridged.doctor.libraries import NEEDED, check_libraries
from bridged.doctor.readings import RealReadings
from bridged.doctor.records import Check, checks_as_json
from bridged.observe.host import Device, NetworkManager, Profile, Unavailable
from tests.twins.readings import CONFIG, RELEASE, UNIT, FakeReadings

SOCKET = "/run/bridged/control.sock"
STATE = """\
version: 1
bridges:
  br-lan: {ports: [enp13s0f0]}
  br-web: {ports: [{vlan: 6, parent: enp13s0f0}]}
  br-dmz: {ports: [enp13s0f3], isolate: true}
modules: [overlay]
sysctls: {net.ipv4.ip_forward: 1}
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "state.yaml"
    file.write_text(STATE)
    return str(file)


@pytest.fixture
def host() -> FakeReadings:
    return FakeReadings()


def wrong(path: str, host: FakeReadings) -> list[Check]:
    """What is not fine; the libraries of whoever runs the tests are not the point."""
    found = examine(path, SOCKET, host)
    return [check for check in found if check.grade != "ok" and check.name != "libraries"]


def test_a_fit_host_has_nothing_wrong(path: str, host: FakeReadings) -> None:
    assert wrong(path, host) == []


def profile(name: str, file: str = "", **connection: object) -> Profile:
    settings = {"connection": {"id": name, "uuid": f"uuid-of-{name}", **connection}}
    return Profile("/p", f"uuid-of-{name}", settings, file)


def nm(host: FakeReadings, **changes: object) -> None:
    assert isinstance(host.manager, NetworkManager)
    host.manager = replace(host.manager, **changes)  # type: ignore[arg-type]


Fault = Callable[[FakeReadings], None]


def file(name: str, text: str) -> Fault:
    return lambda host: host.files.update({name: text})


def process(name: str, *others: Fault) -> Fault:
    def fault(host: FakeReadings) -> None:
        host.processes.add(name)
        for other in others:
            other(host)

    return fault


def unit(name: str, *lines: str) -> Fault:
    def fault(host: FakeReadings) -> None:
        replaced = {line.partition("=")[0] for line in lines}
        kept = [line for line in UNIT.splitlines() if line.partition("=")[0] not in replaced]
        host.units[name] = "\n".join([*kept, *lines])

    return fault


def both(*faults: Fault) -> Fault:
    return lambda host: [fault(host) for fault in faults] and None


FAULTS: dict[str, tuple[Fault, str, str, str]] = {
    "no NetworkManager": (
        lambda host: setattr(host, "manager", Unavailable("NetworkManager is not running")),
        "problem",
        "not running",
        "systemctl enable --now NetworkManager",
    ),
    "an old NetworkManager": (
        lambda host: nm(host, version=(1, 40, 0)),
        "problem",
        "NetworkManager 1.40.0",
        "upgrade",
    ),
    "ifcfg before keyfile": (
        lambda host: setattr(host, "config", "[main]\nplugins=ifcfg-rh,keyfile\n"),
        "warning",
        "ifcfg files",
        "nmcli connection migrate",
    ),
    "unmanaged by a pattern": (
        lambda host: setattr(
            host, "config", f"{CONFIG}[keyfile]\nunmanaged-devices=interface-name:enp13*f3\n"
        ),
        "problem",
        "covers enp13s0f3",
        "except:interface-name:enp13s0f3",
    ),
    "unmanaged now": (
        lambda host: nm(host, devices=(Device("/d", "enp13s0f3", False, 10),)),
        "problem",
        "does not manage enp13s0f3",
        "nmcli device set enp13s0f3 managed yes",
    ),
    "a rival": (
        lambda host: nm(
            host,
            profiles=(
                profile(
                    "thief",
                    "/etc/thief.nmconnection",
                    type="802-3-ethernet",
                    **{"interface-name": "enp13s0f3"},
                ),
            ),
        ),
        "warning",
        "thief (uuid-of-thief, /etc/thief.nmconnection) wants enp13s0f3",
        "nmcli connection delete uuid-of-thief",
    ),
    "a profile of netplan's": (
        lambda host: nm(
            host,
            profiles=(
                profile(
                    "netplan-br-lan",
                    "/run/NetworkManager/system-connections/netplan-br-lan.nmconnection",
                    type="bridge",
                    **{"interface-name": "br-lan"},
                ),
            ),
        ),
        "warning",
        "lives in /run/",
        "netplan's configuration",
    ),
    "networkd matches a card": (
        both(
            unit("systemd-networkd.service"),
            file("/etc/systemd/network/10.network", "[Match]\nName=enp13*\n[Network]\nDHCP=yes\n"),
        ),
        "problem",
        "/etc/systemd/network/10.network (enp13s0f0, enp13s0f0.6, enp13s0f3)",
        "systemctl disable --now systemd-networkd",
    ),
    "networkd matches everything wired": (
        both(
            unit("systemd-networkd.service"),
            file("/etc/systemd/network/99.network", "[Match]\nType=ether\n[Network]\nDHCP=yes\n"),
        ),
        "problem",
        "99.network (enp13s0f0, enp13s0f3)",
        "Unmanaged=yes",
    ),
    "networkd runs idle": (unit("systemd-networkd.service"), "warning", "networkd runs", "disable"),
    "netplan by networkd": (
        file("/etc/netplan/50.yaml", "network:\n  ethernets:\n    enp13s0f0: {dhcp4: true}\n"),
        "problem",
        "/etc/netplan/50.yaml is about enp13s0f0",
        "take enp13s0f0 out",
    ),
    "ifupdown": (
        file("/etc/network/interfaces", "auto lo\niface lo inet loopback\nauto enp13s0f3\n"),
        "problem",
        "/etc/network/interfaces:3 names enp13s0f3",
        "take enp13s0f3 out",
    ),
    "dhcpcd": (process("dhcpcd"), "problem", "dhcpcd runs", "denyinterfaces br-dmz br-lan"),
    "ConnMan": (process("connmand"), "problem", "ConnMan runs", "disable --now connman"),
    "nmstate at boot": (
        file("/etc/nmstate/a.yml", "interfaces:\n- name: br-lan\n"),
        "warning",
        "/etc/nmstate/a.yml is about br-lan",
        "take br-lan out",
    ),
    "kubernetes-nmstate": (process("handler"), "warning", "handler runs", "kubectl get nncp"),
    "cloud-init": (
        file("/etc/cloud/cloud.cfg", "users: [default]\n"),
        "warning",
        "cloud-init",
        "network: {config: disabled}",
    ),
    "TuneD by an included profile": (
        process(
            "tuned",
            file("/etc/tuned/active_profile", "mine\n"),
            file("/etc/tuned/mine/tuned.conf", "[main]\ninclude=base\n"),
            file("/usr/lib/tuned/base/tuned.conf", "[sysctl]\nnet.ipv4.ip_forward=0\n"),
        ),
        "warning",
        "net.ipv4.ip_forward in /usr/lib/tuned/base/tuned.conf",
        "take them out",
    ),
    "no VLAN module": (
        file(f"/lib/modules/{RELEASE}/modules.dep", ""),
        "problem",
        "no module 8021q",
        "install the kernel's modules",
    ),
    "no VLAN filtering": (
        file(f"/boot/config-{RELEASE}", "# CONFIG_BRIDGE_VLAN_FILTERING is not set\n"),
        "problem",
        "cannot filter VLANs",
        "boot a kernel",
    ),
    "read-only /proc/sys": (
        file("/proc/self/mountinfo", "9 8 0:5 / /proc/sys ro,nosuid - proc proc ro\n"),
        "problem",
        "/proc/sys is mounted read-only, so /proc/sys/net/ipv4/ip_forward cannot",
        "ProtectKernelTunables",
    ),
    "modules locked": (
        file("/proc/sys/kernel/modules_disabled", "1\n"),
        "problem",
        "modules_disabled is 1",
        "find who sets it",
    ),
    "frames through the firewall": (
        file("/proc/sys/net/bridge/bridge-nf-call-iptables", "1\n"),
        "warning",
        "bridge-nf-call-iptables = 1",
        "declare it",
    ),
    "few inotify instances": (
        file("/proc/sys/fs/inotify/max_user_instances", "128\n"),
        "warning",
        "max_user_instances is 128",
        "at-least: 8192",
    ),
    "a card that is not there": (
        lambda host: setattr(host, "present", host.present[:2]),
        "problem",
        "there is no enp13s0f3",
        "there are enp13s0f0, enp8s0",
    ),
    "a wireless card": (
        file("/sys/class/net/enp13s0f3/phy80211/", ""),
        "problem",
        "wireless",
        "wired card",
    ),
    "LRO": (
        lambda host: host.features.update({"enp13s0f0": {"lro": True}}),
        "warning",
        "LRO",
        "offloads: {lro: false}",
    ),
    "a driver with a past": (
        lambda host: setattr(
            host,
            "present",
            (*host.present[:2], replace(host.present[2], driver="e1000e")),  # type: ignore[arg-type]
        ),
        "warning",
        "e1000e",
        "tso: false",
    ),
    "not installed": (lambda host: host.units.clear(), "warning", "not installed", "make install"),
    "not enabled": (
        unit("bridged.service", "UnitFileState=disabled"),
        "warning",
        "disabled",
        "systemctl enable bridged",
    ),
    "failed": (
        unit("bridged.service", "ActiveState=failed"),
        "problem",
        "has failed",
        "journalctl -u bridged",
    ),
    "restarted": (
        unit("bridged.service", "NRestarts=4"),
        "warning",
        "restarted 4 times",
        "journalctl -u bridged",
    ),
    "not watched": (
        unit("bridged.service", "WatchdogUSec=0"),
        "warning",
        "does not watch",
        "systemctl cat bridged",
    ),
    "waiting for networkd": (
        unit("systemd-networkd-wait-online.service"),
        "warning",
        "two minutes",
        "systemctl disable systemd-networkd-wait-online",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_what_to_do(name: str, path: str, host: FakeReadings) -> None:
    fault, grade, seen, remedy = FAULTS[name]
    fault(host)
    (found,) = wrong(path, host)
    assert found.grade == grade
    assert seen in f"{found.seen}; {found.why}"
    assert remedy in found.remedy
    assert found.why
    assert found.group


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("/etc/netplan/50.yaml", "# enp13s0f0 was here\nnetwork: {}\n"),
        ("/etc/network/interfaces", "auto lo\niface enp8s0 inet dhcp\n# iface enp13s0f3\n"),
        ("/etc/nmstate/a.yml", "interfaces:\n- name: br-lan2\n"),
    ],
)
def test_what_is_not_about_declared_links_is_left_alone(
    name: str, text: str, path: str, host: FakeReadings
) -> None:
    host.files[name] = text
    assert wrong(path, host) == []


def test_a_broken_state_file_is_a_problem_and_the_rest_is_looked_at(
    tmp_path: Path, host: FakeReadings
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: 1\nbridges:\n  br-lan: {prots: [enp13s0f0]}\n")
    found = {check.name: check for check in wrong(str(bad), host)}
    assert set(found) == {"state-file", "other-managers"}
    assert found["other-managers"].grade == "unseen"
    assert "bad.yaml:3:12" in found["state-file"].seen
    assert "did you mean `ports`?" in found["state-file"].remedy


@pytest.mark.parametrize(
    "section",
    [
        "packages: {present: [qemu-kvm]}",
        "swap: 'off'",
        "runtime: {containerd: {}}",
        "bridges: {}",
        "modules: []",
    ],
)
def test_any_section_is_something_declared(
    section: str, tmp_path: Path, host: FakeReadings
) -> None:
    """A file without any is refused when it is loaded, and an empty section says: none."""
    file = tmp_path / "other.yaml"
    file.write_text(f"version: 1\n{section}\n")
    assert "state-file" not in {check.name for check in wrong(str(file), host)}


def test_a_state_file_without_a_section_is_a_problem(tmp_path: Path, host: FakeReadings) -> None:
    file = tmp_path / "empty.yaml"
    file.write_text("version: 1\nprotect: [enp13s0f0]\n")
    found = {check.name: check for check in wrong(str(file), host)}
    assert found["state-file"].grade == "problem"
    assert "the file declares nothing" in found["state-file"].seen


def test_what_cannot_be_looked_at_is_said(path: str, host: FakeReadings) -> None:
    host.config, host.present = None, "no netlink here"
    host.files = {"/proc/self/mountinfo": host.files["/proc/self/mountinfo"]}
    grades = {check.name: check.grade for check in wrong(path, host)}
    for name in ("nm-configuration", "cards", "unit", "kernel-vlan"):
        assert grades[name] == "unseen"
    assert "problem" not in grades.values()


def test_what_is_writable_within_a_read_only_mount_counts(path: str, host: FakeReadings) -> None:
    host.files["/proc/self/mountinfo"] = (
        "9 8 0:5 / /proc/sys ro - proc proc ro\n10 9 0:5 / /proc/sys/net rw - proc proc rw\n"
    )
    assert wrong(path, host) == []


def test_a_fault_of_a_check_leaves_the_others(path: str, host: FakeReadings) -> None:
    host.links = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    found = examine(path, SOCKET, host)
    assert {c.grade for c in found if c.group == "other managers"} == {"ok"}
    assert any("ZeroDivisionError" in check.seen for check in found)


def test_libraries_that_are_old_or_missing() -> None:
    versions = {**NEEDED, "structlog": "20.1.0"}
    del versions["pydbus"]
    (found,) = check_libraries(versions.get, lambda: False, (3, 13, 0))
    assert found.grade == "problem"
    assert "pydbus missing (needs 0.6.0), structlog 20.1.0 (needs 24.1)" in found.seen
    assert "gi" in found.seen
    old = next(iter(check_libraries(NEEDED.get, lambda: True, (3, 10, 1))))
    assert old.grade == "problem"


def test_the_libraries_are_those_of_the_package() -> None:
    text = (Path(__file__).resolve().parents[3] / "pyproject.toml").read_text()
    wanted = tomllib.loads(text)["project"]["dependencies"]
    assert {f"{name}>={least}" for name, least in NEEDED.items()} == set(wanted)


# ---------------------------------------------------------------------- as it is printed


@pytest.mark.parametrize("width", [30, 60, 100])
def test_the_page_begins_with_the_verdict_and_ends_with_the_next_step(
    path: str, host: FakeReadings, width: int
) -> None:
    for name in ("ifupdown", "LRO"):
        FAULTS[name][0](host)
    found = [check for check in examine(path, SOCKET, host) if check.name != "libraries"]
    document = checks_as_json(found)
    text = page.doctor_text(document, "node1", Terminal(width))
    flat = " ".join(text.split())
    assert flat.startswith("✗ node1: not fit for bridged yet (1 problem, 1 warning,")
    assert flat.index("ifupdown") < flat.index("LRO") < flat.index("✓") < flat.index("NEXT")
    for line in text.splitlines():  # what is to be copied stays whole
        assert cells(line) <= width or len(line.split()) <= 2, line


@pytest.mark.parametrize(("fault", "code"), [(None, 0), ("LRO", 0), ("ifupdown", 2)])
def test_exit_codes(
    fault: str | None,
    code: int,
    path: str,
    host: FakeReadings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if fault:
        FAULTS[fault][0](host)
    monkeypatch.setattr("bridged.doctor.examine.RealReadings", lambda: _with_denied(host))
    monkeypatch.setattr("bridged.doctor.examine.check_libraries", list)
    assert main(["doctor", "--json", "--state", path]) == code
    assert json.loads(capsys.readouterr().out)["fit"] == (code == 0)


def _with_denied(host: FakeReadings) -> FakeReadings:
    host.denied = []  # type: ignore[attr-defined]
    return host


def test_real_files_are_read_and_never_written(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/a").write_text("x")
    read = RealReadings(tmp_path)
    assert read.text("/etc/a") == "x"
    assert read.names("/etc") == ("a",)
    assert read.text("/etc/b") is None
    assert read.names("/none") == ()
    assert read.ask("no-such-program-here") is None
    answer = read.ask("sh", "-c", "echo hello; exit 3")
    assert answer is not None
    assert (answer.code, answer.text) == (3, "hello\n")


def test_a_probe_that_the_unit_keeps_back_is_named_with_what_opens_it(
    tmp_path: Path, host: FakeReadings
) -> None:
    """Otherwise it would seem not to answer, and nothing would be rolled back for its sake."""
    unit(
        "bridged.service", "IPAddressAllow=192.168.0.0/16 fe80::/64", "IPAddressDeny=::/0 0.0.0.0/0"
    )(host)
    file = tmp_path / "probes.yaml"
    file.write_text(
        "version: 1\nmodules: [kvm]\nprobes: [192.168.10.1, '198.51.100.7:443', 'fe80::9']\n"
    )
    (found,) = [check for check in wrong(str(file), host) if check.name == "probe-denied"]
    assert "198.51.100.7" in found.seen
    assert "IPAddressAllow=198.51.100.7" in found.remedy
