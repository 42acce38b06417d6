"""The shipped unit's sandbox: each forbidden thing is tried from within, and the work goes on.

That every drift is repaired under it is test_drift.py, which runs the same unit.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.node import CHECKOUT, wait_until
from tests.lab.vm import VmLab
from tests.lab.vm_image import SUITE
from tests.vm import product
from tests.vm.product import ADMIN, DMZ, PATIENCE

UNIT = "/etc/systemd/system/bridged.service"
SCRIPT = "/usr/local/lib/sandbox-attempts.py"
OUTPUT = "/run/sandbox-attempts.json"
DENIED = {"EPERM", "EACCES", "EROFS", "ENOENT", "EAFNOSUPPORT"}
PARTS = {
    "fs.file-max": 7654321,
    "kernel.panic": 17,
    "net.core.somaxconn": 4242,
    "net.ipv4.tcp_syncookies": 2,
    "vm.swappiness": 17,
    "kernel.kptr_restrict": 2,
    "kernel.yama.ptrace_scope": 1,
    "user.max_uts_namespaces": 999,
    "dev.raid.speed_limit_min": 999,
}
"""A parameter of each part of /proc/sys that this kernel has one in, and some that take more rights
than the unit leaves."""


@pytest.fixture(scope="module")
def node() -> Iterator[VmLab]:
    yield from product.running()


def probe_unit(shipped: str) -> str:
    """The shipped unit with a script in the place of the daemon: its sandbox, line by line."""
    dropped = r"^(ExecStart\w*|ExecReload|Restart|RestartSec|WatchdogSec|Type|Before|WantedBy)="
    lines = [line for line in shipped.splitlines() if not re.match(dropped, line)]
    start = (
        f"Type=oneshot\nExecStart=/usr/bin/python3 -I {SCRIPT}\nStandardOutput=truncate:{OUTPUT}"
    )
    return "\n".join(lines).replace("[Service]", f"[Service]\n{start}") + "\n"


def test_the_unit_that_runs_is_the_shipped_one(node: VmLab) -> None:
    """Drop-ins of the tests change the command line and nothing of the sandbox."""
    assert node.read(UNIT) == (CHECKOUT / "systemd/bridged.service").read_text()
    added = node.sh("cat /etc/systemd/system/bridged.service.d/*.conf").stdout.splitlines()
    assert {line.split("=")[0] for line in added if line} <= {"[Service]", "ExecStart"}
    status = dict(
        line.split(":", 1) for line in node.read(f"/proc/{product.pid(node)}/status").splitlines()
    )
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == (1 << 1 | 1 << 12 | 1 << 13)
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"


@pytest.fixture(scope="module")
def attempts(node: VmLab) -> dict[str, dict[str, str]]:
    """How each attempt ended inside the unit: "forbidden" and "needed" ones, by what they do."""
    script = Path(__file__).with_name("attempts.py").read_text()
    node.write(SCRIPT, script)
    node.write("/etc/systemd/system/sandbox-attempts.service", probe_unit(node.read(UNIT)))
    node.sh(f"for to in 203.0.113.1 192.168.20.1; do ip route add $to dev {ADMIN}; done")
    node.sh("mkdir -p /etc/kubernetes /etc/containerd; install -m 0600 -o nobody /dev/null "
            "/etc/sandbox-probe-foreign")  # fmt: skip
    node.sh("systemctl daemon-reload; systemctl start sandbox-attempts", timeout=120)
    return dict(json.loads(node.read(OUTPUT)))


def test_what_is_forbidden_fails_and_what_is_needed_does_not(
    node: VmLab, attempts: dict[str, dict[str, str]]
) -> None:
    """Each of these succeeds for root outside of the unit, or would do harm."""
    assert len(attempts["forbidden"]) > 60
    allowed = {what: how for what, how in attempts["forbidden"].items() if how not in DENIED}
    denied = {what: how for what, how in attempts["needed"].items() if how != "done"}
    assert not allowed, f"allowed: {allowed}; denied: {denied}"
    assert not denied, denied

    outside = json.loads(node.run("python3", "-I", SCRIPT, "harmless").stdout)["forbidden"]
    failing = {what: how for what, how in outside.items() if how != "done"}
    failing.pop("run a file in /run", None)  # Debian mounts it so that nobody can
    # What this kernel or machine does not have in the first place.
    assert set(failing.values()) <= {"EAFNOSUPPORT", "ENOENT"}, failing
    assert len(failing) <= 5, failing
    node.run("systemctl", "is-active", "bridged")


def test_parameters_of_every_kind_are_written(node: VmLab) -> None:
    """Case 22: /proc/sys is read-only but for its parts, which are named in the unit."""
    here = {key: value for key, value in PARTS.items() if node.sysctl(key) is not None}
    assert len(here) >= 5, here
    wanted = {**product.SYSCTLS, **{key: str(value) for key, value in here.items()}}
    sysctls = f"{{{', '.join(f'{key}: {value}' for key, value in wanted.items())}}}"
    product.declare(node, product.reference(sysctls=sysctls))
    for key, value in here.items():
        wait_until(lambda k=key, v=value: node.sysctl(k) == str(v), PATIENCE, key)  # type: ignore[misc]
    product.converged(node)
    product.declare(node, product.reference())
    product.converged(node)


def test_a_module_is_loaded_by_systemd_and_one_that_is_not_there_is_named(node: VmLab) -> None:
    """The reason comes through from modprobe; the journal tells who ran it."""
    where = product.cursor(node)
    node.run("rmmod", "dm_crypt")
    wait_until(lambda: "dm_crypt" in node.modules(), PATIENCE, "loaded again")
    node.run("journalctl", "--sync")
    journal = node.run("journalctl", "-q", "-o", "cat", f"--after-cursor={where}").stdout
    assert "Loads a kernel module for bridged" in journal
    units = node.run("systemctl", "list-units", "--all", "--plain", "run-*").stdout
    assert "Loads a kernel module" not in units, "nothing is left behind"

    modules = "[kvm, no_such_module_here]"
    product.declare(node, product.reference(modules=modules))
    wait_until(
        lambda: "not found" in product.item(node, "module/no_such_module_here").get("reason", ""),
        PATIENCE,
        "the reason",
    )
    product.declare(node, product.reference())
    product.converged(node)


def test_a_kept_file_belongs_to_whom_it_is_declared_for(node: VmLab) -> None:
    """The daemon may not give files away: systemd does, and the result is what counts."""
    node.sh("mkdir -p /etc/kubernetes && systemctl restart bridged", timeout=180)
    path = "/etc/kubernetes/cilium-values.yaml"
    own = node.sh(f"ip -4 -o address show dev {ADMIN} | sed 's/.*inet //; s,/.*,,'").stdout.strip()
    keys = {
        "address": own,
        "cluster-name": "x",
        "endpoint": "x.example:6443",
        "version": "1.34.2",
        "pod-cidr": "10.211.0.0/16",
        "service-cidr": "10.212.0.0/16",
        "cilium": f"{{file: {path}, pool: 10.213.0.0/16, owner: 'nobody:nogroup', mode: '0600'}}",
    }
    text = ", ".join(f"{key}: {value}" for key, value in keys.items())
    product.declare(node, product.reference(kubernetes=f"{{{text}}}"))
    name = f"file/{path}"
    wait_until(
        lambda: node.sh(f"stat -c '%U:%G %a' {path} || true").stdout == "nobody:nogroup 600\n",
        PATIENCE,
        "kept",
    )
    product.converged(node)
    # What is for its owner's eyes only is read, compared, and linked to its backup all the same.
    node.sh(f"echo 'edited: true' >>{path}")
    wait_until(
        lambda: "edited: true" not in node.read(path) and product.item(node, name),
        PATIENCE,
        "put back",
    )
    assert node.run("stat", "-c", "%U:%G %a", path).stdout == "nobody:nogroup 600\n"
    assert "edited: true" in node.sh(f"cat {path}.before-*").stdout
    product.declare(node, product.reference())
    product.converged(node)


def test_ports_offloads_and_swap_are_put_right_too(node: VmLab) -> None:
    """What test_drift.py does not drift: settings and VLANs of a port, what a card does, swap."""
    port = f"{{name: {DMZ}, hairpin: true, path-cost: 55, pvid: 7, vlans: [8], "
    port += "offloads: {gro: false}}"
    bridge = f"{{vlan-filtering: true, ports: [{port}]}}"
    product.declare(node, product.reference(br_dmz=bridge, swap="off"))

    def right() -> bool:
        slave = node.links()[DMZ]["linkinfo"]["info_slave_data"]
        assert (slave["hairpin"], slave["cost"]) == (True, 55)
        (shown,) = json.loads(node.run("bridge", "-j", "vlan", "show", "dev", DMZ).stdout)
        assert {v["vlan"]: "PVID" in v.get("flags", ()) for v in shown["vlans"]} == {
            7: True,
            8: False,
        }
        assert node.run(*node.python, "-c", OFFLOADS).stdout.strip() == "False"
        assert len(node.read("/proc/swaps").splitlines()) == 1
        return True

    wait_until(right, PATIENCE, "as declared")
    product.converged(node)
    node.sh(f"""
        ip link set {DMZ} type bridge_slave hairpin off cost 77
        bridge vlan del vid 8 dev {DMZ}
        {" ".join(node.python)} -c '{OFFLOADS.replace("print(", "(").replace("#", "")}'
        dd if=/dev/zero of=/swap bs=1M count=16 status=none
        chmod 0600 /swap && mkswap -q /swap && swapon /swap
    """)
    wait_until(right, PATIENCE, "put right")
    product.converged(node)
    product.declare(node, product.reference())
    product.converged(node)


OFFLOADS = f"""
from bridged.ethtool import Ethtool
with Ethtool() as tool:
    print(tool.offloads("{DMZ}")["gro"])
    #tool.set("{DMZ}", dict(gro=1))
