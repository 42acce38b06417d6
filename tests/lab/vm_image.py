"""Builds and caches the virtual machine's disk: Debian with systemd and a kernel of its own.

An image is a folder in the cache, keyed by the hash of everything that goes into it::

    vm-<hash>/base.raw      the ext4 file system, sparse, never written to again
              vmlinuz, initrd.img
              id_ed25519    the key that opens root's account, made with the image

mmdebstrap makes the tree and `mke2fs -d` the file system, so nothing is mounted and no loop device
is needed.  The folder is built beside its place and renamed into it.  Standard library only.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LAB = Path(__file__).resolve().parent
SUITE = os.environ.get("BRIDGED_VM_SUITE", "trixie")
"""Debian's release; `make vm BRIDGED_VM_SUITE=forky` has the next one."""
NICS = {
    # name in the guest: MAC address.  The sw- ones are the far ends of the cables, the switch.
    "enp8s0": "52:54:00:08:00:00",
    "enp13s0f0": "52:54:00:13:00:00",
    "enp13s0f3": "52:54:00:13:00:03",
    "sw-enp13s0f0": "52:54:00:77:00:00",
    "sw-enp13s0f3": "52:54:00:77:00:03",
}
CABLES = ("enp13s0f0", "enp13s0f3")
"""The NICs whose far end, ``sw-<name>``, is in the guest's network namespace ``wire``."""

_KERNELS = {"x86_64": "linux-image-cloud-amd64", "aarch64": "linux-image-cloud-arm64"}
_PACKAGES = (
    "systemd-sysv", "libpam-systemd", "udev", "openssh-server", "make", "vim-tiny",
    "dnsmasq-base", "netbase", "nftables",
)  # fmt: skip
_DISK_SIZE = "3G"
_OPTIONS = (
    "--variant=minbase",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    # The disk driver and the file system suffice to find the root.  virtio_net must stay out, or
    # the initrd's udev would name the NICs without our .link files.
    "--essential-hook=mkdir -p $1/etc/initramfs-tools/conf.d"
    " && echo MODULES=list >$1/etc/initramfs-tools/conf.d/lab"
    " && printf 'virtio_pci\\nvirtio_blk\\next4\\n' >$1/etc/initramfs-tools/modules",
)


def _files() -> dict[str, str]:
    """What is added to the tree: path -> content."""
    files = {
        "etc/hostname": "lab\n",
        "etc/hosts": "127.0.0.1 localhost lab\n::1 localhost\n",
        "etc/fstab": "/dev/vda / ext4 defaults,noatime 0 1\n",
        "etc/ssh/sshd_config.d/lab.conf": "PermitRootLogin prohibit-password\nUsePAM no\n"
        "MaxSessions 100\nHostKey /etc/ssh/ssh_host_ed25519_key\nPrintMotd no\n",
        # The far ends belong to the switch, not to the node.
        "etc/udev/rules.d/80-lab.rules": 'SUBSYSTEM=="net", KERNEL=="sw-*", '
        'ENV{NM_UNMANAGED}="1"\n',
        # Loaded by hand they are welcome; udev would load them for devices that nobody uses, and
        # kvm would be there before anybody asked for it.
        "etc/modprobe.d/lab.conf": "".join(
            f"blacklist {module}\n"
            for module in ("acpi_cpufreq", "ata_piix", "kvm_amd", "kvm_intel", "powernow_k8")
        ),
        "etc/systemd/journald.conf.d/lab.conf": "[Journal]\nStorage=volatile\n",
        "etc/systemd/system/lab-wire.service": textwrap.dedent(
            """\
            [Unit]
            Description=The switch that the node's NICs are plugged into
            DefaultDependencies=no
            After={devices} systemd-tmpfiles-setup.service
            Wants={devices}
            Before=NetworkManager.service network-pre.target
            [Service]
            Type=oneshot
            RemainAfterExit=yes
            ExecStart=/usr/local/sbin/lab-wire
            [Install]
            WantedBy=multi-user.target
            """
        ).format(
            devices=" ".join(rf"sys-subsystem-net-devices-sw\x2d{nic}.device" for nic in CABLES)
        ),
        "usr/local/sbin/lab-wire": _WIRE,
    }
    for name, mac in NICS.items():
        files[f"etc/systemd/network/10-{name}.link"] = (
            # With the driver, or a VLAN, which has its card's address, would match too.
            f"[Match]\nMACAddress={mac}\nDriver=virtio_net\n[Link]\nName={name}\nNamePolicy=\n"
        )
    return files


# The LAN and the DMZ have a DHCP server each, as such networks have, so that NetworkManager's
# automatic profiles settle.  Without "router" it offers no default route.
_WIRE = """\
#!/bin/sh
# lab-wire [router]: makes the namespace "wire" and (again) the DHCP servers in it.
set -eu
[ -e /run/netns/wire ] || ip netns add wire
ip -n wire link set lo up
i=20
for nic in enp13s0f0 enp13s0f3; do
    if [ -e /sys/class/net/sw-$nic ]; then
        ip link set sw-$nic netns wire
        ip -n wire link set sw-$nic up
        ip -n wire address add 192.168.$i.1/24 dev sw-$nic
    fi
    option=3
    [ "${1:-}" != router ] || option=3,192.168.$i.1
    [ ! -e /run/lab-dhcp-$nic.pid ] || kill "$(cat /run/lab-dhcp-$nic.pid)" || true
    ip netns exec wire dnsmasq --conf-file=/dev/null --port=0 --no-resolv --no-hosts --no-ping \\
        --interface=sw-$nic --bind-interfaces --except-interface=lo --dhcp-authoritative \\
        --dhcp-range=192.168.$i.100,192.168.$i.200,24h --dhcp-option=$option --dhcp-option=6 \\
        --dhcp-leasefile=/run/lab-dhcp-$nic.leases --pid-file=/run/lab-dhcp-$nic.pid
    i=30
done
"""

