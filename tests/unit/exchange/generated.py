"""States as hypothesis makes them up: whatever the grammar allows, within the rules."""

from typing import Any

from hypothesis import strategies as st

from bridged.desired.bridge import Bridge
from bridged.desired.grammar import Boolean, Choice, Expected, Integer, record
from bridged.desired.offloads import Offloads
from bridged.desired.port import Nic, Vlan
from bridged.exchange.memberships import declaration

Data = dict[str, Any]
UNSAYABLE_BRIDGE = {"vlan-stats"}
UNSAYABLE_PORT = {"isolated", "learning"}
UNSAYABLE_OFFLOADS = {"tx", "sg", "tso"}
"""What nmstate has no word for."""

_TIMERS = {"forward-delay", "hello-time", "max-age"}
_OWN_WAY = {"ports", "ipv4", "ipv6", "mac", "isolate", "vlan-filtering", "group-forward-mask"}
_OF_PORTS = {"name", "match", "vlan", "parent", "offloads", "vlans", "vlan-ranges", "pvid"}
_OF_PORTS |= {"gvrp", "mvrp"}


def _value(expected: Expected) -> st.SearchStrategy[Any]:
    match expected:
        case Boolean():
            return st.booleans()
        case Integer(low=low, high=high):
            return st.integers(low, high)
        case Choice(options=options):
            return st.sampled_from(options)
    raise TypeError(expected)


def _some(model: Any, without: set[str]) -> st.SearchStrategy[Data]:
    """Some of the keys of a record."""
    keys = {name: key for name, key in record(model).keys.items() if name not in without}
    return st.fixed_dictionaries(
        {}, optional={name: _value(key.expected) for name, key in keys.items()}
    )


_memberships = st.builds(
    declaration,
    st.sets(st.integers(1, 40) | st.integers(1, 4094), max_size=12),
    st.integers(1, 4094),
)
_bridge = _some(Bridge, UNSAYABLE_BRIDGE | _OWN_WAY)
_port = _some(Nic, UNSAYABLE_PORT | _OF_PORTS)
_vlan = _some(Vlan, UNSAYABLE_PORT | _OF_PORTS | {"mtu"})
_offloads = _some(Offloads, UNSAYABLE_OFFLOADS)


@st.composite
def states(draw: st.DrawFn) -> Data:
    """The data of a state file of which nmstate can say everything."""
    bridges: Data = {}
    for number in range(draw(st.integers(1, 3))):
        bridge: Data = dict(draw(_bridge))
        if bridge.get("stp"):
            bridge = {key: value for key, value in bridge.items() if key not in _TIMERS}
        if draw(st.booleans()):
            bridge["group-forward-mask"] = draw(st.integers(0, 8191)) * 8
        if draw(st.booleans()):
            bridge["mac"] = f"52:54:00:00:00:{draw(st.integers(0, 255)):02x}"
        for family in ("ipv4", "ipv6"):
            if draw(st.booleans()):
                bridge[family] = draw(st.sampled_from(["keep", "disabled"]))
        filtering = draw(st.sampled_from([None, True, False]))
        ports = []
        for place in range(draw(st.integers(1 if filtering is not None else 0, 3))):
            nic = f"enp{number}s{place}"
            if draw(st.booleans()):
                port = {"name": nic, **draw(_port)}
                offloads = draw(_offloads)
                if offloads:
                    port["offloads"] = offloads
            else:
                port = {"vlan": draw(st.integers(1, 4094)), "parent": nic, **draw(_vlan)}
                port |= draw(
                    st.just({})
                    | st.sampled_from([(True, False), (False, True), (False, False)]).map(
                        lambda on: {"gvrp": on[0], "mvrp": on[1]}
                    )
                )
                if draw(st.booleans()):
                    port["name"] = f"v{number}-{place}"
            if filtering:
                port |= draw(st.just({}) | _memberships)
            ports.append(port)
        if filtering and bridge.get("vlan-default-pvid") == 0:
            del bridge["vlan-default-pvid"]
        if filtering is not None:
            bridge["vlan-filtering"] = filtering
        if ports:
            bridge["ports"] = tuple(ports)
        bridges[draw(st.sampled_from([f"br{number}", f"br-{number}e1", f"{number}e{number}"]))] = (
            bridge
        )
    return {"version": 1, "bridges": bridges}
