"""The table of a bridge: what can be declared of it, and where each world keeps it."""

from typing import Annotated, Literal

from pydantic import Field

from bridged.desired.base import Mac, Model, integer
from bridged.desired.port import Port, Ports
from bridged.desired.properties import (
    BOOL,
    CENTISECONDS,
    MAC,
    MAC_BYTES,
    SWITCH,
    KernelKey,
    NmKey,
    Property,
    choice,
)

_ROUTER = choice(disabled=0, auto=1, enabled=2)
_PROTOCOL = choice(**{"802.1Q": 0x8100, "802.1ad": 0x88A8})


class Bridge(Model):
    """A bridge for virtual machines.  What is not declared is left as it is."""

    ports: Annotated[Ports, Field(description="NICs and VLANs of this bridge.")] = ()
    ipv4: Annotated[
        Literal["disabled", "keep"],
        Property(
            "`disabled`: the host has no IPv4 address on the bridge; `keep`: not our business",
            NmKey("ipv4", "method", "s", default="auto"),
        ),
    ] = "disabled"
    ipv6: Annotated[
        Literal["disabled", "keep"],
        Property(
            "`disabled`: not even a link-local address, so guests cannot reach the host; "
            "`keep`: not our business",
            NmKey("ipv6", "method", "s", default="auto"),
            KernelKey("ipv6", "disable_ipv6", choice(disabled=1)),
        ),
    ] = "disabled"
    mac: Annotated[
        Mac | None,
        Property(
            "hardware address; when left out the present one is pinned, or one is derived from "
            "the machine id, so that it never follows the ports",
            NmKey("bridge", "mac-address", "ay", MAC_BYTES, reapply=False),
            KernelKey("link", "address", MAC),
            "52:54:00:12:34:56",
        ),
    ] = None
    mtu: Annotated[
        int | None,
        integer(68, 65535),
        Property(
            "largest packet in bytes",
            NmKey("802-3-ethernet", "mtu", "u", default=0),
            KernelKey("link", "mtu"),
            "9000",
        ),
    ] = None
    stp: Annotated[
        bool | None,
        Property(
            "spanning tree; off, a new guest port forwards at once",
            NmKey("bridge", "stp", "b", BOOL, default=True),
            KernelKey("info", "br_stp_state", SWITCH),
        ),
    ] = False
    priority: Annotated[
        int | None,
        integer(0, 65535),
        Property(
            "spanning tree priority of this bridge, lower is nearer to the root",
            NmKey("bridge", "priority", "u", default=32768),
            KernelKey("info", "br_priority"),
            "32768",
        ),
    ] = None
    forward_delay: Annotated[
        int | None,
        integer(2, 30),
        Property(
            "spanning tree forward delay in seconds",
            NmKey("bridge", "forward-delay", "u", default=15),
            KernelKey("info", "br_forward_delay", CENTISECONDS),
            "15",
        ),
    ] = None
    hello_time: Annotated[
        int | None,
        integer(1, 10),
        Property(
            "spanning tree hello time in seconds",
            NmKey("bridge", "hello-time", "u", default=2),
            KernelKey("info", "br_hello_time", CENTISECONDS),
            "2",
        ),
    ] = None
    max_age: Annotated[
        int | None,
        integer(6, 40),
        Property(
            "spanning tree maximum message age in seconds",
            NmKey("bridge", "max-age", "u", default=20),
            KernelKey("info", "br_max_age", CENTISECONDS),
            "20",
        ),
    ] = None
    ageing_time: Annotated[
        int | None,
        integer(0, 1000000),
        Property(
            "seconds after which a silent hardware address is forgotten",
            NmKey("bridge", "ageing-time", "u", default=300),
            KernelKey("info", "br_ageing_time", CENTISECONDS),
            "300",
        ),
    ] = None
    group_forward_mask: Annotated[
        int | None,
        integer(0, 65535),
        Property(
            "which link-local groups (01:80:c2:00:00:0X) are forwarded, one bit each; "
            "bits 0 to 2 are refused by the kernel",
            NmKey("bridge", "group-forward-mask", "u", default=0),
            KernelKey("info", "br_group_fwd_mask"),
            "16384",
        ),
    ] = None
    multicast_snooping: Annotated[
        bool | None,
        Property(
            "forward multicast only where it was asked for",
            NmKey("bridge", "multicast-snooping", "b", BOOL, default=True),
            KernelKey("info", "br_mcast_snooping", SWITCH),
        ),
    ] = None
    multicast_querier: Annotated[
        bool | None,
        Property(
            "send IGMP and MLD queries",
            NmKey("bridge", "multicast-querier", "b", BOOL, default=False),
            KernelKey("info", "br_mcast_querier", SWITCH),
        ),
    ] = None
    multicast_router: Annotated[
        Literal["auto", "disabled", "enabled"] | None,
        Property(
            "whether multicast routers are reached through this bridge",
            NmKey("bridge", "multicast-router", "s", default="auto"),
            KernelKey("info", "br_mcast_router", _ROUTER),
        ),
    ] = None
    vlan_filtering: Annotated[
        bool | None,
        Property(
            "drop frames of VLANs that a port does not carry",
            NmKey("bridge", "vlan-filtering", "b", BOOL, default=False),
            KernelKey("info", "br_vlan_filtering", SWITCH),
        ),
    ] = None
    vlan_default_pvid: Annotated[
        int | None,
        integer(0, 4094),
        Property(
            "VLAN of untagged frames on new ports, 0 for none",
            NmKey("bridge", "vlan-default-pvid", "u", default=1),
            KernelKey("info", "br_vlan_default_pvid"),
            "1",
        ),
    ] = None
    vlan_protocol: Annotated[
        Literal["802.1Q", "802.1ad"] | None,
        Property(
            "tag that VLAN filtering goes by",
            NmKey("bridge", "vlan-protocol", "s", default="802.1Q"),
            KernelKey("info", "br_vlan_protocol", _PROTOCOL),
        ),
    ] = None
    vlan_stats: Annotated[
        bool | None,
        Property(
            "count frames per VLAN",
            NmKey("bridge", "vlan-stats-enabled", "b", BOOL, default=False),
            KernelKey("info", "br_vlan_stats_enabled", SWITCH),
        ),
    ] = None

    isolate: Annotated[
        bool,
        Field(
            description="guests cannot send frames with a VLAN tag of their own out of this "
            "bridge; switches VLAN filtering on, which untagged traffic does not notice"
        ),
    ] = False

    @property
    def filters_vlans(self) -> bool | None:
        """Whether VLAN filtering is to be on, None where nothing is said about it."""
        return True if self.isolate else self.vlan_filtering

    def port(self, name: str) -> Port | None:
        """The declared port whose device is `name`, or None."""
        return next((port for port in self.ports if port.device == name), None)
