"""Planning packages: what is missing, what must go, and what the operator wants done about it."""

from collections.abc import Iterable

from bridged.desired.packages import Packages, equivalents
from bridged.plan.actions import Action, InstallPackage, ObjectId, RemovePackage
from bridged.plan.aside import plan_aside
from bridged.plan.context import Context
from bridged.plan.result import Verdict
from bridged.report import PropertyDrift

_HALFWAY = {
    "half-configured", "half-installed", "unpacked", "triggers-awaited", "triggers-pending"
}  # fmt: skip


def plan_packages(context: Context) -> Iterable[Verdict]:
    """The verdicts on all declared packages."""
    declared = context.state.packages
    if declared is None:
        return
    for names, judge in ((declared.present, _present), (declared.absent, _absent)):
        for name in names:
            item = ObjectId("package", name)
            yield _unread(context, item) or judge(context, declared, item)


def installed_as(context: Context, name: str) -> str | None:
    """The name under which a package, or what stands in for it, is installed here; or None."""
    seen = context.host.node.packages
    if seen.database is None:
        return None
    for other in equivalents(name, seen.database):
        if other in seen.installed:
            return other
    return next(
        (seen.provided[o] for o in equivalents(name, seen.database) if o in seen.provided), None
    )


def _unread(context: Context, item: ObjectId) -> Verdict | None:
    seen = context.host.node.packages
    if seen.database is not None and item.name in seen.asked:
        return None
    if seen.database is not None or seen.reason == "not read yet":
        return Verdict(item, "pending", "the package database is being read")
    return Verdict(item, "blocked", seen.reason, "see whether rpm -qa or dpkg -l works")


def _present(context: Context, declared: Packages, item: ObjectId) -> Verdict:
    name = item.name
    seen = context.host.node.packages
    assert seen.database is not None
    names = equivalents(name, seen.database)
    broken = next((other for other in names if other in seen.broken), None)
    if installed_as(context, name) is not None:
        return Verdict(item)
    if broken is not None:
        drift = (PropertyDrift("presence", "installed", seen.broken[broken]),)
        halfway = seen.broken[broken] in _HALFWAY
        remedy = "dpkg --configure -a" if halfway else f"apt-get install --reinstall {broken}"
        return Verdict(item, "blocked", f"{broken} is only {seen.broken[broken]}", remedy, drift)
    drift = (PropertyDrift("presence", "installed", "not installed"),)
    if all(seen.known.get(other) is False for other in names):
        near = seen.near.get(name, ())
        remedy = f"did you mean {' or '.join(near)}?" if near else "correct the name"
        return Verdict(
            item,
            "blocked",
            f"no repository of this host has {' or '.join(names)}",
            f"{remedy}; or add its repository and update the package lists",
            drift,
        )
    chosen = next((other for other in names if seen.known.get(other)), names[-1])
    manual = f"{_tool(context)} install {chosen}"
    action = InstallPackage(object=item, reason=f"{name} is not installed", package=chosen)
    return _settle(context, declared, item, drift, (action,), manual)


def _absent(context: Context, declared: Packages, item: ObjectId) -> Verdict:
    name = item.name
    seen = context.host.node.packages
    assert seen.database is not None
    there = [other for other in equivalents(name, seen.database) if other in seen.installed]
    if not there:
        return Verdict(item)
    have = ", ".join(f"{other} {seen.installed[other]}" for other in there)
    drift = (PropertyDrift("presence", "absent", f"{have} installed"),)
    going = frozenset(
        other for listed in declared.absent for other in equivalents(listed, seen.database)
    )
    actions = tuple(
        RemovePackage(
            object=item, reason=f"{other} is to be absent", package=other, along=going - {other}
        )
        for other in there
    )
    manual = f"{_tool(context)} remove {' '.join(there)}"
    return _settle(context, declared, item, drift, actions, manual)


def _settle(
    context: Context,
    declared: Packages,
    item: ObjectId,
    drift: tuple[PropertyDrift, ...],
    actions: tuple[Action, ...],
    manual: str,
) -> Verdict:
    if not declared.enforce:
        reason = "only reported, for packages are not enforced"
        return Verdict(item, "drift", reason, f"{manual}; or declare enforce: true", drift)
    return plan_aside(context, item, drift, actions, manual)


def _tool(context: Context) -> str:
    return "apt-get" if context.host.node.packages.database == "dpkg" else "dnf"
