"""One declared port with everything that planning looks up for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from bridged.desired.bridge import Bridge
from bridged.desired.port import PROTOCOLS, Nic, Port, Vlan
from bridged.observe.host import Address, Device, Link
from bridged.plan.actions import ObjectId
from bridged.plan.compare import Wish, wishes
from bridged.plan.context import Context
from bridged.plan.declared import ports_of
from bridged.plan.identity import profile_uuid
from bridged.plan.profiles import MAKERS, WIRED, Choice, choose_made, choose_nic, choose_vlan


def object_id(spec: Port) -> ObjectId:
    """The object that a port is: ``vlan/enp13s0f0.6`` or ``port/enp13s0f0``."""
    return ObjectId("vlan" if isinstance(spec, Vlan) else "port", spec.device)


@dataclass(frozen=True)
class PortView:
    """One port with everything that was looked up for it."""

    context: Context
    item: ObjectId
    bridge: str
    bridge_spec: Bridge
    spec: Port
    name: str
    link: Link | None
    controller: Link | None
    choice: Choice
    device: Device | None
    needs: frozenset[ObjectId]

    @cached_property
    def plugged(self) -> bool:
        """Whether the kernel has the port in its bridge."""
        return (
            self.link is not None
            and self.controller is not None
            and self.link.controller == self.controller.index
        )

    @cached_property
    def unwanted_addresses(self) -> list[Address]:
        """The IP addresses that it is not to have as a port of its bridge."""
        families = ((4, self.bridge_spec.ipv4), (6, self.bridge_spec.ipv6))
        disabled = [family for family, method in families if method == "disabled"]
        return self.context.addresses(self.link, disabled) if self.link else []

    @property
    def in_use(self) -> bool:
        """Whether NetworkManager has our profile active (or on its way) on the device."""
        return bool(
            self.device and self.choice.profile and self.device.active == self.choice.profile.uuid
        )

    @cached_property
    def wishes(self) -> tuple[Wish, ...]:
        """Everything that is declared of the port."""
        offloads = self.spec.offloads if isinstance(self.spec, Nic) else None
        return wishes(self.spec) + (wishes(offloads) if offloads else ())

    @property
    def hardware(self) -> str:
        """The permanent address that tells the card, empty where something else does, or where the
        driver tells none (NetworkManager would then take the card for another one)."""
        match, link = self.spec.match, self.link
        mac = match.mac if match and isinstance(self.spec, Nic) else None
        return mac if mac and link and link.permanent_address.lower() == mac else ""

    @property
    def filtered(self) -> bool:
        """Whether the bridge goes by VLANs now."""
        return self.controller is not None and bool(self.controller.info.get("br_vlan_filtering"))

    @property
    def unmade(self) -> bool:
        """Whether it is no card, nor a VLAN of ours, and no profile makes it: somebody else did."""
        made = self.link is not None and self.link.kind in MAKERS
        profile = self.choice.profile
        return made and isinstance(self.spec, Nic) and (profile is None or profile.type in WIRED)

    @property
    def left_alone(self) -> bool:
        """Whether NetworkManager leaves the port alone, and would refuse to activate it."""
        return self.device is not None and not self.device.managed and not self.in_use

    @property
    def out_of_reach(self) -> str:
        """Why NetworkManager is not asked for a port of the bridge as it is, empty where it can be.

        With a port it activates the bridge where it has no profile active on that, and activating
        a bridge that exists releases all its ports.
        """
        bridge = self.context.device(self.bridge) if self.controller is not None else None
        if bridge is None or (bridge.managed and bridge.active):
            return ""
        if not bridge.managed:
            return f"NetworkManager does not manage {self.bridge}"
        if not self.context.guests(self.bridge):
            return ""
        return f"NetworkManager would activate {self.bridge}, and its guests would lose it"

    @property
    def link_id(self) -> ObjectId:
        """The port under the kernel's name for it, which its profile goes by: it may be declared
        under an alternative one."""
        return ObjectId(self.item.kind, self.name)

    @property
    def uuid(self) -> str:
        """UUID of the profile that does the job, existing or about to be made."""
        return self.choice.profile.uuid if self.choice.profile else profile_uuid(self.link_id)

    @property
    def where(self) -> str:
        """Where the port is now, in words."""
        if self.link is None:
            return "missing"
        owner = self.context.host.controller(self.link)
        return f"port of {owner.name}" if owner else "in no bridge"

    @property
    def parent_name(self) -> str:
        """Declared parent of a VLAN, empty for a NIC."""
        return self.spec.parent if isinstance(self.spec, Vlan) else ""

    @cached_property
    def first_claim(self) -> tuple[str, str]:
        """The bridge and the name under which its interface is declared first, which may be another
        of its names; empty where there is no interface."""
        if self.link is None:
            return "", ""
        names = (self.link.name, *self.link.altnames)
        for bridge, _, port in ports_of(self.context.state, names):
            if self.context.ifname(port.device) == self.link.name:
                return bridge, port.device
        return "", ""

    @cached_property
    def in_the_way(self) -> tuple[str, ...]:
        """The other links that are the declared VLAN now, under their own names."""
        found = _holders(self.context, self.spec) if isinstance(self.spec, Vlan) else ()
        return tuple(other for other in found if other != self.name)


def _holders(context: Context, spec: Vlan) -> Sequence[str]:
    """The links that are the VLAN which `spec` declares."""
    parent = context.host.link(spec.parent)
    tag = PROTOCOLS[spec.protocol or "802.1Q"]
    return context.vlans.get((parent.index, tag, spec.vlan), ()) if parent else ()


def leaves(context: Context, name: str, others: frozenset[str] = frozenset()) -> bool:
    """Whether the link of that name is declared as another VLAN than it is, and can become that
    once `others` do: so they may exchange their numbers."""
    for _, _, spec in ports_of(context.state, [name]):
        if not isinstance(spec, Vlan) or context.host.link(spec.parent) is None:
            return False
        holders = _holders(context, spec)
        others |= {name}
        return name not in holders and all(
            other in others or leaves(context, other, others) for other in holders
        )
    return False


def _carries(parent: Link | None, ports: Iterable[Port], spec: Vlan) -> bool:
    """Whether the VLAN can be had whatever becomes of its parent as one of `ports`: a link that is
    there and up carries VLANs while NetworkManager activates it anew.  Not where its MTU is too
    small or about to change, which a VLAN takes from it."""
    return (
        parent is not None
        and parent.up
        and (spec.mtu or 0) <= parent.mtu
        and all(port.mtu in (None, parent.mtu) for port in ports)
    )


def look_up(context: Context, bridge: str, bridge_spec: Bridge, spec: Port) -> PortView:
    link = context.host.link(spec.device)
    name = link.name if link else spec.device
    item = object_id(spec)
    needs = {ObjectId("bridge", bridge)}
    choice = Choice(None)
    if isinstance(spec, Vlan):
        parent = context.ifname(spec.parent)
        ports = [port for _, _, port in ports_of(context.state, [spec.parent])]
        if not _carries(context.host.link(spec.parent), ports, spec):
            needs |= set(map(object_id, ports))
        if spec.parent in (context.state.bridges or {}):
            needs.add(ObjectId("bridge", spec.parent))
        if context.nm:
            protocol = spec.protocol or "802.1Q"
            choice = choose_vlan(context.nm, name, parent, spec.vlan, bridge, protocol)
    elif context.nm:
        made = choose_made(context.nm, name, link)
        choice = made or choose_nic(context.nm, name, link, bridge)
    return PortView(
        context=context,
        item=item,
        bridge=bridge,
        bridge_spec=bridge_spec,
        spec=spec,
        name=name,
        link=link,
        controller=context.host.link(bridge),
        choice=choice,
        device=context.device(name),
        needs=frozenset(needs),
    )
