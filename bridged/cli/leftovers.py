"""What stays on this node when bridged is removed, and how to take it along.

Packages and packaging/install.sh print it before they take the program away.
"""

from collections.abc import Iterable
from pathlib import Path

from bridged.dbus import SystemBus
from bridged.errors import WorldError
from bridged.observe.host import Profile, Unavailable
from bridged.observe.networkmanager import NetworkManagerReader
from bridged.plan import boot
from bridged.plan.identity import owner

_STAYS = """\
bridged: bridges with their ports and guests, modules and sysctls stay as they are,
bridged: and come back with the next boot. To take along what bridged has left for it:"""
_NOTHING = "bridged: the network stays as it is; bridged has left nothing on it."
_UNKNOWN = "nmcli connection   # profiles of bridged are named BRIDGE and BRIDGE-INTERFACE"


def leftovers(profiles: Iterable[Profile] | Unavailable, files: Iterable[str]) -> str:
    """What to tell of `profiles`, those that bridged made among them, and of boot `files`.

    Profiles that bridged only adopted are their owner's, and not named.
    """
    lines = []
    if isinstance(profiles, Unavailable):
        lines.append(_UNKNOWN)
    else:
        ours = sorted((profile.id, profile.uuid) for profile in profiles if owner(profile))
        if ours:
            lines.append("# the bridges go down with their profiles, under their guests:")
            lines += [f"nmcli connection delete {uuid}   # {name}" for name, uuid in ours]
    lines += [f"rm {file}" for file in files]
    return "\n".join([_STAYS, *(f"    {line}" for line in lines)]) if lines else _NOTHING


def main() -> None:
    """Print it for this host."""
    print(leftovers(_profiles(), [file for file in boot.FILES if Path(file).exists()]))


def _profiles() -> Iterable[Profile] | Unavailable:
    try:
        found = NetworkManagerReader(SystemBus()).read()
    except WorldError as error:  # no bus, as in an image that is being built
        return Unavailable(str(error))
    return found if isinstance(found, Unavailable) else found.profiles
