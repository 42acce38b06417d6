"""What is said of an object while work aside is being done for it, or has failed."""

from bridged.observe.node import Job
from bridged.plan.actions import Action, ObjectId
from bridged.plan.context import Context
from bridged.plan.result import Verdict
from bridged.report import Condition, PropertyDrift

_CONDITIONS: dict[str, Condition] = {"unavailable": "pending", "refused": "withheld"}
"""What a failure of work aside means for its object: a lock that somebody holds is waited for, what
would do more harm than was asked for is for the operator."""


def plan_aside(
    context: Context,
    item: ObjectId,
    drift: tuple[PropertyDrift, ...],
    actions: tuple[Action, ...],
    remedy: str = "",
) -> Verdict:
    """The verdict on an object that differs and is mended aside: under way, failed, or to be
    begun.  `remedy` is what a person could do instead."""
    job = context.host.node.jobs.get(str(item))
    if job is None:
        return Verdict(item, "drift", drift=drift, actions=actions)
    if job.running:
        return Verdict(item, "pending", f"under way: {job.what}", "", drift)
    due = context.host.time >= job.retry
    if job.error is None:  # it went well, and somebody has undone it since
        reason = "" if due else _told(context, job)
        return Verdict(item, "drift", reason, "", drift, actions if due else ())
    condition = _CONDITIONS.get(job.error, "failed")
    return Verdict(item, condition, _told(context, job), remedy, drift, actions if due else ())


def _told(context: Context, job: Job) -> str:
    """The reason, and when it is tried again."""
    left = job.retry - context.host.time
    again = f"; tried again in {_span(left)}, or by bridgedctl apply" if left > 0 else ""
    return f"{job.text}{again}"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
