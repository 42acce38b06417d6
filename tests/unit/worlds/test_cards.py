"""Where a card is plugged in, on fake trees of /sys and udev's database."""

from pathlib import Path

import pytest

from bridged.observe.cards import cards, device_path, names
from bridged.observe.host import Link

BRIDGE = "../../devices/pci0000:00/0000:00:1c.4"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (f"{BRIDGE}/0000:0d:00.0/net/enp13s0f0", "pci-0000:0d:00.0"),
        (f"{BRIDGE}/0000:0d:00.0/virtio3/net/enp13s0", "pci-0000:0d:00.0"),
        ("../../devices/pci10000:e0/10000:e0:1d.0/net/eth0", "pci-10000:e0:1d.0"),
        ("../../devices/virtual/net/br-lan", ""),
        (f"{BRIDGE}/0000:00:14.0/usb1/1-2/1-2:1.0/net/enx525400", ""),
    ],
)
def test_the_path_is_that_of_the_pci_device(tmp_path: Path, target: str, path: str) -> None:
    interface = tmp_path / "nic"
    interface.symlink_to(target)
    assert device_path(interface, tmp_path / "n7") == path


def test_of_others_udev_knows_it(tmp_path: Path) -> None:
    interface, record = tmp_path / "nic", tmp_path / "n7"
    interface.symlink_to(f"{BRIDGE}/0000:00:14.0/usb1/1-2/1-2:1.0/net/enx525400")
    record.write_text("I:5\nE:ID_PATH=pci-0000:00:14.0-usb-0:2:1.0\nE:ID_PATH_TAG=x\n")
    assert device_path(interface, record) == "pci-0000:00:14.0-usb-0:2:1.0"


def test_what_can_be_meant_by_a_match() -> None:
    """Hardware and veth; what copies a card's address, and guests' taps, by their names only."""
    links = (
        Link(1, "lo", address="00:00:00:00:00:00"),
        Link(2, "eno1", address="52:54:00:AA:00:01", permanent_address="52:54:00:AA:00:02"),
        Link(3, "veth0", "veth", address="52:54:00:aa:00:03"),
        Link(4, "br0", "bridge", address="52:54:00:aa:00:02", altnames=("lan",)),
        Link(5, "vnet0", "tun", address="fe:54:00:aa:00:02"),
    )
    assert [(c.name, c.mac, c.permanent) for c in cards(links)] == [
        ("eno1", "52:54:00:aa:00:02", True),
        ("veth0", "52:54:00:aa:00:03", False),
    ]
    known = {name for card in names(links) for name in (card.name, *card.altnames)}
    assert known == {"lo", "eno1", "veth0", "br0", "lan", "vnet0"}
