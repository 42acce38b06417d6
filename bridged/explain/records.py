"""What is told about one object: plain frozen records, so that readers need nothing heavy."""

from dataclasses import asdict, dataclass
from typing import Any

from bridged.report import Condition, Finding, Repair


@dataclass(frozen=True, slots=True)
class PropertyView:
    """One property: what is declared, where, and what each world has.

    `desired` is None for what is not declared, and so never touched.  `declared` is ``FILE:LINE``,
    ``default`` (the state file leaves it out), ``derived`` (it follows from other values) or empty.
    `kernel` and `network_manager` are None where that world does not keep the property or was not
    read; `setting` is the key of the profile.  `differs` tells that it has drifted.
    """

    name: str
    desired: str | None
    declared: str = ""
    kernel: str | None = None
    network_manager: str | None = None
    setting: str = ""
    differs: bool = False


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A NetworkManager profile that has to do with the object.

    `role` is ``in charge`` (the one that bridged goes by), ``rival`` (NetworkManager could activate
    it instead) or ``aside`` (for the same interface, without autoconnect).  `file` is empty for one
    in memory only.
    """

    id: str
    uuid: str
    role: str
    file: str = ""
    autoconnect: bool = False
    active: bool = False
    ours: bool = False


@dataclass(frozen=True, slots=True)
class BootLine:
    """A line of a boot file about the object; `wins` tells that it has the last word."""

    file: str
    line: str
    wins: bool = False
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that is known about one declared object.  Times are Unix seconds.

    `declared` is ``FILE:LINE`` of the object, of the last good file where `state_valid` is False.
    `facts` are what the worlds say of it that cannot be declared, each a label and a text.
    `others` are who else sets it, or may: hints, the likeliest first.  `next_step` is what to do
    now, in a sentence; `left_out` are the drop-ins that are not for this node, with the reason.
    """

    kind: str
    name: str
    time: float
    agent: bool
    condition: Condition
    state_valid: bool = True
    declared: str = ""
    bridge: str = ""
    reason: str = ""
    remedy: str = ""
    since: float = 0.0
    attempts: int = 0
    next_attempt: float | None = None
    properties: tuple[PropertyView, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    profiles: tuple[ProfileView, ...] = ()
    boot: tuple[BootLine, ...] = ()
    others: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    repairs: tuple[Repair, ...] = ()
    next_step: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def as_desired(self) -> bool:
        """Whether nothing is left to do."""
        return self.condition in {"converged", "unavailable"}


def explanation_as_json(explanation: Explanation) -> dict[str, Any]:
    """The documented form: the fields above, and `as_desired`."""
    return {**asdict(explanation), "as_desired": explanation.as_desired}
