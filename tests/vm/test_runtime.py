"""Packages and the container runtime, with Debian's containerd, runc and crun really installed."""

import hashlib
import inspect
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.node import Node, wait_until
from tests.lab.qemu import Snapshot
from tests.lab.vm import VmLab, missing, with_checkout
from tests.lab.vm_image import SUITE, cache, locked, say
from tests.vm import product
from tests.vm.product import PATIENCE

CONFIG = "/etc/containerd/config.toml"
SLOW = 3 * PATIENCE
"""An emulated processor unpacks packages and starts containerd as slowly as everything else."""
INSTALLED = ("containerd", "runc", "python3-grpcio", "busybox-static")
OFFERED = ("crun",)
"""In a repository of the machine's own, for bridged to install."""
PAUSE = "registry.k8s.io/pause:3.8"
"""The image that Debian's containerd starts for a pod's sandbox unless it is told another."""
_POOL = "/srv/pool"
"""Not in a home folder: apt links to the list of such a repository, and bridged sees no homes."""


# ------------------------------------------------------------------------ the machine


def fetched(status: str, folder: Path) -> None:
    """Brings Debian's packages, with all that `status` does not have yet, into `folder`.

    Only this needs the network; the machine has none.
    """
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "status").write_text(status)
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    source = f"deb [signed-by={keys}] http://deb.debian.org/debian {SUITE} main\n"
    (folder / "sources.list").write_text(source)
    settings = {
        "Dir::State": folder, "Dir::State::status": folder / "status",
        "Dir::State::lists": folder / "lists", "Dir::Cache": folder / "cache",
        "Dir::Etc::SourceList": folder / "sources.list", "Dir::Etc::SourceParts": "/dev/null",
        "Acquire::Check-Valid-Until": "false", "APT::Sandbox::User": "root",
        "APT::Install-Recommends": "false",
    }  # fmt: skip
    options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    for step in (["update"], ["-y", "--download-only", "install", *INSTALLED, *OFFERED]):
        subprocess.run(["apt-get", "-q", *options, *step], check=True, stdout=subprocess.DEVNULL)
    debs = sorted((folder / "cache/archives").glob("*.deb"))
    pool = folder / "pool"
    pool.mkdir()
    for deb in debs:
        deb.rename(pool / deb.name)
    listed = subprocess.run(
        ["dpkg-scanpackages", "-m", "."], cwd=pool, check=True, capture_output=True, text=True
    )
    (pool / "Packages").write_text(listed.stdout)


def send(lab: VmLab, source: Path, target: str) -> None:
    """Copies a folder into the machine."""
    with subprocess.Popen(["tar", "-C", source, "-cf", "-", "."], stdout=subprocess.PIPE) as pack:
        script = f"mkdir -p {target} && tar -C {target} -xf -"
        subprocess.run(lab.outer(["sh", "-c", script]), stdin=pack.stdout, check=True)


def snapshot() -> Snapshot:
    """A machine with containerd and runc in it, bridged installed and not started."""
    base = with_checkout()
    sources = map(inspect.getsource, (snapshot, fetched))
    text = "".join(sources) + repr((INSTALLED, OFFERED, _POOL))
    recipe = hashlib.sha256(text.encode()).hexdigest()[:12]
    found = Snapshot(base.folder.with_name(f"{base.folder.name}-runtime-{recipe}"))
    with locked("vm-runtime"):
        if found.folder.is_dir():
            return found
        say("bringing containerd and runc into the machine")
        lab = VmLab(base)
        work = cache() / f"debs-{recipe}"
        shutil.rmtree(work, ignore_errors=True)
        try:
            fetched(lab.read("/var/lib/dpkg/status"), work)
            send(lab, work / "pool", _POOL)
        except subprocess.CalledProcessError as error:
            lab.close()
            pytest.skip(f"Debian's packages cannot be fetched: {error}")
        finally:
            shutil.rmtree(work, ignore_errors=True)
        lab.write("/etc/apt/sources.list", f"deb [trusted=yes] file:{_POOL} ./\n")
        lab.sh(
            f"""
            export DEBIAN_FRONTEND=noninteractive
            rm -f /etc/apt/sources.list.d/*
            apt-get -q update
            apt-get -q -y --no-install-recommends install {" ".join(INSTALLED)}
            systemctl enable --now containerd
            """,
            timeout=900,
        )
        lab.install()
        lab.save(found)
    return found