# Timers and services that would make a quiet node write and call.
_MASKED = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer",
    "e2scrub_reap.service", "fstrim.timer", "systemd-tmpfiles-clean.timer",
    "systemd-pstore.service", "NetworkManager-wait-online.service", "getty@tty1.service",
    # What nothing here needs and an emulated processor takes seconds for.
    "dev-hugepages.mount", "dev-mqueue.mount", "proc-sys-fs-binfmt_misc.automount",
    "serial-getty@ttyS0.service", "sys-fs-fuse-connections.mount", "sys-kernel-config.mount",
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "systemd-binfmt.service",
    "modprobe@configfs.service", "modprobe@drm.service", "modprobe@fuse.service",
)  # fmt: skip


@dataclass(frozen=True)
class Image:
    """A built image: the folder that holds it and the files in it."""

    folder: Path

    @property
    def disk(self) -> Path:
        return self.folder / "base.raw"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd.img"

    @property
    def key(self) -> Path:
        return self.folder / "id_ed25519"


def cache() -> Path:
    """The cache folder, shared with tests/lab/trees."""
    return Path(os.environ.get("BRIDGED_CACHE") or Path.home() / ".cache" / "bridged")


def say(text: str) -> None:
    """One line of progress on stderr."""
    print(f"vm: {text}", file=sys.stderr, flush=True)


def missing() -> str | None:
    """Why an image cannot be built or run here, or None."""
    tools = {"qemu-system-x86_64": "qemu", "qemu-img": "qemu", "ssh": "an ssh client"}
    if not find().folder.is_dir():
        if os.geteuid() != 0:
            return "the virtual machine's image is not built, and building it needs root"
        tools |= {"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs"}
    absent = {package for tool, package in tools.items() if shutil.which(tool) is None}
    return f"not installed: {', '.join(sorted(absent))}" if absent else None


def packages() -> list[str]:
    """All Debian packages of the image, those that bridged needs first."""
    listed = subprocess.run(
        [LAB / "trees", "--packages", SUITE], check=True, text=True, capture_output=True
    )
    return [*listed.stdout.split(), *_PACKAGES, _KERNELS[os.uname().machine]]


def find() -> Image:
    """Where the image of the present recipe is, built or not."""
    recipe = [*packages(), *_OPTIONS, *_MASKED, SUITE, _DISK_SIZE]
    recipe += [f"{path}\n{text}" for path, text in sorted(_files().items())]
    digest = hashlib.sha256("\0".join(recipe).encode()).hexdigest()
    return Image(cache() / f"vm-{digest[:12]}")


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Holds the cache's lock `name`; another process that wants it waits."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build() -> Image:
    """The image, built now unless it is cached.

    Raises CalledProcessError with the tool's words on stderr when a step fails.
    """
    image = find()
    with locked("vm-image"):
        if image.folder.is_dir():
            return image
        say(f"building Debian {SUITE} in {image.folder}: this takes about two minutes, once")
        started = time.monotonic()
        work = Path(tempfile.mkdtemp(prefix="vm-build-", dir=cache()))
        try:
            _build_in(work)
            shutil.rmtree(work / "tree")
            work.rename(image.folder)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        say(f"the image is ready: {time.monotonic() - started:.0f} s")
    return image


def _build_in(work: Path) -> None:
    image, tree, added = Image(work), work / "tree", work / "added"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", image.key], check=True
    )
    files = _files()
    files["root/.ssh/authorized_keys"] = (work / "id_ed25519.pub").read_text()
    for path, text in files.items():
        target = added / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(0o755 if text.startswith("#!") else 0o644)
    for folder, mode in (("root", 0o700), ("root/.ssh", 0o700)):
        (added / folder).chmod(mode)
    log = cache() / "vm-image.log"
    # A mirror may lag behind, or this clock run ahead; signatures still count.
    lenient = '--aptopt=Acquire::Check-Valid-Until "false"'
    command = ["mmdebstrap", *_OPTIONS, lenient, f"--include={','.join(packages())}"]
    command += [
        f"--customize-hook=cp -a --no-preserve=ownership {added}/. $1/",
        f"--customize-hook=chroot $1 systemctl mask {' '.join(_MASKED)}",
        "--customize-hook=chroot $1 systemctl enable lab-wire.service ssh.service",
        "--customize-hook=: >$1/etc/machine-id",
        SUITE,
        str(tree),
    ]
    with log.open("w") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT)
    if done.returncode:
        say(f"mmdebstrap failed; its whole log is {log}\n{log.read_text()[-2000:]}")
        raise subprocess.CalledProcessError(done.returncode, command[0])
    shutil.rmtree(added)
    for pattern, target in (("vmlinuz-*", image.kernel), ("initrd.img-*", image.initrd)):
        (newest,) = (tree / "boot").glob(pattern)
        shutil.copyfile(newest, target)
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-L", "lab", "-d", tree, image.disk,
         _DISK_SIZE],
        check=True,
    )  # fmt: skip


if __name__ == "__main__":
    print(build().folder)
