"""The shipped systemd unit allows the work and starts at the right time."""

from collections import defaultdict
from pathlib import Path

import pytest

from bridged.serve.defaults import CONTROL_SOCKET, GROUP

UNIT = Path(__file__).resolve().parents[2] / "systemd/bridged.service"


@pytest.fixture
def unit() -> dict[str, dict[str, list[str]]]:
    """Sections, keys and values as systemd reads them: a key may come again and then adds."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for raw in UNIT.read_text().splitlines():
        line = raw.strip()
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), defaultdict(list))
        elif line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            section[key].append(value)
    return found


def words(values: list[str]) -> set[str]:
    return {word for value in values for word in value.split()}


def on(unit: dict[str, dict[str, list[str]]], key: str) -> bool:
    return unit["Service"].get(key) in (["yes"], ["strict"])


def test_what_the_work_writes_is_writable(unit: dict[str, dict[str, list[str]]]) -> None:
    """Case 22: a read-only /proc/sys or /etc would stop the daemon's work.

    Not with ProtectKernelTunables= alone: it has to leave the parts of /proc/sys open by name, for
    /proc/sys itself, named once more, would stay read-only.
    """
    service = unit["Service"]
    writable = words(service["ReadWritePaths"])
    assert writable >= {"-/etc/modules-load.d", "-/etc/sysctl.d"}
    assert writable >= {f"-/proc/sys/{part}" for part in ("fs", "kernel", "net", "user", "vm")}
    assert all(path.startswith("-") for path in writable), "what is not there is no reason to fail"
    (made,) = service["ExecStartPre"]
    assert made == "-+/bin/mkdir -p -m 0755 /etc/modules-load.d /etc/sysctl.d"
    assert writable >= {"-/etc/containerd", "-/etc/kubernetes"}
    for key in ("PrivateNetwork", "PrivateUsers", "ProtectHostname", "ProcSubset", "User"):
        assert key not in service, key
    assert "/sys" not in words(service.get("InaccessiblePaths", []))


def test_what_can_be_written_cannot_be_run(unit: dict[str, dict[str, list[str]]]) -> None:
    """And nothing else is made writable by saying that it can be run, as ExecPaths= would."""
    folders = {p for p in words(unit["Service"]["ReadWritePaths"]) if not p.startswith("-/proc/")}
    assert words(unit["Service"]["NoExecPaths"]) >= folders | {"/tmp", "/var/tmp", "/dev/shm"}
    assert words(unit["Service"]["NoExecPaths"]) >= {"-/run/bridged", "-/var/lib/bridged"}
    assert "ExecPaths" not in unit["Service"]


def test_run_and_sys_are_read_only_by_lines_of_their_own(
    unit: dict[str, dict[str, list[str]]],
) -> None:
    """Without these ProtectSystem=strict leaves them writable beside ProtectKernelTunables=, also
    where units are: found out from inside (vm/test_sandbox.py)."""
    assert "/run" in words(unit["Service"]["ReadOnlyPaths"])
    # An entry of systemd's own comes before a ReadOnlyPaths=/sys, and after this.
    assert "/sys" in words(unit["Service"]["BindReadOnlyPaths"])


def test_modules_are_loaded_outside_and_what_is_built_in_is_known(
    unit: dict[str, dict[str, list[str]]],
) -> None:
    """Case 22: the right to load modules is systemd's, which runs modprobe (apply/modprobe.py)."""
    assert on(unit, "ProtectKernelModules")
    assert "CAP_SYS_MODULE" not in words(unit["Service"]["CapabilityBoundingSet"])
    built_in = "-/usr/lib/modules/%v/modules.builtin:/run/bridged/modules.builtin"
    assert built_in in words(unit["Service"]["BindReadOnlyPaths"])


@pytest.mark.parametrize(
    ("capability", "need"),
    [
        ("CAP_NET_ADMIN", "links, and forcing a large receive buffer"),
        ("CAP_NET_RAW", "asking the gateway whether it answers (rule 12)"),
        ("CAP_DAC_OVERRIDE", "state and kept files that belong to somebody else"),
    ],
)
def test_the_capability_is_kept(
    unit: dict[str, dict[str, list[str]]], capability: str, need: str
) -> None:
    """Case 22: a bounding set without it denies what only shows on a real node."""
    assert capability in words(unit["Service"]["CapabilityBoundingSet"]), need


def test_the_group_gets_the_socket_though_the_daemon_may_not_give_files_away(
    unit: dict[str, dict[str, list[str]]],
) -> None:
    """With all rights (+), and a host without the group starts all the same (-)."""
    (command,) = unit["Service"]["ExecStartPost"]
    assert command == f"-+/bin/chgrp {GROUP} {CONTROL_SOCKET}"


