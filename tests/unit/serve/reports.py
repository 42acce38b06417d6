"""Reports made by hand: the reference node in the conditions that an operator meets."""

import threading
from collections.abc import Callable
from dataclasses import replace

from bridged.desired.state import State
from bridged.errors import WorldError
from bridged.explain.explain import explain
from bridged.explain.records import Explanation
from bridged.history import Entry, Wanted, select
from bridged.observe.host import Host
from bridged.report import (
    Counters,
    Finding,
    LinkReport,
    ObjectReport,
    PauseReport,
    PropertyDrift,
    ReadinessCheck,
    Repair,
    Report,
    StateFileReport,
)
from bridged.serve.protocols import ApplyOptions, PauseOptions, PlanView, Progress, Step

NOW = 1_800_000_000.0
STATE = StateFileReport(
    "/etc/bridged/state.yaml", True, hash="ab" * 32, loaded=NOW - 86400, source="file"
)
TRAFFIC = {
    "rx_bytes": 1000,
    "tx_bytes": 2000,
    "rx_packets": 10,
    "tx_packets": 20,
    "rx_errors": 1,
    "tx_errors": 0,
    "rx_dropped": 3,
    "tx_dropped": 0,
}
STP = Repair(
    NOW - 180, "bridge/br-lan", "stp", "set br_stp_state=0 on br-lan", "repaired", seconds=0.004
)
SYSCTLS = (
    "net.ipv4.ip_forward",
    "net.bridge.bridge-nf-call-ip6tables",
    "net.bridge.bridge-nf-call-iptables",
    "net.bridge.bridge-nf-call-arptables",
    "fs.inotify.max_user_watches",
    "fs.inotify.max_user_instances",
)
MODULES = ("overlay", "br_netfilter", "kvm", "vhost_net", "dm_crypt")


def link(name: str, role: str, bridge: str, guests: tuple[str, ...] = ()) -> LinkReport:
    """A link that is up."""
    return LinkReport(
        name,
        role,  # type: ignore[arg-type]
        present=True,
        bridge=bridge,
        up=True,
        carrier=True,
        operstate="up",
        mtu=1500,
        address="52:54:00:00:00:01",
        speed=1000 if role == "port" else None,
        carrier_changes=2,
        counters=TRAFFIC,
        guests=guests,
        duplex="full" if role == "port" else "",
        driver="igb" if role == "port" else "",
        stp_state="" if role == "bridge" else "forwarding",
        fdb_entries=12 if role == "bridge" else None,
    )


LINKS = (
    link("br-lan", "bridge", "br-lan", ("vnet0", "vnet3", "tap7")),
    link("enp13s0f0", "port", "br-lan"),
    link("br-web", "bridge", "br-web", ("vnet1",)),
    replace(link("enp13s0f0.6", "vlan", "br-web"), parent="enp13s0f0", vlan=6),
    link("br-dmz", "bridge", "br-dmz"),
    link("enp13s0f3", "port", "br-dmz"),
)


def objects() -> tuple[ObjectReport, ...]:
    """The reference node's objects, all as desired."""
    since = NOW - 3600
    bridges = (
        ObjectReport(
            "bridge", "br-lan", "converged", since=since, last_repair=STP, bridge="br-lan"
        ),
        ObjectReport("bridge", "br-web", "converged", since=since, bridge="br-web"),
        ObjectReport("bridge", "br-dmz", "converged", since=since, bridge="br-dmz"),
        ObjectReport("port", "enp13s0f0", "converged", since=since, bridge="br-lan"),
        ObjectReport("vlan", "enp13s0f0.6", "converged", since=since, bridge="br-web"),
        ObjectReport("port", "enp13s0f3", "converged", since=since, bridge="br-dmz"),
    )
    modules = tuple(ObjectReport("module", name, "converged", since=since) for name in MODULES)
    sysctls = tuple(ObjectReport("sysctl", name, "converged", since=since) for name in SYSCTLS)
    return modules + sysctls + bridges


def change(report: Report, kind: str, name: str, **fields: object) -> Report:
    """`report` with fields of one object replaced."""
    changed = tuple(
        replace(item, **fields) if (item.kind, item.name) == (kind, name) else item  # type: ignore[arg-type]
        for item in report.objects
    )
    return replace(report, objects=changed)


AS_DESIRED = Report(
    time=NOW - 4,
    hostname="node1",
    version="0.1.0",
    started=NOW - 3 * 86400,
    state=STATE,
    objects=objects(),
    links=LINKS,
    repairs=(STP,),
    readiness=(
        ReadinessCheck("kvm", "ready"),
        ReadinessCheck("nics", "warning", "enp13s0f3 is driven by r8169", "prefer another card"),
    ),
    network_manager="1.52.1",
    network_manager_available=True,
    watch_mode="inotify",
    last_success=NOW - 4,
    sentence="repaired bridge/br-lan",
    max_age=1e9,  # it is asked for at the time of the test too
    counters=Counters(
        repairs={("bridge/br-lan", "stp", "repaired"): 1},
        drift={("bridge/br-lan", "stp"): 1},
        wakeups={"netlink": 3, "timer": 10},
        passes={"still": 12, "repaired": 1},
        errors={"NetworkManager": 2},
        duration_buckets={"pass": ((0.01, 5), (0.1, 12), (float("inf"), 13))},
        duration_sum={"pass": 0.5},
    ),
)
"""Everything right; one repair three minutes ago."""

DRIFTING = change(
    change(
        AS_DESIRED,
        "bridge",
        "br-dmz",
        condition="drift",
        drift=(
            PropertyDrift("stp", "false", "true", "true"),
            PropertyDrift("mtu", "9000", "1500"),
        ),
        since=NOW - 2,
    ),
    "sysctl",
    "net.ipv4.ip_forward",
    condition="drift",
    drift=(PropertyDrift("value", "1", "0"),),
    since=NOW - 2,
)
"""Two objects differ, both about to be repaired."""

