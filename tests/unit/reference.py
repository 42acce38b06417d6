"""The reference node's state, built without the loader."""

from typing import Any

from bridged.desired.state import State

REFERENCE: dict[str, Any] = {
    "version": 1,
    "bridges": {
        "br-lan": {"ports": ({"name": "enp13s0f0"},)},
        "br-web": {"ports": ({"vlan": 6, "parent": "enp13s0f0"},)},
        "br-dmz": {"ports": ({"name": "enp13s0f3"},)},
    },
    "modules": ("overlay", "br_netfilter", "kvm", "vhost_net", "dm_crypt"),
    "sysctls": {
        "net/ipv4/ip_forward": 1,
        "net/bridge/bridge-nf-call-ip6tables": 1,
        "net/bridge/bridge-nf-call-iptables": 1,
        "net/bridge/bridge-nf-call-arptables": 1,
        "fs/inotify/max_user_watches": 1048576,
        "fs/inotify/max_user_instances": 8192,
    },
}


def state(**changes: Any) -> State:
    """The reference state with sections replaced."""
    return State.model_validate({**REFERENCE, **changes})
