"""Planning the container runtime, and swap."""

from collections.abc import Iterable, Iterator

from bridged.desired.runtime import Containerd, same_socket
from bridged.observe.node import Containerd as Seen
from bridged.plan.actions import Action, EditFile, ObjectId, RestartService, SwapOff
from bridged.plan.aside import plan_aside
from bridged.plan.containerd_config import Unclear, differences, edited, read
from bridged.plan.context import Context
from bridged.plan.result import Verdict
from bridged.report import Finding, PropertyDrift

SERVICE = "containerd"
BACKUP = ".before-bridged"


def plan_runtime(context: Context) -> Iterable[Verdict]:
    """The verdicts on the container runtime and on swap."""
    runtime = context.state.runtime
    if runtime is not None and runtime.containerd is not None:
        yield _containerd(context, runtime.containerd)
    if context.state.swap == "off":
        yield _swap(context)


def _containerd(context: Context, spec: Containerd) -> Verdict:
    item = ObjectId("runtime", SERVICE)
    seen = context.host.node.containerd
    if seen is None:
        return Verdict(item, "pending", "not looked at yet")
    if not seen.installed and not seen.answers:
        return Verdict(
            item,
            "blocked",
            "containerd is not installed",
            "install its release or package, or take runtime: out of the state file",
            (PropertyDrift("presence", "installed", "not installed"),),
        )
    if seen.problem:
        return Verdict(item, "blocked", seen.problem, "correct it, then: containerd config dump")
    try:
        return _configured(context, item, spec, seen)
    except Unclear as unclear:
        return Verdict(item, "blocked", str(unclear), unclear.remedy)


def _configured(context: Context, item: ObjectId, spec: Containerd, seen: Seen) -> Verdict:
    """The verdict on an installed containerd.  Raises Unclear."""
    reading = read(seen.files, spec.oci_runtime)
    program = seen.programs.get(spec.oci_runtime_path or spec.oci_runtime)
    told = spec.oci_runtime_path or f"/usr/bin/{spec.oci_runtime}"
    different = differences(spec, program or told, reading)
    drift = tuple(PropertyDrift(name, _word(want), _word(have)) for name, want, have in different)
    if program is None:
        return _without_program(context, item, spec, drift)
    if not same_socket(reading.socket, spec.socket):
        return Verdict(
            item,
            "blocked",
            f"containerd is configured to listen at {reading.socket}",
            f"declare that socket, or set address in [grpc] of {spec.config}",
            (*drift, PropertyDrift("socket", spec.socket, reading.socket)),
        )
    actions: list[Action] = []
    if different:
        actions.append(_edit(item, spec, reading.file.path if reading.file else "", seen, program))
    stale = bool(actions) or _stale(seen)
    if stale and not different:
        drift = (PropertyDrift("loaded", "the one in its files", "an earlier configuration"),)
    if stale and seen.answers:
        return _restart(context, item, spec, drift, tuple(actions))
    job = context.host.node.jobs.get(str(item))
    if not seen.answers and not actions:
        drift = (PropertyDrift("answers", "yes", "no"),)
        if job is not None and (job.running or job.error is not None):
            kept = f"; its configuration as it was: {spec.config}{BACKUP}"
            return plan_aside(context, item, drift, (), _LOOK + kept)
        return Verdict(item, "blocked", f"nobody answers at {spec.socket}", _LOOK, drift)
    # Not running, it reads its configuration when it is started.
    return Verdict(item, "drift" if actions else "converged", drift=drift, actions=tuple(actions))


_LOOK = "journalctl -u containerd -e; then: systemctl restart containerd"


def _edit(item: ObjectId, spec: Containerd, path: str, seen: Seen, program: str) -> EditFile:
    reading = read(seen.files, spec.oci_runtime)
    return EditFile(
        object=item,
        reason=f"{spec.oci_runtime} is to start containers, cgroups by {spec.cgroup_driver}",
        path=path or spec.config,
        before=reading.file.text if reading.file else None,
        content=edited(spec, program, reading),
        backup=(path or spec.config) + BACKUP,
    )


