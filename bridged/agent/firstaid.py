"""First aid: what netlink can put right at links that an event was about, before all else.

A pass reads and plans everything, a quarter of a second with a thousand bridges.  One property that
somebody changed in the kernel needs none of that: the link is read again, its object is planned
with the rest of the host as it was seen last, and what is set in place is set.  Whatever needs more
(NetworkManager, links that came or went, guests that lost their bridge) is left for the pass, which
follows in any case and judges what was done here.
"""

from collections.abc import Collection
from typing import Protocol

from bridged.desired.state import State
from bridged.observe.host import Host, Link
from bridged.plan.actions import SetController, SetLink
from bridged.plan.declared import ports_of
from bridged.plan.memory import Memory
from bridged.plan.planner import plan_links
from bridged.plan.result import Verdict


class Glance(Protocol):
    """Looks at little; raises `WorldError` where even that fails.

    `glance` gives the host with these of its links as they are now, `surroundings` with the
    interfaces that carry the node's own traffic now; everything else in it is as old as it was.
    """

    def glance(self, host: Host, links: Collection[Link]) -> Host: ...

    def surroundings(self, host: Host) -> Host: ...


def first_aid(
    eyes: Glance, state: State, host: Host, memory: Memory, touched: Collection[int]
) -> tuple[Verdict, ...]:
    """The objects at these links that first aid alone takes to their desired state."""
    changed = [link for index in touched if (link := host.by_index.get(index)) is not None]
    links = [link for link in changed if _is_declared(state, (link.name, *link.altnames))]
    if not links:
        return ()
    names = dict.fromkeys(name for link in links for name in (link.name, *link.altnames))
    host = eyes.glance(host, links)
    verdicts = _treatable(plan_links(state, host, memory, names))
    if any(isinstance(action, SetController) for v in verdicts for action in v.actions):
        # Who takes a port out of a bridge may be about to give it the node's own traffic.
        host = eyes.surroundings(host)
        verdicts = _treatable(plan_links(state, host, memory, names))
    return verdicts


def _is_declared(state: State, names: Collection[str]) -> bool:
    bridges = state.bridges or {}
    return any(name in bridges for name in names) or bool(ports_of(state, names))


def _treatable(verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    return tuple(
        verdict
        for verdict in verdicts
        if verdict.condition == "drift"
        and verdict.actions
        and all(
            isinstance(action, SetController | SetLink) and action.disruption == "none"
            for action in verdict.actions
        )
    )
