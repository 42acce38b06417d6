"""The faults whose repair is timed: how each is caused, when it is there, and what mends it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.lab.demo_links import Changes, Link, Links, attempt

BRIDGE, PORT, GUESTS = "br-lan", "enp13s0f0", ("vnet0", "vnet1")
STATE = "version: 1\nbridges:\n  br-lan: {ports: [enp13s0f0], mtu: 1500}\n"
_WRONG_MTU, _RIGHT_MTU = 1400, 1500

Step = Callable[[Links, Changes], None]


@dataclass(frozen=True)
class Fault:
    """`cause` makes it, `wrong` tells that it is there, `mend` puts right what can be put right
    now, if anything can: a bridge that is gone takes several steps.

    `unaided` tells whether NetworkManager repairs it by itself; `gone`, that a link is gone, which
    bridged has NetworkManager make again.
    """

    name: str
    cause: Step
    wrong: Callable[[Links], bool]
    mend: Step
    unaided: bool = False
    gone: bool = False


def _link(links: Links, name: str) -> Link:
    found = links.named(name)
    if found is None:
        raise RuntimeError(f"there is no {name}")
    return found


def _cause_detached(links: Links, changes: Changes) -> None:
    changes.controller(_link(links, PORT).index, 0)


def _detached(links: Links) -> bool:
    port, bridge = links.named(PORT), links.named(BRIDGE)
    return port is None or bridge is None or port.controller != bridge.index


def _mend_detached(links: Links, changes: Changes) -> None:
    port, bridge = links.named(PORT), links.named(BRIDGE)
    if port is not None and bridge is not None:
        attempt(lambda: changes.controller(port.index, bridge.index))


def _cause_down(name: str) -> Step:
    return lambda links, changes: changes.up(_link(links, name).index, False)


def _down(name: str) -> Callable[[Links], bool]:
    def wrong(links: Links) -> bool:
        link = links.named(name)
        return link is None or not link.up

    return wrong


def _mend_down(name: str) -> Step:
    def mend(links: Links, changes: Changes) -> None:
        link = links.named(name)
        if link is not None:
            attempt(lambda: changes.up(link.index, True))

    return mend


def _cause_stp(links: Links, changes: Changes) -> None:
    changes.stp(_link(links, BRIDGE).index, 1)


def _stp(links: Links) -> bool:
    link = links.named(BRIDGE)
    return link is None or link.stp != 0


def _mend_stp(links: Links, changes: Changes) -> None:
    link = links.named(BRIDGE)
    if link is not None:
        attempt(lambda: changes.stp(link.index, 0))


def _cause_mtu(links: Links, changes: Changes) -> None:
    changes.mtu(_link(links, BRIDGE).index, _WRONG_MTU)


def _mtu(links: Links) -> bool:
    link = links.named(BRIDGE)
    return link is None or link.mtu != _RIGHT_MTU


def _mend_mtu(links: Links, changes: Changes) -> None:
    link = links.named(BRIDGE)
    if link is not None:
        attempt(lambda: changes.mtu(link.index, _RIGHT_MTU))


def _cause_deleted(links: Links, changes: Changes) -> None:
    changes.delete(_link(links, BRIDGE).index)


def _deleted(links: Links) -> bool:
    return not all(links.in_bridge(name, BRIDGE) for name in (PORT, *GUESTS))


def _mend_deleted(links: Links, changes: Changes) -> None:
    bridge = links.named(BRIDGE)
    if bridge is None:
        attempt(lambda: changes.add_bridge(BRIDGE, "52:54:00:be:ef:01"))
        return
    for name in (PORT, *GUESTS):
        port = links.named(name)
        if port is not None and port.controller != bridge.index:
            attempt(partial(changes.controller, port.index, bridge.index))


FAULTS = (
    Fault("port detached", _cause_detached, _detached, _mend_detached, unaided=True),
    Fault("bridge set down", _cause_down(BRIDGE), _down(BRIDGE), _mend_down(BRIDGE)),
    Fault("card set down", _cause_down(PORT), _down(PORT), _mend_down(PORT)),
    Fault("spanning tree on", _cause_stp, _stp, _mend_stp),
    Fault("MTU changed", _cause_mtu, _mtu, _mend_mtu),
    Fault("bridge deleted, two guests", _cause_deleted, _deleted, _mend_deleted, gone=True),
)
BY_NAME = {fault.name: fault for fault in FAULTS}
