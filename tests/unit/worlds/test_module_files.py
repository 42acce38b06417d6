"""Which boot files load or forbid a module."""

import os
import threading
from pathlib import Path

from bridged.observe.boot_files import BootFiles
from bridged.observe.module_files import ModuleFileReader
from bridged.observe.sysctl_files import SysctlFileReader


def test_every_line_about_a_module_is_found_and_hidden_files_are_not(tmp_path: Path) -> None:
    for name, text in {
        "etc/modules-load.d/bridged.conf": "# ours\nbr_netfilter\nvhost-net\n",
        "usr/lib/modules-load.d/bridged.conf": "kvm\n",
        "usr/lib/modules-load.d/vendor.conf": "br-netfilter\n",
        "etc/modprobe.d/hard.conf": "blacklist kvm\ninstall vhost_net /bin/true\noptions kvm x=1\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    found = ModuleFileReader(tmp_path).read({"br_netfilter", "vhost_net", "kvm", "overlay"})
    lines = {name: [(e.file, e.value) for e in entries] for name, entries in found.items()}
    assert lines == {
        "br_netfilter": [
            ("/etc/modules-load.d/bridged.conf", "br_netfilter"),
            ("/usr/lib/modules-load.d/vendor.conf", "br_netfilter"),
        ],
        "vhost_net": [
            ("/etc/modules-load.d/bridged.conf", "vhost_net"),
            ("/etc/modprobe.d/hard.conf", "install vhost_net /bin/true"),
        ],
        "kvm": [("/etc/modprobe.d/hard.conf", "blacklist kvm")],
    }


def test_what_is_no_file_holds_nobody_up(tmp_path: Path) -> None:
    """A FIFO among the drop-ins would be waited for as long as nobody writes into it."""
    for name in ("sysctl.d", "modules-load.d", "modprobe.d"):
        folder = tmp_path / "etc" / name
        folder.mkdir(parents=True)
        os.mkfifo(folder / "10.conf")
        (folder / "20.conf").mkdir()
        (folder / "30.conf").symlink_to("/dev/zero")
    found: list[object] = []

    def look() -> None:
        found.append(SysctlFileReader(tmp_path).read({"net/ipv4/ip_forward"}))
        found.append(ModuleFileReader(tmp_path).read({"kvm"}))
        found.append({file.text for file in BootFiles(tmp_path).read()})

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(10)
    assert found == [{}, {}, {""}]