@pytest.fixture
def node() -> Iterator[VmLab]:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    lab = VmLab(snapshot())
    yield lab
    lab.close()


# --------------------------------------------------------------------------- a pod's sandbox


def image(name: str, busybox: bytes) -> bytes:
    """An archive with one image, as `ctr image import` takes it: busybox that sleeps."""

    def pack(files: dict[str, tuple[bytes, int]]) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for path, (data, mode) in files.items():
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode = len(data), mode
                archive.addfile(entry, io.BytesIO(data))
        return buffer.getvalue()

    layer = pack({"busybox": (busybox, 0o755)})
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ["/busybox", "sleep", "1000000"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    ).encode()
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    return pack(
        {
            "manifest.json": (json.dumps(manifest).encode(), 0o644),
            "config.json": (config, 0o644),
            "layer.tar": (layer, 0o644),
        }
    )


_CRI = r"""
import sys
import grpc

def field(number, value):
    if isinstance(value, int):
        return bytes([number << 3, value])
    value = value if isinstance(value, bytes) else value.encode()
    return bytes([number << 3 | 2, len(value)]) + value

# PodSandboxConfig of k8s.io/cri-api v1: metadata, cgroup parent, the node's own namespaces.
name = sys.argv[1]
options = b"".join(field(n, 2) for n in (1, 2, 3))
linux = field(1, "kubepods.slice") + field(2, field(1, options))
metadata = field(1, name) + field(2, name) + field(3, "default")
config = field(1, metadata) + field(3, "/var/log/pods") + field(8, linux)
channel = grpc.insecure_channel("unix:///run/containerd/containerd.sock")
run = channel.unary_unary("/runtime.v1.RuntimeService/RunPodSandbox")
answer = run(field(1, config), timeout=120)
print(answer[2:2 + answer[1]].decode())
"""


def run_pod(node: Node, name: str) -> str:
    """Has containerd start a pod's sandbox as the kubelet would; the container's id."""
    node.write("/root/cri.py", _CRI)
    return node.run("python3", "/root/cri.py", name, timeout=180).stdout.strip()


def runtime_of(node: Node, container: str) -> str:
    """Which program started a container: each keeps its own kind of record."""
    folder = f"/run/containerd/runc/k8s.io/{container}"
    return {"state.json": "runc", "status": "crun"}[
        next(n for n in node.sh(f"ls {folder}").stdout.split() if n in {"state.json", "status"})
    ]


def import_pause(node: Node) -> None:
    busybox = subprocess.run(
        node.outer(["cat", "/usr/bin/busybox"]),
        check=True,
        capture_output=True,  # type: ignore[attr-defined]
    ).stdout
    archive = image(PAUSE, busybox)
    subprocess.run(
        node.outer(["sh", "-c", "cat >/root/pause.tar"]),
        input=archive,
        check=True,  # type: ignore[attr-defined]
    )
    node.run("ctr", "-n", "k8s.io", "image", "import", "/root/pause.tar", timeout=180)


# --------------------------------------------------------------------------------- the scenario

STATE = """\
version: 1
packages:
  present: [runc, jq, device-mapper-multipath, crun]
  absent: [docker, containerd]
"""
RUNTIME = """\
version: 1
packages: {present: [crun], enforce: true}
runtime: {containerd: {oci-runtime: crun, cgroup-driver: systemd}}
"""


