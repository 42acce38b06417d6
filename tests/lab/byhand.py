"""The job done by hand, as the reference node's owner did it: the steps that bridged replaces."""

from tests.lab.node import Node

_DISABLED = "ipv4.method disabled ipv6.method disabled"
_LAN = f"""
nmcli connection add type bridge con-name br-lan ifname br-lan {_DISABLED} bridge.stp no
nmcli connection add type ethernet con-name br-lan-slave-1 ifname enp13s0f0 master br-lan
nmcli connection up br-lan
"""
_WEB = f"""
nmcli connection add type vlan con-name vlan-6 dev enp13s0f0 id 6
nmcli connection add type bridge con-name br-web ifname br-web {_DISABLED} bridge.stp no
nmcli connection modify vlan-6 master br-web slave-type bridge
nmcli connection up br-web
"""
_DMZ = f"""
nmcli connection add type bridge con-name br-dmz ifname br-dmz {_DISABLED} bridge.stp no
nmcli connection add type ethernet con-name br-dmz-slave-1 ifname enp13s0f3 master br-dmz
nmcli connection up br-dmz
"""
_UP = """
nmcli connection up br-lan-slave-1
nmcli connection up br-dmz-slave-1
"""


def set_up_by_hand(node: Node) -> None:
    """Brings br-lan, br-web and br-dmz up with nmcli and deletes what was on their NICs before.

    br-web is left out on a node whose kernel has no VLANs.  The owner's step that switches the IP
    methods off on `vlan-6` is left out everywhere: NetworkManager refuses it on a bridge port.
    """
    for profile in node.profiles():
        if profile.device in ("enp13s0f0", "enp13s0f3"):
            node.run("nmcli", "connection", "delete", profile.uuid)
    steps = [_LAN, _WEB, _DMZ, _UP, "nmcli connection up vlan-6"]
    if not node.has_vlan:
        steps = [_LAN, _DMZ, _UP]
    for step in steps:
        node.sh(step, timeout=240)
