"""bridged under systemd: reload, stop, watchdog, kills, sandbox."""

import random
import time
from collections.abc import Iterator

import pytest

from tests.lab.node import Node, wait_until
from tests.lab.traffic import stream
from tests.lab.vm import VmLab
from tests.vm import product
from tests.vm.product import ADMIN, DMZ, LINKS, PATIENCE, WEB

KILLS = 20


@pytest.fixture
def node() -> Iterator[VmLab]:
    yield from product.running()


def shown(node: Node, key: str) -> str:
    return node.run("systemctl", "show", "-P", key, "bridged").stdout.strip()


def test_reload_is_a_signal_and_stop_leaves_the_network_as_it_is(node: VmLab) -> None:
    """SIGHUP wakes the daemon; a stop in time, judged by systemd itself."""
    standing, daemon = node.standing(*LINKS, ADMIN), product.pid(node)
    told = product.total(node, "bridged_wakeups_total", source="reload")
    node.run("systemctl", "reload", "bridged")
    wait_until(
        lambda: product.total(node, "bridged_wakeups_total", source="reload") > told,
        PATIENCE,
        "woken by the reload",
    )
    assert product.pid(node) == daemon

    product.options(node, service="TimeoutStopSec=5")
    node.run("systemctl", "stop", "bridged")
    assert shown(node, "Result") == "success", "otherwise it was killed after five seconds"
    assert shown(node, "ExecMainStatus") == "0"
    assert node.standing(*LINKS, ADMIN) == standing
    product.assert_reference(node)
    assert not node.exists("/run/bridged/control.sock")

    # What happens while it is away is put right when it comes.
    node.sh(f"ip link set br-dmz type bridge stp_state 1; ip link set {DMZ} nomaster")
    product.start(node)
    product.converged(node)
    product.assert_reference(node)


def test_the_watchdog_replaces_a_daemon_that_hangs(node: VmLab) -> None:
    """The watchdog is fed by the loop itself, so a stopped one is noticed, and by systemd."""
    product.options(node, service="WatchdogSec=8\nTimeoutAbortSec=2")
    node.run("systemctl", "restart", "bridged", timeout=180)
    daemon, standing = product.pid(node), node.standing(*LINKS)
    time.sleep(20)
    assert product.pid(node) == daemon, "one that works is left alone"
    where = product.cursor(node)
    node.run("kill", "-STOP", str(daemon))
    wait_until(lambda: product.pid(node) not in (0, daemon), PATIENCE, "another one")
    wait_until(lambda: shown(node, "ActiveState") == "active", 180, "ready again")
    product.converged(node)
    assert any("Watchdog timeout" in line for line in product.journal(node, where))
    assert node.standing(*LINKS) == standing


def test_killed_twenty_times_it_is_right_again_and_no_guest_loses_a_frame(node: VmLab) -> None:
    """Rules 2 and 9: kills at any moment of its life, with work to do, while guests stream."""
    one = node.add_guest("br-lan", "vnet1")
    two = node.add_guest("br-lan", "vnet2")
    lan = ("br-lan", product.LAN, "vnet1", "vnet2")
    product.options(node, service="RestartSec=100ms")
    standing, uuids = node.standing(*lan), {p.uuid for p in node.profiles()}
    dice = random.Random(20)
    with stream(node, one, two) as flow:
        for kill in range(KILLS):
            if kill % 4 == 0:
                node.sh(f"ip link set {DMZ} nomaster; ip link del {WEB} || true")
            time.sleep(dice.uniform(0, 5))
            node.sh('kill -9 "$(systemctl show -P MainPID bridged)" || true', check=False)
            wait_until(lambda: product.pid(node), PATIENCE, "started again")
        wait_until(lambda: shown(node, "ActiveState") == "active", 180, "ready")
        product.converged(node, 180)
    assert (flow.lost, flow.duplicates) == (0, 0), flow
    assert int(shown(node, "NRestarts")) >= KILLS
    assert node.standing(*lan) == standing
    assert {p.uuid for p in node.profiles()} == uuids, "no orphan profile"
    product.assert_reference(node)
    assert not node.exists("/run/bridged/checkpoint"), "no leftover of a transaction"


def test_the_sandbox_denies_nothing_that_the_work_needs(node: VmLab) -> None:
    """Case 22: everything from modules to profiles was done, and nobody complained."""
    node.sh(f"""
        systemctl stop bridged
        rm -f /etc/sysctl.d/zz-bridged.conf /etc/modules-load.d/bridged.conf
        rmmod dm_crypt vhost_net
        nmcli connection delete br-dmz br-dmz-{DMZ}
    """)
    where = product.cursor(node)
    product.start(node)
    product.converged(node)
    product.assert_reference(node)
    text = "\n".join(product.journal(node, where)).lower()
    for word in ("denied", "not permitted", "read-only", "sandbox", "traceback", "error"):
        assert word not in text, text
    assert product.total(node, "bridged_errors_total") == 0
    kernel = node.run("journalctl", "-k", "-q", "-o", "cat", "-g", "bridged", check=False).stdout
    assert "segfault" not in kernel


def test_swap_that_is_switched_on_or_off_is_told_without_a_timer(node: VmLab) -> None:
    """The kernel tells of it, so no slow look is needed; the one a minute is out of the way."""
    product.options(node, "--resync", "3600")
    node.run("systemctl", "restart", "bridged", timeout=180)
    product.converged(node)

    def outcome() -> str:
        checks = product.status(node)["readiness"]
        return str(next(check["outcome"] for check in checks if check["name"] == "swap"))

    assert outcome() == "ready"
    node.sh("dd if=/dev/zero of=/swap bs=1M count=16 status=none && chmod 0600 /swap")
    node.sh("mkswap -q /swap && swapon /swap")
    wait_until(lambda: outcome() == "warning", PATIENCE, "told")
    node.sh("swapoff /swap && rm /swap")
    wait_until(lambda: outcome() == "ready", PATIENCE, "told that it is over")
