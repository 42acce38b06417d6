"""What colleagues, packages and kernels do to a node: the drifts that the demonstration causes."""

from dataclasses import dataclass

from tests.lab.demo_watch import Right, Wanted, contains, every, loaded

LAN, WEB, DMZ = "br-lan", "br-web", "br-dmz"
_FORWARD = "/proc/sys/net/ipv4/ip_forward"
_FILTER = "/proc/sys/net/bridge/bridge-nf-call-arptables"


@dataclass(frozen=True)
class Drift:
    """One: what it is called, who does such a thing, and how it is typed.

    `right` is added to the network's own; `files` tells that it reads files.  `unaided` is what
    becomes of it where nobody looks again.
    """

    name: str
    story: str
    command: str
    unaided: str
    right: Right | None = None
    files: bool = False
    vlan: bool = False
    modules: bool = False

    def watched(self, wanted: Wanted) -> Right:
        """What has to be right in the end."""
        return wanted.right if self.right is None else every(wanted.right, self.right)


DRIFTS = (
    Drift(
        "port detached",
        "Somebody looks for a loop and takes the card out of the LAN bridge.",
        "ip link set enp13s0f0 nomaster",
        "NetworkManager alone would put this one back too.",
    ),
    Drift(
        "VLAN deleted",
        "A script cleans up interfaces that it does not know.",
        "ip link del enp13s0f0.6",
        "NetworkManager alone would make this one again too.",
        vlan=True,
    ),
    Drift(
        "bridge deleted",
        "The same script, with the bridge that both guests are in.",
        f"ip link del {LAN}",
        "NetworkManager alone makes the bridge again, and leaves the guests outside.",
    ),
    Drift(
        "spanning tree on",
        "A colleague wants to be safe from loops. New guests would wait 30 s for their network.",
        f"ip link set {LAN} type bridge stp_state 1",
        "NetworkManager alone never notices.",
    ),
    Drift(
        "bridge set down",
        "A typing error.",
        f"ip link set {LAN} down",
        "NetworkManager alone goes on saying 'connected', for ever.",
    ),
    Drift(
        "bridge activated again",
        "What many a manual gives as its last step. On a bridge that is up it throws every guest "
        "out.",
        f"nmcli connection up {LAN}",
        "Nobody else plugs guests back in.",
    ),
    Drift(
        "module removed",
        "A clean-up script. Three of the declared kernel parameters vanish with the module.",
        "rmmod br_netfilter",
        "It would be back after the next boot.",
        right=every(loaded("br_netfilter"), contains(_FILTER, "1")),
        files=True,
        modules=True,
    ),
    Drift(
        "all bridges unloaded",
        "The same, typed as one usually does. modprobe -r takes along what it believes to be "
        "unused: the module bridge, and with it every bridge of the node.",
        "modprobe -r br_netfilter",
        "NetworkManager alone makes the bridges again, and leaves the guests outside.",
        right=every(loaded("br_netfilter"), contains(_FILTER, "1")),
        files=True,
        modules=True,
    ),
    Drift(
        "sysctl changed",
        "A VPN's stop script. The kernel sends no event for this, so bridged looks every 5 s.",
        "sysctl -w net.ipv4.ip_forward=0",
        "It would be back after the next boot, if its file is the last one.",
        right=contains(_FORWARD, "1"),
        files=True,
    ),
)


@dataclass(frozen=True)
class Edit:
    """A change of the state file: how it is typed, and what has to come of it."""

    name: str
    story: str
    command: str
    right: Right


BREAK = (
    "The state file is saved with an error in it.",
    f"sed -i 's/{DMZ}: {{/{DMZ}: {{ageing-time: soon, /' /etc/bridged/state.yaml",
)
MEND = Edit(
    "state file mended",
    "Mended, with a number where one belongs.",
    "sed -i 's/ageing-time: soon/ageing-time: 60/' /etc/bridged/state.yaml",
    contains(f"/sys/class/net/{DMZ}/bridge/ageing_time", "6000"),
)


def chosen(vlan: bool, modules: bool) -> list[Drift]:
    """The drifts that this laboratory can show."""
    return [d for d in DRIFTS if (vlan or not d.vlan) and (modules or not d.modules)]