@pytest.mark.parametrize(
    "key",
    [
        *("NoNewPrivileges", "MemoryDenyWriteExecute", "LockPersonality", "RestrictNamespaces"),
        *("RestrictRealtime", "RestrictSUIDSGID", "PrivateDevices", "PrivateIPC", "PrivateMounts"),
        *("PrivateTmp", "ProtectClock", "ProtectControlGroups", "ProtectHome", "ProtectKernelLogs"),
        *("ProtectKernelTunables", "ProtectSystem"),
    ],
)
def test_what_the_work_does_not_need_is_taken_away(
    unit: dict[str, dict[str, list[str]]], key: str
) -> None:
    assert on(unit, key)


def test_what_an_operator_would_not_think_of_is_not_filtered(
    unit: dict[str, dict[str, list[str]]],
) -> None:
    """A gateway or probe at a public address, a Prometheus that comes from one, and containerd's
    process, which tells whether it runs with its present configuration."""
    for key in ("IPAddressDeny", "IPAddressAllow", "SocketBindDeny", "ProtectProc"):
        assert key not in unit["Service"], key


def test_system_calls_that_are_denied_fail_and_do_not_kill(
    unit: dict[str, dict[str, list[str]]],
) -> None:
    """Case 22: EPERM is an error with a place, a kill would be a node that nobody keeps."""
    assert unit["Service"]["SystemCallErrorNumber"] == ["EPERM"]
    assert unit["Service"]["SystemCallFilter"][0] == "@system-service"
    assert unit["Service"]["SystemCallFilter"][1].startswith("~@privileged @resources")
    assert unit["Service"]["SystemCallArchitectures"] == ["native"]


def test_every_address_family_that_is_used_may_be_used(
    unit: dict[str, dict[str, list[str]]],
) -> None:
    """Sockets of netlink, D-Bus and control, metrics, probes (ARP goes by packet sockets)."""
    allowed = words(unit["Service"]["RestrictAddressFamilies"])
    assert allowed >= {"AF_NETLINK", "AF_UNIX", "AF_INET", "AF_INET6", "AF_PACKET"}


def test_ready_is_told_by_the_daemon_and_comes_before_those_who_look(
    unit: dict[str, dict[str, list[str]]],
) -> None:
    """Cases 19 and 23: kubelet and Docker look at the kernel's values once, when they start."""
    assert unit["Service"]["Type"] == ["notify"]
    assert words(unit["Unit"]["Before"]) >= {
        "kubelet.service",
        "containerd.service",
        "crio.service",
        "docker.service",
        "libvirtd.service",
        "virtqemud.service",
        "libvirt-guests.service",
    }


def test_it_starts_after_whoever_sets_the_same_things_at_boot(
    unit: dict[str, dict[str, list[str]]],
) -> None:
    """Case 12: systemd-sysctl comes first, so the declared value is the last one written."""
    assert words(unit["Unit"]["After"]) >= {
        "NetworkManager.service",
        "systemd-sysctl.service",
        "systemd-modules-load.service",
    }
    # Without NetworkManager modules and sysctls are still kept.
    assert "NetworkManager.service" not in words(unit["Unit"].get("Requires", []))
    # A card that is not there must not hold up the boot.
    for waiting in ("network-online.target", "NetworkManager-wait-online.service"):
        assert waiting not in words(unit["Unit"]["After"] + unit["Unit"]["Wants"])
    assert int(unit["Service"]["TimeoutStartSec"][0]) <= 120


def test_it_comes_back_however_often_it_ends(unit: dict[str, dict[str, list[str]]]) -> None:
    """Rule 9: with systemd's own limit the fifth kill within ten seconds would be the last."""
    assert unit["Service"]["Restart"] == ["always"]
    assert unit["Unit"]["StartLimitIntervalSec"] == ["0"]
    assert int(unit["Service"]["WatchdogSec"][0]) > 0
    assert int(unit["Service"]["TimeoutStopSec"][0]) <= 10


def test_what_is_remembered_of_guests_outlives_a_restart(
    unit: dict[str, dict[str, list[str]]],
) -> None:
    """Rule 2: the memory under /run must not be taken away between stop and start."""
    assert unit["Service"]["RuntimeDirectory"] == ["bridged"]
    assert unit["Service"]["RuntimeDirectoryPreserve"] == ["yes"]
    assert unit["Service"]["StateDirectory"] == ["bridged"]


def test_reloading_is_sighup(unit: dict[str, dict[str, list[str]]]) -> None:
    assert unit["Service"]["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


def test_it_starts_at_boot_once_enabled(unit: dict[str, dict[str, list[str]]]) -> None:
    assert words(unit["Install"]["WantedBy"]) == {"multi-user.target"}
