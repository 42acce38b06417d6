"""The report: what every reader (status, metrics, control socket, page) is given.

Plain frozen records of the standard library, so that `bridgedctl` can read them without importing
anything heavy.  `as_json` is the documented form; `bridgedctl schema --status` describes it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Condition = Literal[
    "converged",
    "drift",
    "pending",
    "unavailable",
    "blocked",
    "failed",
    "contended",
    "withheld",
    "paused",
]
"""converged: as declared.  drift: differs and will be repaired.  pending: waits for something that
is being brought about.  unavailable: the host does not offer it and nobody asked bridged to.
blocked: cannot be done until somebody outside acts.  failed: the last attempt failed, retried with
growing backoff.  contended: something keeps changing it back.  withheld: not done because it
would cost more than the operator allowed (guests their bridge, other packages, running work), or
because the state file leaves it to the operator.  paused: differs, and an operator asked that
nothing be done for a while."""

WatchMode = Literal["inotify", "poll", "none"]
"""How changes of the state file are noticed."""


@dataclass(frozen=True, slots=True)
class PropertyDrift:
    """A declared value that the host does not have.

    `kernel` and `network_manager` tell what each world has, None where it agrees or is not asked.
    """

    property: str
    desired: str
    kernel: str | None = None
    network_manager: str | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """A change that bridged made: when (Unix seconds), to what, why, and how it ended.

    `seconds` is how long the actions took, `latency` the time from the look that noticed the drift
    to the one that saw how it ended.
    """

    time: float
    object: str
    cause: str
    action: str
    outcome: Literal["repaired", "failed"]
    seconds: float = 0.0
    error: str = ""
    latency: float = 0.0


@dataclass(frozen=True, slots=True)
class PauseReport:
    """An operator's word that nothing is changed for a while: on the whole node, or on `bridge`.

    `begun` and `until` in Unix seconds; `by` is who asked for it.
    """

    bridge: str
    begun: float
    until: float
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class ObjectReport:
    """One declared object as it was last seen.

    `condition` is what to go by, `reason` the sentence behind it, `remedy` what to do where a
    person must act, `since` when the condition began (Unix seconds).
    """

    kind: str
    name: str
    condition: Condition
    reason: str = ""
    remedy: str = ""
    drift: tuple[PropertyDrift, ...] = ()
    since: float = 0.0
    attempts: int = 0
    next_attempt: float | None = None
    last_repair: Repair | None = None
    bridge: str = ""

    @property
    def as_desired(self) -> bool:
        """Whether nothing is left to do: as declared, or not offered and not asked for."""
        return self.condition in {"converged", "unavailable"}


@dataclass(frozen=True, slots=True)
class LinkReport:
    """A declared link and its counters, or one that is not there (`present` False).

    `parent` and `vlan` are what a VLAN is declared with; `guests_down` are those of the guests that
    no frame passes.

    `speed` is in Mbit/s; counters are since the link was made.  `stp_state` is that of a port of a
    bridge, empty where the link is none; `fdb_entries` is how many addresses a bridge has learned,
    None where nobody counted.
    """

    name: str
    role: Literal["bridge", "port", "vlan", "parent"]
    present: bool
    bridge: str = ""
    parent: str = ""
    vlan: int | None = None
    guests_down: tuple[str, ...] = ()
    up: bool = False
    carrier: bool = False
    operstate: str = "notpresent"
    mtu: int = 0
    address: str = ""
    speed: int | None = None
    carrier_changes: int = 0
    counters: Mapping[str, int] = field(default_factory=dict)
    guests: tuple[str, ...] = ()
    duplex: str = ""
    driver: str = ""
    stp_state: str = ""
    fdb_entries: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something an operator should know that is not drift: what, and what to do about it."""

    code: str
    message: str
    remedy: str = ""
    object: str = ""


CheckOutcome = Literal["ready", "warning", "not-ready"]


