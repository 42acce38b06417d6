"""nmstate in and out: the same is said on both sides, and what cannot be said is told."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from bridged.desired.bridge import Bridge
from bridged.desired.offloads import Offloads
from bridged.desired.port import Nic, Vlan
from bridged.desired.properties import rows
from bridged.desired.state import State
from bridged.desired.vlans import membership
from bridged.exchange import nmstate_words as words
from bridged.exchange.documents import DocumentError, read_documents
from bridged.exchange.nmstate_in import from_nmstate_documents, from_policies
from bridged.exchange.nmstate_out import to_nmstate, to_policy
from bridged.exchange.notes import Notes
from bridged.exchange.yaml_writer import documents_text, state_text
from tests.unit.exchange.documents import EVERYTHING, POLICY, REALISTIC, SHOWN
from tests.unit.exchange.generated import (
    UNSAYABLE_BRIDGE,
    UNSAYABLE_OFFLOADS,
    UNSAYABLE_PORT,
    states,
)
from tests.unit.exchange.support import loaded

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
Data = dict[str, Any]


def into(text: str) -> tuple[State, Notes]:
    """The state that an nmstate text declares, by way of a state file, and the notes."""
    notes = Notes()
    data = from_nmstate_documents(read_documents(text.encode(), "FILE"), notes)
    return loaded(state_text(data, {}, "")).state, notes


def out(state: State) -> tuple[Data, Notes]:
    """The nmstate document of a state, and the notes."""
    notes = Notes()
    return to_nmstate(state, notes), notes


def written(data: Data) -> State:
    """The state of a file that declares `data`."""
    return loaded(state_text(data, {}, "")).state


def meaning(state: State) -> Data:
    """What a state says of bridges: every row, and the VLANs that its ports have by it."""
    found: Data = {}
    for name, bridge in (state.bridges or {}).items():
        values = {row.key: row.declared(bridge) for row in rows(Bridge)}
        values["vlan-filtering"] = bridge.filters_vlans
        ports: Data = {}
        for port in bridge.ports:
            said = {row.key: row.declared(port) for row in rows(type(port))}
            if bridge.filters_vlans and port.membership is None:
                said["vlans"] = membership((), bridge.vlan_default_pvid or 1)
            offloads = getattr(port, "offloads", None)
            ports[port.device] = (said, getattr(port, "parent", ""), offloads)
        found[name] = (values, ports)
    return found


@patient
@given(states())
def test_state_nmstate_state_says_the_same(data: Data) -> None:
    state = written(data)
    document, notes = out(state)
    assert not notes.lost, notes.found
    back, notes = into(documents_text([document]))
    assert not notes.lost, notes.found
    assert meaning(back) == meaning(state)


@patient
@given(states())
def test_nmstate_state_nmstate_is_the_same_document(data: Data) -> None:
    document, _ = out(written(data))
    back, _ = into(documents_text([document], "a comment"))
    assert out(back)[0] == document


@pytest.mark.parametrize("text", REALISTIC)
def test_documents_of_others_come_back_saying_the_same(text: str) -> None:
    state, notes = into(text)
    assert not notes.lost, notes.found
    document, notes = out(state)
    assert not notes.lost, notes.found
    assert says(documents_text([document])) == says(text)


def says(text: str) -> Data:
    """What an nmstate text says, in one spelling: its defaults and bridged's filled in."""
    found: Data = {}
    for item in yaml.load(text, Loader=yaml.BaseLoader)["interfaces"]:
        item = {k: v for k, v in item.items() if k not in {"description", "profile-name"}}
        item.setdefault("type", "ethernet")
        item.setdefault("state", "up")
        if item["type"] == "linux-bridge":
            item |= {f: {"enabled": item[f]["enabled"]} for f in ("ipv4", "ipv6") if f in item}
            config = item.setdefault("bridge", {})
            config.setdefault("options", {}).setdefault("stp", {}).setdefault("enabled", "false")
            ports = config.pop("ports", None) or config.get("port") or []
            config["port"] = {port["name"]: _port(port) for port in ports}
        else:
            item = {k: v for k, v in item.items() if k not in {"ipv4", "ipv6"}}
        item.get("vlan", {}).pop("reorder-headers", None)
        found[item["name"]] = item
    # A card of which only the name is said is said by being a port.
    for item in list(found.values()):
        for name in item.get("bridge", {}).get("port", {}):
            found.setdefault(name, {"name": name, "type": "ethernet", "state": "up"})
    lowered = yaml.safe_dump(found).lower().replace("'true'", "true").replace("'false'", "false")
    return dict(yaml.safe_load(lowered))


def _port(port: Data) -> Data:
    port = deepcopy(port)
    tags: set[int] = set()
    for tag in port.get("vlan", {}).get("trunk-tags", []):
        ends = tag.get("id-range", {"min": tag.get("id"), "max": tag.get("id")})
        tags |= set(range(int(ends["min"]), int(ends["max"]) + 1))
    if tags:
        port["vlan"]["trunk-tags"] = sorted(tags)
    return port