def condition(node: Node, name: str) -> str:
    return str(product.item(node, name).get("condition", ""))


def files(node: Node) -> str:
    """Everything below /etc with its time: a pass that writes is seen here."""
    return node.sh("find /etc -type f -printf '%p %T@ %i\\n' | sort").stdout


def test_a_runc_node_becomes_a_crun_node_and_stays_one(node: VmLab) -> None:
    import_pause(node)
    before = run_pod(node, "before")
    assert runtime_of(node, before) == "runc"
    comment = "# a remark of the administrator"
    node.sh(f"echo '{comment}' >>{CONFIG}; systemctl restart containerd", timeout=120)

    # Reported, and left alone: that is what is declared.
    product.declare(node, STATE)
    product.start(node)
    wait_until(
        lambda: condition(node, "package/containerd") == "drift", PATIENCE, "the database is read"
    )
    assert condition(node, "package/runc") == "converged"
    assert condition(node, "package/docker") == "converged"
    missing_ones = product.item(node, "package/crun")
    assert (missing_ones["condition"], missing_ones["drift"][0]["kernel"]) == (
        "drift", "not installed"
    )  # fmt: skip
    assert "apt-get install crun" in missing_ones["remedy"]
    assert condition(node, "package/device-mapper-multipath") == "blocked", "no repository has it"
    assert node.run("bridgedctl", "ready", check=False).returncode == 2

    # Enforced: installed by apt-get outside of bridged's sandbox; then the configuration.
    product.declare(node, RUNTIME)
    name = "runtime/containerd"
    wait_until(lambda: condition(node, "package/crun") == "converged", SLOW, "crun is installed")
    wait_until(lambda: condition(node, name) == "withheld", SLOW, "configured, not restarted")
    assert "bridgedctl apply --allow-disruption containerd" in product.item(node, name)["remedy"]
    text = node.read(CONFIG)
    assert comment in text
    assert 'BinaryName = "/usr/bin/crun"' in text
    assert comment in node.read(f"{CONFIG}.before-bridged")
    started = node.run("systemctl", "show", "-P", "MainPID", "containerd").stdout
    node.run("bridgedctl", "apply", "--allow-disruption", "containerd", check=False, timeout=180)
    product.converged(node, SLOW)
    assert node.run("systemctl", "show", "-P", "MainPID", "containerd").stdout != started
    listed = node.run("ctr", "-n", "k8s.io", "task", "ls").stdout
    assert before in listed, "a running container survives"
    assert "RUNNING" in listed

    # A container starts under it, in a cgroup of systemd's.
    after = run_pod(node, "after")
    assert runtime_of(node, after) == "crun"
    pid = node.run("ctr", "-n", "k8s.io", "task", "ls").stdout.split(after)[1].split()[0]
    assert "kubepods.slice" in node.read(f"/proc/{pid}/cgroup")

    # A second pass writes nothing.
    was = files(node)
    mark = product.cursor(node)
    node.run("bridgedctl", "apply", timeout=180)
    assert files(node) == was
    assert not [line for line in product.journal(node, mark) if "repaired" in line]

    # A hand edit and a removed package: seen, repaired or withheld as declared.
    node.sh(f"sed -i 's/default_runtime_name = .*/default_runtime_name = \"runc\"/' {CONFIG}")
    wait_until(lambda: condition(node, name) == "withheld", SLOW, "put back, not restarted")
    assert 'default_runtime_name = "crun"' in node.read(CONFIG)
    node.run("systemctl", "restart", "containerd", timeout=120)
    wait_until(lambda: condition(node, name) == "converged", SLOW, "his own restart counts")
    node.run("bridgedctl", "apply", check=False, timeout=180)
    node.run("dpkg", "--purge", "--force-depends", "crun", timeout=120)
    wait_until(
        lambda: node.run("dpkg", "-s", "crun", check=False).returncode == 0, SLOW, "back again"
    )
    product.converged(node, SLOW)