def _restart(
    context: Context,
    item: ObjectId,
    spec: Containerd,
    drift: tuple[PropertyDrift, ...],
    edits: tuple[Action, ...],
) -> Verdict:
    """containerd runs with an older configuration: restarted as the operator allows."""
    step = RestartService(
        object=item, reason="containerd reads its configuration at start only", service=SERVICE
    )
    may = spec.restart == "when-needed" or (
        spec.restart == "in-maintenance" and SERVICE in context.allowed
    )
    if may:
        return plan_aside(context, item, drift, (*edits, step), _LOOK)
    remedy = f"systemctl restart {SERVICE}"
    if spec.restart == "in-maintenance":
        remedy = f"bridgedctl apply --allow-disruption {SERVICE}"
    reason = (
        "containerd must be restarted to read its configuration; running containers survive that, "
        "what is being started, pulled or attached to is cut off"
    )
    return Verdict(item, "withheld", reason, remedy, drift, edits, left=(step,))


def _without_program(
    context: Context, item: ObjectId, spec: Containerd, drift: tuple[PropertyDrift, ...]
) -> Verdict:
    """No container could be started if containerd were told to use what is not there."""
    what = spec.oci_runtime_path or spec.oci_runtime
    packages = context.state.packages
    if packages and packages.enforce and spec.oci_runtime in packages.present:
        return Verdict(item, "pending", f"waits for package/{spec.oci_runtime}", "", drift)
    return Verdict(
        item,
        "blocked",
        f"{what} is not installed, so containerd is not told to use it",
        f"install {spec.oci_runtime}, or declare its package with enforce: true",
        drift,
    )


def _stale(seen: Seen) -> bool:
    """Whether containerd was started before its configuration was last changed."""
    started = seen.started
    return started is not None and any(file.changed > started for file in seen.files)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "not set" if value is None else str(value)


# ------------------------------------------------------------------------------- swap


def _swap(context: Context) -> Verdict:
    item = ObjectId("swap", "off")
    node = context.host.node
    if "node" in context.host.problems:
        why = f"nobody can tell whether swap is in use: {context.host.problems['node']}"
        return Verdict(item, "blocked", why, "see /proc/swaps, and journalctl -u bridged")
    if not node.swaps:
        return Verdict(item)
    used = sum(swap.used for swap in node.swaps)
    names = ", ".join(swap.device for swap in node.swaps)
    drift = (PropertyDrift("state", "off", f"{names} in use"),)
    if node.memory is not None and used > node.memory:
        return Verdict(
            item,
            "blocked",
            f"{used // 1024} MiB are swapped out and only {node.memory // 1024} MiB are free: "
            "switching it off would kill programs",
            "free memory (move guests away), it is then switched off by itself",
            drift,
        )
    actions = tuple(
        SwapOff(object=item, reason="swap is to be off", device=swap.device) for swap in node.swaps
    )
    return plan_aside(context, item, drift, actions, f"swapoff {names.replace(',', '')}")


def find_swap(context: Context) -> Iterator[Finding]:
    """What brings swap back at the next boot, where it is declared off."""
    if context.state.swap != "off":
        return
    for place in context.host.node.swap_at_boot:
        path = place.rpartition(":")[0]
        remedy = f"comment the line out in {path}, then: systemctl daemon-reload"
        if place.endswith(".swap"):
            remedy = f"systemctl disable {place.rpartition('/')[2]}"
        elif path.endswith("zram-generator.conf"):
            remedy = (
                "write an empty /etc/systemd/zram-generator.conf, then: systemctl daemon-reload"
            )
        yield Finding(
            "swap-at-boot", f"{place} switches swap on at the next boot", remedy, "swap/off"
        )
