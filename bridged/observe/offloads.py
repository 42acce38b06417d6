"""Offloads of the cards for which some are declared."""

from collections.abc import Iterable, Mapping

from bridged.ethtool import Ethtool


class OffloadReader:
    """Reads by ethtool's ioctl."""

    def read(self, names: Iterable[str]) -> Mapping[str, Mapping[str, bool]]:
        """What is on, by card and short name; a card that is gone or tells nothing is left out."""
        found = {}
        with Ethtool() as ethtool:
            for name in names:
                try:
                    found[name] = ethtool.offloads(name)
                except OSError:
                    continue
        return found
