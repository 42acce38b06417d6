"""Which boot files load or forbid a module."""

from pathlib import Path

from bridged.observe.module_files import ModuleFileReader


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
