"""The state file edited in every way that files get edited, and broken."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.node import wait_until
from tests.lab.vm import VmLab
from tests.vm import product
from tests.vm.product import DMZ, LINKS, PATIENCE, STATE

NOTHING = (
    "",
    "null\n",
    "version: 1\nbridges: {}\nbridges: {}\n",
    "version: 1\nbridges:\n\tbr-lan: {}\n",
)
"""Files that must not be taken for a wish."""
ANSIBLE = "/etc/bridged/.ansible_tmp_state"


@pytest.fixture
def node() -> Iterator[VmLab]:
    yield from product.running()


def mtu_is(node: VmLab, value: int) -> None:
    """Waits until br-dmz has this MTU: the edit has arrived."""
    wait_until(
        lambda: (node.link("br-dmz") or {}).get("mtu") == value, PATIENCE, f"an MTU of {value}"
    )


def dmz(mtu: int) -> str:
    return product.reference(br_dmz=f"{{ports: [{DMZ}], mtu: {mtu}}}")


def state_file(node: VmLab) -> dict[str, Any]:
    return dict(product.status(node)["state"])


def test_the_node_follows_every_way_of_saving(node: VmLab) -> None:
    """Cases 57 and 58: the second and third save count as the first."""
    standing, daemon = node.standing(*LINKS), product.pid(node)
    node.write(STATE, dmz(1300))  # in place, as `cat >` does
    mtu_is(node, 1300)

    for value in (1310, 1320, 1330):
        edit = f"%s/mtu: [0-9]*/mtu: {value}/"
        node.run("vim.tiny", "-u", "NONE", "-es", "-c", edit, "-c", "wq", STATE)
        assert f"mtu: {value}" in node.read(STATE)
        mtu_is(node, value)

    for value in (1340, 1350, 1360):
        node.write(ANSIBLE, dmz(value))
        node.run("mv", "-T", ANSIBLE, STATE)
        mtu_is(node, value)

    # A drop-in appears, changes and goes.
    node.write(STATE, product.reference(br_dmz=f"{{ports: [{DMZ}]}}"))
    for value in (1370, 1380):
        drop_in = f"version: 1\nbridges:\n  br-dmz: {{mtu: {value}}}\n"
        node.write("/etc/bridged/state.d/50-mtu.yaml", drop_in, replace=True)
        mtu_is(node, value)
    node.run("rm", "/etc/bridged/state.d/50-mtu.yaml")
    wait_until(lambda: not state_file_names_mtu(node), PATIENCE, "the drop-in is forgotten")

    assert node.standing(*LINKS) == standing, "an MTU is changed in place (rule 3)"
    assert product.pid(node) == daemon


def state_file_names_mtu(node: VmLab) -> bool:
    """Whether an MTU is still declared: then a changed one is put back."""
    node.run("ip", "link", "set", "br-dmz", "mtu", "1450")
    product.converged(node)
    return bool((node.link("br-dmz") or {})["mtu"] != 1450)


def test_the_node_follows_the_symlink_swaps_of_a_config_map(node: VmLab) -> None:
    """Case 58: kubelet swaps `..data`; also with equal times, and never names the file itself."""
    swap = """
        cd /etc/bridged
        mkdir "$1"; cat >"$1/state.yaml"; chmod 755 "$1"; touch -d 2026-01-01 "$1/state.yaml"
        ln -s "$1" ..data_tmp; mv -T ..data_tmp ..data
        [ -L state.yaml ] || { ln -s ..data/state.yaml new; mv -T new state.yaml; }
        [ -z "$2" ] || rm -r "$2"
    """
    before = ""
    for number, value in enumerate((1300, 1310, 1320)):
        now = f"..2026_01_0{number + 1}"
        node.run("sh", "-euc", swap, "sh", now, before, input=dmz(value))
        mtu_is(node, value)
        before = now
    assert state_file(node)["valid"]


def test_a_broken_file_changes_nothing_and_is_told_with_its_place(node: VmLab) -> None:
    """Rule 8; cases 61, 62 and 64: the last good state stays in force, after a restart too."""
    standing = node.standing(*LINKS)
    broken = dmz(1300).replace("mtu: 1300", "mtuu: 1300")
    line = next(n for n, text in enumerate(broken.splitlines(), 1) if "mtuu" in text)
    column = broken.splitlines()[line - 1].index("mtuu") + 1
    product.declare(node, broken)
    wait_until(lambda: not state_file(node)["valid"], PATIENCE, "told")
    told = state_file(node)
    assert told["source"] == "last-good"
    assert f"{STATE}:{line}:{column}:" in told["problems"][0]
    assert "mtu" in told["problems"][0]
    shown = node.run("bridgedctl", "status", check=False)
    assert shown.returncode == 1
    assert f"{STATE}:{line}:{column}" in shown.stdout
    assert node.run("bridgedctl", "validate", check=False).returncode == 1
    assert product.total(node, "bridged_state_file_valid") == 0

    for bad in NOTHING:
        before = state_file(node)["problems"]
        node.write(STATE, bad)
        wait_until(lambda b=before: state_file(node)["problems"] != b, PATIENCE, repr(bad))  # type: ignore[misc]
    node.run("rm", STATE)
    wait_until(lambda: "no such file" in str(state_file(node)["problems"]).lower(), PATIENCE, "rm")
    node.write(STATE, dmz(1300), mode=0o666)
    wait_until(lambda: "writ" in str(state_file(node)["problems"]), PATIENCE, "writable by others")
    assert node.standing(*LINKS) == standing
    product.assert_reference(node)

    # Started while the file is broken: what was in force is in force.
    product.declare(node, broken)
    node.run("systemctl", "restart", "bridged", timeout=180)
    assert state_file(node)["source"] == "last-good"
    node.run("ip", "link", "set", "br-lan", "type", "bridge", "stp_state", "1")
    wait_until(lambda: node.bridge_data("br-lan")["stp_state"] == 0, PATIENCE, "still kept")
    node.sh(f"ip link set {DMZ} nomaster")
    wait_until(lambda: node.controller(DMZ) == "br-dmz", PATIENCE, "still kept")

    product.declare(node, dmz(1300))
    mtu_is(node, 1300)
    assert product.converged(node)["state"]["source"] == "file"
    assert node.run("bridgedctl", "status").returncode == 0


def test_a_half_written_file_is_not_believed(node: VmLab) -> None:
    """Case 61: a valid beginning of a file, with the rest a moment later, removes nothing."""
    standing = node.standing(*LINKS)
    whole = dmz(1300)
    half = whole[: whole.index("  br-dmz")]
    node.run(
        "sh", "-c", f"printf %s \"$1\" >{STATE}; sleep 0.02; printf %s \"$2\" >>{STATE}", "sh",
        half, whole[len(half) :],
    )  # fmt: skip
    mtu_is(node, 1300)
    assert node.standing(*LINKS) == standing
    product.assert_reference(node)
