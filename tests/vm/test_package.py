"""The .deb in a pristine Debian 13, handled by apt as an operator would."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.lab.node import Node, wait_until
from tests.lab.traffic import stream
from tests.lab.vm import VmLab
from tests.unit.packaging.builds import build
from tests.vm import product
from tests.vm.product import ADMIN, DMZ, LAN, LINKS, PATIENCE, STATE

OLD, NEW = "0.1.0", "0.1.1"
_LAN = ("br-lan", LAN, "vnet1", "vnet2")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two versions of the package."""
    folder = tmp_path_factory.mktemp("packages")
    built = {v: build("deb", folder / v, VERSION=v) for v in (OLD, NEW)}
    return {version: made.one("*.deb") for version, made in built.items()}


@pytest.fixture
def node(vm: VmLab, packages: dict[str, Path]) -> VmLab:
    """A machine that has never had bridged, with both packages lying in /root."""
    for package in packages.values():
        with package.open("rb") as content:
            command = ["sh", "-c", f"cat >/root/{package.name}"]
            subprocess.run(vm.outer(command), stdin=content, check=True)
    return vm


def apt(node: Node, *words: str) -> str:
    """What apt-get says; all that the package needs is in the image."""
    options = ("-y", "-q", "--allow-downgrades")
    environment = ("env", "DEBIAN_FRONTEND=noninteractive")
    done = node.run(*environment, "apt-get", *options, *words, timeout=400)
    return done.stdout + done.stderr


def package(version: str) -> str:
    return f"/root/bridged_{version}_all.deb"


def shown(node: Node, key: str) -> str:
    return node.run("systemctl", "show", "-P", key, "bridged").stdout.strip()


def begin(node: Node) -> None:
    """Installs the old one and has it converge the reference node."""
    apt(node, "install", package(OLD))
    product.declare(node, product.reference())
    node.run("bridgedctl", "validate")
    node.run("systemctl", "enable", "--now", "bridged", timeout=180)
    product.converged(node, 180)
    product.assert_reference(node)


def test_installed_it_does_nothing_until_it_is_told_and_upgrades_without_the_guests_noticing(
    node: VmLab,
) -> None:
    """Rules 2 and 4: to the second version and back, with frames between guests all the while."""
    standing, devices = node.standing(LAN, DMZ, ADMIN), node.devices()
    said = apt(node, "install", package(OLD))
    assert "systemctl enable --now bridged" in said
    assert (shown(node, "ActiveState"), shown(node, "UnitFileState")) == ("inactive", "disabled")
    assert (node.standing(LAN, DMZ, ADMIN), node.devices()) == (standing, devices)
    assert not node.exists(STATE)
    assert node.run("getent", "group", "bridged").stdout
    modes = node.run("stat", "-c", "%a %U", "/etc/bridged", "/etc/bridged/state.d",
                     "/var/lib/bridged").stdout.splitlines()  # fmt: skip
    assert modes == ["755 root", "755 root", "700 root"]
    assert node.run("bridgedctl", "--version").stdout.split() == ["bridgedctl", OLD]

    # Enabled without a state file it says so, and touches nothing either.
    node.run("systemctl", "start", "bridged", timeout=180)
    assert node.run("bridgedctl", "status", check=False).returncode == 1
    assert (node.standing(LAN, DMZ, ADMIN), node.devices()) == (standing, devices)

    begin(node)
    assert shown(node, "FragmentPath") == "/usr/lib/systemd/system/bridged.service"
    one = node.add_guest("br-lan", "vnet1")
    two = node.add_guest("br-lan", "vnet2")
    kept = node.standing(*LINKS, *_LAN, ADMIN)
    for version in (NEW, OLD):
        daemon = product.pid(node)
        with stream(node, one, two) as flow:
            apt(node, "install", package(version))
            wait_until(lambda: shown(node, "ActiveState") == "active", PATIENCE, "ready")
            product.converged(node)
        assert (flow.lost, flow.duplicates) == (0, 0), flow
        assert flow.sent > 500
        assert product.pid(node) not in (0, daemon), "an agent that ran is restarted"
        assert node.run("bridgedctl", "--version").stdout.split() == ["bridgedctl", version]
        assert product.status(node)["version"] == version
        assert node.standing(*LINKS, *_LAN, ADMIN) == kept
        assert shown(node, "UnitFileState") == "enabled"
    product.assert_reference(node)
    assert product.total(node, "bridged_errors_total") == 0


def test_removed_and_purged_it_leaves_the_network_and_says_how_to_take_it_along(
    node: VmLab,
) -> None:
    """Rule 10 at last: what it has left carries the node through the next boot without it."""
    begin(node)
    one = node.add_guest("br-lan", "vnet1")
    two = node.add_guest("br-lan", "vnet2")
    kept = node.standing(*LINKS, *_LAN, ADMIN)
    with stream(node, one, two) as flow:
        said = apt(node, "remove", "bridged")
        assert not node.exists("/usr/lib/bridged")
        assert node.exists(STATE)
        assert product.pid(node) == 0
        product.assert_reference(node)
        apt(node, "purge", "bridged")
    assert (flow.lost, flow.duplicates) == (0, 0), flow
    for path in ("/etc/bridged", "/var/lib/bridged", "/run/bridged", "/usr/bin/bridgedctl",
                 "/etc/systemd/system/multi-user.target.wants/bridged.service"):  # fmt: skip
        assert not node.exists(path), path
    assert node.standing(*LINKS, *_LAN, ADMIN) == kept
    product.assert_reference(node)

    node.reboot()

    def as_before() -> bool:
        product.assert_reference(node)
        return True

    wait_until(as_before, PATIENCE, "the reference node without bridged")
    steps = re.findall(r"^    ((?:nmcli|rm) .*)$", said, re.MULTILINE)
    assert len(steps) >= 8, said
    node.sh("\n".join(steps))
    assert not {name for name in node.links() if name.startswith("br-") or "." in name}
    assert "connected" in node.devices()[ADMIN]
    assert not node.exists("/etc/sysctl.d/zz-bridged.conf")