CONTENDED = replace(
    change(
        change(
            AS_DESIRED,
            "sysctl",
            "net.bridge.bridge-nf-call-iptables",
            condition="contended",
            drift=(PropertyDrift("value", "1", "0"),),
            reason="repaired 7 times lately, something keeps changing it back",
            remedy="find what else sets it: journalctl, /etc/sysctl.d, nmcli connection",
            since=NOW - 300,
            next_attempt=NOW + 28,
        ),
        "port",
        "enp13s0f3",
        condition="blocked",
        drift=(PropertyDrift("bridge", "br-dmz", "in no bridge"),),
        reason="there is no interface enp13s0f3; present are enp13s0f3np3, enp13s0f0",
        remedy="correct the name in the state file, or plug the card in",
        since=NOW - 7200,
    ),
    links=(*LINKS[:5], LinkReport("enp13s0f3", "port", False, "br-dmz")),
    findings=(
        Finding(
            "vlan-injection",
            "guests on br-lan can send frames tagged 6 into br-web",
            "declare vlan-filtering: true for br-lan",
            "bridge/br-lan",
        ),
    ),
    repairs=(
        STP,
        Repair(
            NOW - 40,
            "sysctl/net.bridge.bridge-nf-call-iptables",
            "value",
            "write 1 to net/bridge/bridge-nf-call-iptables",
            "repaired",
        ),
        Repair(
            NOW - 7000,
            "port/enp13s0f3",
            "bridge",
            "activate the profile of enp13s0f3",
            "failed",
            error="NetworkManager: no suitable device found",
        ),
    ),
)
"""Something fights over a sysctl, and a port is missing."""

_PROBLEM = """/etc/bridged/state.yaml:4:12: `prots` is not a key of a bridge
      br-lan: {prots: [enp13s0f0]}
               ^
  remedy: did you mean `ports`?"""

BROKEN = replace(
    AS_DESIRED, state=replace(STATE, valid=False, source="last-good", problems=(_PROBLEM,))
)
"""The file on disk has an error; the node is as the last good one says."""

PAUSE = PauseReport("br-lan", NOW - 180, NOW + 1620, "new switch", "alice (as root)")
NODE_PAUSE = PauseReport("", NOW - 180, NOW + 1620, "firmware update", "root")

PAUSED = replace(
    change(
        AS_DESIRED,
        "sysctl",
        "net.ipv4.ip_forward",
        condition="paused",
        drift=(PropertyDrift("value", "1", "0"),),
        reason="paused until 12:00:00 by root: firmware update",
        remedy="wait; or end the pause: bridgedctl resume",
        since=NOW - 60,
        next_attempt=NODE_PAUSE.until,
    ),
    pauses=(NODE_PAUSE,),
)
"""An operator wants nothing changed, and something drifted meanwhile."""

PLAN = PlanView(
    (
        Step("load-module", "module/kvm", "load module kvm", "kvm is not loaded", "none"),
        Step(
            "activate",
            "port/enp13s0f3",
            "activate the profile of enp13s0f3",
            "enp13s0f3 is in no bridge, not a port of br-dmz",
            "port",
        ),
    ),
    (Step("activate", "bridge/br-lan", "activate br-lan", "the MAC differs", "guests"),),
)


class FakeAgent:
    """An agent that answers with what it was given and notes what it was asked."""

    def __init__(self, report: Report | None = AS_DESIRED, plan: PlanView = PLAN) -> None:
        self.current = report
        self.view = plan
        self.after: Report | Exception = AS_DESIRED
        self.steps: tuple[str, ...] = ("load module kvm", "activate the profile of enp13s0f3")
        self.hold = threading.Event()
        self.hold.set()
        self.reloads = 0
        self.waiting = False
        self.ended: list[str] = []
        self.paused: tuple[PauseReport, ...] = ()
        self.entries: tuple[Entry, ...] = ()
        self.applied: list[tuple[ApplyOptions, float]] = []
        self.during: Callable[[], None] = lambda: None

    def report(self) -> Report | None:
        return self.current

    def plan(self) -> PlanView:
        return self.view

    def explain(self, text: str) -> Explanation:
        return explain(State(version=1), Host(), self.current or AS_DESIRED, text)

    def apply(self, options: ApplyOptions, timeout: float, progress: Progress) -> Report:
        self.applied.append((options, timeout))
        for step in self.steps:
            progress(step)
        self.during()
        if not self.hold.wait(timeout):
            raise WorldError("timeout", f"the agent did not get to it within {timeout:g} s")
        if isinstance(self.after, Exception):
            raise self.after
        return self.after

    def reload(self) -> None:
        self.reloads += 1

    def confirm(self) -> bool:
        return self._end("confirm")

    def rollback(self) -> bool:
        return self._end("rollback")

    def pause(self, options: PauseOptions) -> tuple[PauseReport, ...]:
        scopes = options.bridges or ("",)
        made = (PauseReport(b, NOW, NOW + options.seconds, options.reason, "") for b in scopes)
        self.paused = tuple(replace(pause, by=options.by) for pause in made)
        return self.paused

    def resume(self, bridges: tuple[str, ...], by: str) -> tuple[PauseReport, ...]:
        ended, self.paused = self.paused, ()
        return ended

    def history(self, wanted: Wanted) -> tuple[Entry, ...]:
        return select(self.entries, wanted)

    def _end(self, how: str) -> bool:
        waited, self.waiting = self.waiting, False
        self.ended.append(how)
        return waited