def test_what_nmstate_cannot_say_is_told_and_nothing_else_is() -> None:
    """Held against the tables of rows: a new property is either in the words or in this list."""
    bridge = {row.key for row in rows(Bridge)} - {"ipv4", "ipv6", "mac", "mtu", "vlan-filtering"}
    assert bridge - {*words.OPTIONS.values(), *words.STP.values()} == UNSAYABLE_BRIDGE
    port = {row.key for row in rows(Nic)} - {"mtu", "vlans"}
    assert port - {*words.PORT.values()} == UNSAYABLE_PORT
    vlan = {row.key for row in rows(Vlan)} - {row.key for row in rows(Nic)} - {"vlan"}
    assert vlan - {*words.VLAN.values()} == {"gvrp", "mvrp"}
    assert {row.key for row in rows(Offloads)} - {*words.FEATURES.values()} == UNSAYABLE_OFFLOADS


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ("vlan-stats: true", "bridges.b.vlan-stats"),
        ("ports: [{name: e, isolated: true}]", "bridges.b.ports.e.isolated"),
        ("ports: [{name: e, learning: false}]", "bridges.b.ports.e.learning"),
        ("ports: [{name: e, offloads: {tso: false}}]", "bridges.b.ports.e.offloads.tso"),
        ("ports: [{vlan: 1, parent: e, gvrp: true, mvrp: true}]", "bridges.b.ports.e.1"),
        ("ports: [{vlan: 1, parent: e, gvrp: false}]", "bridges.b.ports.e.1"),
        ("vlan-filtering: true", "bridges.b.vlan-filtering"),
        ("vlan-filtering: true, ports: [{name: e, pvid: 0}]", "bridges.b.ports.e"),
    ],
)
def test_an_export_tells_what_it_leaves_out(keys: str, path: str) -> None:
    _, notes = out(loaded(f"version: 1\nbridges:\n  b: {{{keys}}}\n").state)
    assert path in [note.path for note in notes.found if note.lost]


def test_sections_that_are_no_network_are_told_but_are_no_loss() -> None:
    text = "version: 1\nbridges: {b: {isolate: true, ports: [e]}}\nmodules: [kvm]\nprotect: [f]\n"
    document, notes = out(loaded(text).state)
    assert [note.path for note in notes.found] == ["bridges.b.isolate", "modules", "protect"]
    assert not notes.lost
    port = document["interfaces"][1]["bridge"]["port"][0]
    assert port["vlan"] == {"mode": "access", "tag": 1}


_KUBERNETES = """kubernetes:
  version: 1.34.2
  cluster-name: c
  endpoint: c.example:6443
  address: 192.0.2.1
  pod-cidr: 10.11.0.0/16
  service-cidr: 10.12.0.0/16"""


@pytest.mark.parametrize(
    "section",
    [
        "modules: [kvm]",
        "sysctls: {vm.swappiness: 1}",
        "packages: {present: [qemu-kvm]}",
        "runtime: {containerd: {}}",
        "swap: 'off'",
        "protect: [f]",
        "probes: [192.0.2.1]",
        "maintenance: {start: '02:00', end: '04:00'}",
        _KUBERNETES,
    ],
)
def test_every_other_section_is_told(section: str) -> None:
    _, notes = out(loaded(f"version: 1\nbridges: {{}}\n{section}\n").state)
    assert [note.path for note in notes.found] == [section.partition(":")[0]]
    assert not notes.lost


def places(value: Any, path: str = "") -> Iterator[tuple[str, Data]]:
    """Every mapping in a document with its path."""
    if isinstance(value, dict):
        yield path, value
        for key, item in value.items():
            yield from places(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, f"{path}[{number}]")


@pytest.mark.parametrize("number", range(len(list(places(EVERYTHING)))))
def test_nothing_is_dropped_in_silence(number: int) -> None:
    """An unknown key anywhere is told by its path, or something above it is."""
    document = deepcopy(EVERYTHING)
    path, place = list(places(document))[number]
    place["x-unknown"] = "1"
    notes = Notes()
    from_nmstate_documents([document], notes)
    whole = f"{path}.x-unknown" if path else "x-unknown"
    told = [note.path for note in notes.found if note.lost]
    assert any(whole == item or whole.startswith((f"{item}.", f"{item}[")) for item in told), told


def test_everything_that_is_lost_is_listed() -> None:
    """The whole list for one document, so that it stays worth reading."""
    notes = Notes()
    from_nmstate_documents([deepcopy(EVERYTHING)], notes)
    assert [note.path for note in notes.found if note.lost] == [
        "routes",
        "interfaces[6]",
        "interfaces[1].ethtool.feature.tx-tcp-segmentation",
        "interfaces[1].ethtool.ring",
        "interfaces[1].ipv4",
        "interfaces[4].bridge.port[1]",
        "interfaces[4].ipv4",
        "interfaces[4].bridge.options.stp.priority",
        "interfaces[4].bridge.options.hash-max",
        "interfaces[4].lldp",
        "interfaces[0]",
        "interfaces[3]",
    ]