"""
"""Prints whether the card gathers what it receives; without the # it then has it do so."""


def test_a_pause_holds_back_repairs_outlives_a_restart_and_ends(node: VmLab) -> None:
    node.run("bridgedctl", "pause", "--for", "10m", "--reason", "looking")
    node.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=0")
    node.run("systemctl", "restart", "bridged", timeout=180)
    assert product.item(node, "sysctl/net.ipv4.ip_forward")["condition"] not in ("converged",)
    assert node.sysctl("net.ipv4.ip_forward") == "0"
    node.run("bridgedctl", "resume")
    wait_until(lambda: node.sysctl("net.ipv4.ip_forward") == "1", PATIENCE, "put right")
    product.converged(node)


def test_systemd_here_finds_no_exposure_that_is_not_explained(node: VmLab) -> None:
    """The same as unit/test_exposure.py with this systemd, on the unit as it runs."""
    told = node.run("systemd-analyze", "security", "--json=short", "bridged.service").stdout
    exposures = {row["name"] for row in json.loads(told) if row["exposure"]}
    page = (CHECKOUT / "docs/security.md").read_text()
    explained = set(re.findall(r"^\| `(\S+)` \| ", page, re.MULTILINE))
    assert exposures - {name.replace("\\|", "|") for name in explained} == set()
    shown = node.run("systemd-analyze", "security", "--no-pager", "bridged.service").stdout
    found = re.search(r"exposure level for bridged.service: ([\d.]+)", shown)
    assert found is not None
    assert float(found[1]) <= 2.5, shown