@dataclass(frozen=True, slots=True)
class ReadinessCheck:
    """One thing that a node for KubeVirt has to have: `outcome` is ``warning`` where it works and
    still deserves a look."""

    name: str
    outcome: CheckOutcome
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class StateFileReport:
    """The state in force and the state on disk.

    `hash` is the SHA-256 of the files in force; `valid` tells whether what is on disk now can be
    used; `problems` are the errors as they are printed; `source` is ``file``, ``last-good`` (the
    file is broken), ``trial`` (the file `trial`, waiting to be confirmed) or ``none``.  `modified`
    is when what is on disk was last written (Unix seconds), None where it cannot be told.
    `left_out` are the drop-ins that are not for this node, each as ``FILE:LINE: why``.
    """

    path: str
    valid: bool
    hash: str = ""
    loaded: float | None = None
    source: Literal["file", "last-good", "trial", "none"] = "none"
    problems: tuple[str, ...] = ()
    trial: str = ""
    modified: float | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counters:
    """What is counted since the agent started, keys are label tuples; and what only the metrics
    tell of the agent itself."""

    repairs: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """(object, cause, outcome) -> number."""
    drift: dict[tuple[str, str], int] = field(default_factory=dict)
    """(object, property) -> number of times that it was found."""
    wakeups: dict[str, int] = field(default_factory=dict)
    """source -> number."""
    passes: dict[str, int] = field(default_factory=dict)
    """outcome (still, repaired, failed) -> number."""
    netlink_overruns: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    """world -> calls that failed."""
    duration_buckets: dict[str, tuple[tuple[float, int], ...]] = field(default_factory=dict)
    """phase (observe, plan, apply, pass) -> cumulative (upper bound in seconds, number)."""
    duration_sum: dict[str, float] = field(default_factory=dict)
    conditions: dict[tuple[str, str], int] = field(default_factory=dict)
    """(object, condition) -> times that the object came into it; not counted for converged."""
    checkpoints: dict[str, int] = field(default_factory=dict)
    """outcome -> number of checkpoints of NetworkManager."""
    rollbacks: dict[str, int] = field(default_factory=dict)
    """cause (unreachable, unconfirmed, operator) -> number."""
    unread: dict[str, int] = field(default_factory=dict)
    """world -> observations in which it could not be read."""
    dbus_errors: dict[str, int] = field(default_factory=dict)
    """kind of error -> calls over D-Bus that failed."""
    withheld: dict[str, int] = field(default_factory=dict)
    """bridge -> steps that are not taken now because its guests would lose it."""
    breaker_open: bool = False
    breaker_rollbacks: int = 0
    """How often the state in force was rolled back."""


@dataclass(frozen=True, slots=True)
class Report:
    """The whole truth after one pass.

    Times are Unix seconds; `sentence` is what the last pass that did something did; `confirm_by`
    is until when changes wait for `bridgedctl confirm`, None where none do; `pauses` is what an
    operator wants left alone for a while.  `max_age` is after how many seconds the agent must have
    told anew, zero where none runs.
    """

    time: float
    hostname: str
    version: str
    started: float
    state: StateFileReport
    objects: tuple[ObjectReport, ...] = ()
    links: tuple[LinkReport, ...] = ()
    findings: tuple[Finding, ...] = ()
    repairs: tuple[Repair, ...] = ()
    readiness: tuple[ReadinessCheck, ...] = ()
    network_manager: str = ""
    network_manager_available: bool = False
    watch_mode: WatchMode = "none"
    last_success: float | None = None
    sentence: str = ""
    confirm_by: float | None = None
    pauses: tuple[PauseReport, ...] = ()
    agent: bool = True
    max_age: float = 0.0
    counters: Counters = field(default_factory=Counters)

    @property
    def converged(self) -> bool:
        """Whether every object is as declared and the state on disk is the one in force."""
        return self.state.valid and all(item.as_desired for item in self.objects)


def as_json(report: Report) -> dict[str, Any]:
    """The documented form: the fields above, counters left out, `converged` added."""
    document = asdict(report)
    del document["counters"]
    document["converged"] = report.converged
    return document