def test_what_nmstatectl_shows_is_taken_without_losses() -> None:
    """Its output names everything, the values of a new bridge and timers that run too."""
    state, notes = into(SHOWN)
    assert not notes.lost, notes.found
    bridge = (state.bridges or {})["br-lan"]
    assert [port.device for port in bridge.ports] == ["enp13s0f0"]
    assert (bridge.mac, bridge.stp, bridge.ipv4) == ("9a:91:53:6c:67:da", False, "disabled")


@pytest.mark.parametrize(
    ("said", "ipv4", "told"),
    [
        ("", "keep", ["a new bridge asks"]),
        ("ipv4: {}", "keep", ["a new bridge asks"]),
        ("ipv4: {enabled: false}", "disabled", []),
        ("ipv4: {enabled: true, dhcp: true}", "keep", ["they are left as they are"]),
        ("ipv4: {dhcp: true}", "keep", ["they are left as they are"]),
    ],
)
def test_addresses_are_taken_away_only_where_nmstate_says_so(
    said: str, ipv4: str, told: list[str]
) -> None:
    """nmstate leaves what it is silent about."""
    bridge = f"{{name: b, type: linux-bridge, ipv6: {{enabled: false}}, {said}}}"
    state, notes = into(f"interfaces: [{bridge}]\n")
    found = (state.bridges or {})["b"]
    assert (found.ipv4, found.ipv6) == (ipv4, "disabled")
    about = [note.message for note in notes.found if "addresses" in note.message]
    assert len(about) == len(told)
    assert all(words in message for words, message in zip(told, about, strict=True))
    assert notes.lost == (told == ["they are left as they are"])


def test_addresses_that_are_left_alone_are_left_alone_on_the_way_back() -> None:
    text = "version: 1\nbridges: {b: {ipv4: keep}}\n"
    document, _ = out(loaded(text).state)
    assert "ipv4" not in document["interfaces"][0]
    back, _ = into(documents_text([document]))
    assert (back.bridges or {})["b"].ipv4 == "keep"
    assert (back.bridges or {})["b"].ipv6 == "disabled"


def test_one_registration_protocol_switches_the_other_off() -> None:
    """nmstate knows one at a time."""
    text = "version: 1\nbridges: {b: {ports: [{vlan: 1, parent: e, gvrp: true}]}}\n"
    document, notes = out(loaded(text).state)
    assert "bridges.b.ports.e.1.mvrp" in [note.path for note in notes.found]
    assert not notes.lost
    port = (into(documents_text([document]))[0].bridges or {})["b"].ports[0]
    assert isinstance(port, Vlan)
    assert (port.gvrp, port.mvrp) == (True, False)


def test_a_policy_is_unwrapped_and_what_it_says_of_the_cluster_is_told() -> None:
    notes = Notes()
    data = from_policies(read_documents(POLICY.encode(), "FILE"), notes)
    port = {"name": "eth1"}
    assert data["bridges"] == {"br1": {"ports": (port,), "ipv4": "keep", "ipv6": "keep"}}
    assert [note.path for note in notes.found if note.lost] == [
        "spec.nodeSelector",
        "spec.capture",
        "spec.maxUnavailable",
    ]


def test_an_exported_policy_comes_back() -> None:
    state = loaded("version: 1\nbridges: {br-lan: {ports: [e1]}}\n").state
    policy = to_policy(out(state)[0], "lan", "node1")
    notes = Notes()
    documents = read_documents(documents_text([policy, policy]).encode(), "FILE")
    assert from_policies(documents[:1], notes)["bridges"] == {
        "br-lan": {"ports": ({"name": "e1"},)}
    }
    assert [note.path for note in notes.found] == ["spec.nodeSelector"]
    twice = Notes()
    from_policies(documents, twice)
    assert sum("declared already" in note.message for note in twice.found) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "FILE:1:5"),
        ("interfaces: []\ninterfaces: []\n", "FILE:2:1: the key 'interfaces' stands here"),
        ("- 1\n", "no mapping"),
        ("kind: NodeNetworkConfigurationPolicy\n", "not bare nmstate"),
        ("&a [*a]", "FILE"),
    ],
)
def test_a_file_that_is_no_nmstate_is_refused(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        from_nmstate_documents(read_documents(text.encode(), "FILE"), Notes())
    assert message in str(caught.value)


def test_bare_nmstate_is_no_policy() -> None:
    with pytest.raises(DocumentError) as caught:
        from_policies(read_documents(b"interfaces: []\n", "FILE"), Notes())
    assert "--from nmstate" in caught.value.remedy