def test_the_record_is_what_is_found_here(
    node: VmLab, attempts: dict[str, dict[str, str]], request: pytest.FixtureRequest
) -> None:
    """docs/sandbox.md, which `--record` writes."""
    if SUITE != "trixie":
        pytest.skip("the record is of Debian 13")
    text = record(node, attempts)
    if request.config.getoption("--record"):
        RECORD.write_text(text)
    assert text == RECORD.read_text(), "pytest tests/vm/test_sandbox.py --record writes it anew"


def record(node: VmLab, attempts: dict[str, dict[str, str]]) -> str:
    """The page with all that systemd says of the unit, and how each attempt ended."""
    version = node.sh("systemctl --version | head -n 1 | cut -d ' ' -f 1,2").stdout.strip()
    shown = node.run("systemd-analyze", "security", "--no-pager", "bridged.service").stdout
    table = "\n".join(line.rstrip() for line in shown.strip().splitlines())
    rows = {
        group: "\n".join(f"| {what} | `{how}` |" for what, how in found.items())
        for group, found in attempts.items()
    }
    return RECORD_TEXT.format(version=version, table=table, **rows)


RECORD = CHECKOUT / "docs/sandbox.md"
RECORD_TEXT = """\
# What the unit's sandbox keeps back

Written by `pytest tests/vm/test_sandbox.py --record`, which tries all of this in the unit's sandbox
on Debian 13. [security.md](security.md) says why it is so.

## Tried inside, and denied

Root can do each of these outside of the unit, but for what the virtual machine does not have. What
is hidden reads as `ENOENT`: it is there, and empty.

| attempt | ended with |
| --- | --- |
{forbidden}

## Needed, and left open

| attempt | ended with |
| --- | --- |
{needed}

## What systemd says

`systemd-analyze security --no-pager bridged.service`, {version}:

```
{table}
```
"""


def test_others_who_may_write_where_the_socket_is_are_told_of(node: VmLab) -> None:
    node.run("chmod", "0777", "/run/bridged")
    found = wait_until(lambda: product.finding(node, "control-socket"), PATIENCE, "told")
    assert "can be written by" in found["message"]
    node.run("systemctl", "restart", "bridged", timeout=180)
    assert node.run("stat", "-c", "%a", "/run/bridged").stdout.strip() == "755"
    assert not product.finding(node, "control-socket")
    owner = node.run("stat", "-c", "%U:%G %a", "/run/bridged/control.sock").stdout.strip()
    assert owner == "root:bridged 660"


def test_a_state_file_that_others_may_write_is_refused_and_the_last_one_kept(node: VmLab) -> None:
    """Rule 8, from the node's own side: the file, then its directory."""
    for path, mode in ((product.STATE, "0664"), ("/etc/bridged", "0777")):
        before = node.run("stat", "-c", "%a", path).stdout.strip()
        node.run("chmod", mode, path)
        node.run("systemctl", "reload", "bridged")

        def told(path: str = path) -> bool:
            state = product.status(node)["state"]
            return not state["valid"] and any(f"chmod go-w {path}" in p for p in state["problems"])

        wait_until(told, PATIENCE, f"{path} is refused")
        node.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=0")
        wait_until(lambda: node.sysctl("net.ipv4.ip_forward") == "1", PATIENCE, "still kept")
        node.run("chmod", before, path)
        node.run("systemctl", "reload", "bridged")
        product.converged(node)
