"""The shipped systemd unit allows the work and starts at the right time."""

from collections import defaultdict
from pathlib import Path

import pytest

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


def test_nothing_that_the_work_needs_is_walled_off(unit: dict[str, dict[str, list[str]]]) -> None:
    """Case 22: read-only /proc/sys or no right to load modules would stop the daemon's work."""
    service = unit["Service"]
    for key in ("ProtectKernelTunables", "ProtectKernelModules", "PrivateNetwork", "PrivateUsers"):
        assert key not in service, key
    assert words(service["ProtectSystem"]) <= {"no", "yes", "full"}, "strict makes /etc read-only"
    # full makes /etc read-only but for these, where the boot files and those for Kubernetes go.
    folders = {"-/etc/modules-load.d", "-/etc/sysctl.d", "-/etc/kubernetes"}
    assert folders <= words(service["ReadWritePaths"])
    assert "User" not in service
    assert "SystemCallFilter" not in service, "modules are loaded by a program of its own"


@pytest.mark.parametrize(
    ("capability", "need"),
    [
        ("CAP_NET_ADMIN", "links, and forcing a large receive buffer"),
        ("CAP_SYS_MODULE", "loading modules"),
        ("CAP_NET_RAW", "asking the gateway whether it answers (rule 12)"),
        ("CAP_CHOWN", "giving the control socket to its group, a kept file to its owner"),
        ("CAP_DAC_OVERRIDE", "a state file that belongs to somebody else"),
    ],
)
def test_the_capability_is_kept(
    unit: dict[str, dict[str, list[str]]], capability: str, need: str
) -> None:
    """Cases 22: a bounding set without it denies what only shows on a real node."""
    assert capability in words(unit["Service"]["CapabilityBoundingSet"]), need


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
        "docker.service",
        "libvirtd.service",
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
    assert "network-online.target" not in words(unit["Unit"]["After"])


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
