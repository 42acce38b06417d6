"""Planning the boot files: what makes the next boot right even if the agent never starts."""

from collections.abc import Iterable, Mapping

from bridged.desired.names import module_name
from bridged.desired.state import Minimum, State, Sysctl
from bridged.observe.host import Host
from bridged.observe.host import Sysctl as Observed
from bridged.plan.actions import ObjectId, WriteFile
from bridged.plan.context import Context
from bridged.plan.kernel import LOCK, number, ordered, wanted_text
from bridged.plan.result import Verdict
from bridged.report import PropertyDrift

MODULES = "/etc/modules-load.d/bridged.conf"
SYSCTLS = "/etc/sysctl.d/zz-bridged.conf"
"""Sorts after 99-sysctl.conf (the link to /etc/sysctl.conf), which would win otherwise."""
MINIMUMS = "/etc/sysctl.d/00-bridged-minimum.conf"
"""Sorts first, so that whoever asks for more than our minimum gets it.  The kernel cannot ask: more
that it has by itself would be lowered by a line here."""
FILES = (MODULES, SYSCTLS, MINIMUMS)

_NOTHING = State(version=1)
"""What stands for a state while there is none: no file can say this."""
_HEADER = "# Written by bridged from /etc/bridged/state.yaml. Changes here are undone.\n"


def contents(state: State, host: Host) -> dict[str, str | None]:
    """What each boot file should hold, None for a file that should not exist."""
    there = host.files.get(MINIMUMS) or ""
    exact: dict[str, Sysctl] = {}
    least: dict[str, Sysctl] = {}
    # The boot takes them in the order of the file, and some set others along.
    for path, wish in ordered(state):
        if path == LOCK:
            continue
        if not isinstance(wish, Minimum):
            exact[path] = wish
        elif _short(wish, host.sysctls.get(path)) or f"\n{_assigned(path)}" in there:
            least[path] = wish
    return {
        MODULES: _text(module_name(name) for name in state.modules or ()),
        SYSCTLS: _text(_assignments({path: wanted_text(wish) for path, wish in exact.items()})),
        MINIMUMS: _text(_assignments({path: wanted_text(wish) for path, wish in least.items()})),
    }


def _short(wish: Minimum, observed: Observed | None) -> bool:
    """Whether a boot may give less than this minimum: there is less, or no more than it."""
    value = number(observed.value) if observed is not None and observed.value is not None else None
    return value is not None and value <= wish.at_least


def _assignments(values: Mapping[str, str]) -> Iterable[str]:
    return (f"{_assigned(path)}{value}" for path, value in values.items())


def _assigned(path: str) -> str:
    # Slashes: dots in interface names stay what they are.  The dash: a key whose module or
    # interface comes later is no failed boot unit.
    return f"-{path} = "


def _text(lines: Iterable[str]) -> str | None:
    body = "".join(f"{line}\n" for line in lines)
    return _HEADER + body if body else None


def plan_files(context: Context) -> list[Verdict]:
    """The verdicts on the boot files; without a state nothing is said of them."""
    verdicts: list[Verdict] = []
    if context.state == _NOTHING:
        return verdicts
    for path, content in contents(context.state, context.host).items():
        item = ObjectId("file", path)
        present = context.host.files.get(path)
        if present == content:
            if content is not None:
                verdicts.append(Verdict(item))
            continue
        have = "missing" if present is None else "different"
        want = "absent" if content is None else "as declared"
        verdicts.append(
            Verdict(
                item,
                "drift",
                drift=(PropertyDrift("content", want, have),),
                actions=(
                    WriteFile(
                        object=item,
                        reason=f"{path} is {have}; the next boot goes by it",
                        path=path,
                        content=content,
                    ),
                ),
            )
        )
    return verdicts
