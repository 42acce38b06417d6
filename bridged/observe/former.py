"""Links of the dump before, for those of whose message nothing but counters and timers has changed.

To make a link of its message takes longer than the kernel takes to write it, and of a thousand
bridges hardly any is another than a moment ago.  Nothing is taken on trust: all bytes are compared.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from bridged.linkrequest import IFINFOMSG
from bridged.observe.attributes import Shape
from bridged.observe.host import Link
from bridged.observe.linkmessage import LINKS, STATS64, counters
from bridged.rtnetlink import NETLINK_HEADER


class _Known(NamedTuple):
    """A link, the bytes of its message that count, and its counters as they were then."""

    shape: Shape
    lasting: int | None
    stats: bytes
    link: Link


class FormerLinks:
    """Links by ifindex, as they were in the dump before."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def same(self, data: bytes) -> Link | None:
        """The link that this message (RTM_NEWLINK) tells of, None unless it told the same before.

        Its counters are those of now, its `controller_kind`, `vlans` and what /sys tells those of
        before.
        """
        _, _, index, _, _ = IFINFOMSG.unpack_from(data, NETLINK_HEADER)
        known = self._known.get(index)
        if known is None or known.shape.lasting(data) != known.lasting:
            return None
        stats = known.shape.passing(data, STATS64)
        return known.link if stats == known.stats else replace(known.link, stats=counters(stats))

    def keep(self, links: Iterable[tuple[bytes, Link]]) -> None:
        """Remember these, each with its message, and no others."""
        known = {}
        for data, link in links:
            before = self._known.get(link.index)
            if before is None or before.link is not link:
                shape = LINKS.shape(data)
                stats = shape.passing(data, STATS64)
                before = _Known(shape, shape.lasting(data), stats, link)
            known[link.index] = before
        self._known = known
