"""From nmstate, bare or in a NodeNetworkConfigurationPolicy, to the state."""

from collections.abc import Mapping
from typing import Any

from bridged.desired.grammar import Record
from bridged.exchange import nmstate_words as words
from bridged.exchange.documents import DocumentError, Part, off
from bridged.exchange.memberships import from_nmstate
from bridged.exchange.notes import Notes

_STAYS = "bridged keeps bridges, their VLANs and cards only"
_WITH_NM = "leave it to NetworkManager or nmstate"
_ADDRESSES = "addresses are not bridged's business"
_CARDS = frozenset({"ethernet", "veth"})
Data = dict[str, Any]


def from_nmstate_documents(documents: list[Any], notes: Notes) -> Data:
    """What nmstate documents declare, as the data of a state file.  Raises DocumentError."""
    states = []
    for number, document in enumerate(documents):
        _expect_mapping(document, "nmstate")
        if "kind" in document or "apiVersion" in document:
            raise DocumentError(
                f"this is a {document.get('kind', 'Kubernetes object')}, not bare nmstate",
                "bridgedctl import --from nncp",
            )
        prefix = f"document[{number}]" if len(documents) > 1 else ""
        states.append(Part(document, prefix, notes))
    return _states(states, notes)


def from_policies(documents: list[Any], notes: Notes) -> Data:
    """What NodeNetworkConfigurationPolicies declare (a List of them too).  Raises DocumentError."""
    policies: list[Any] = []
    for document in documents:
        _expect_mapping(document, "a NodeNetworkConfigurationPolicy")
        items = document.get("items")
        listed = document.get("kind") == "List" and isinstance(items, list)
        policies += items if listed else [document]
    states = []
    for policy in policies:
        kind = policy.get("kind") if isinstance(policy, dict) else None
        if kind != "NodeNetworkConfigurationPolicy":
            raise DocumentError(
                f"this is {f'a {kind}' if kind else 'no Kubernetes object'}, not a "
                "NodeNetworkConfigurationPolicy",
                "bridgedctl import --from nmstate reads bare nmstate",
            )
        metadata = policy.get("metadata")
        name = metadata.get("name", "") if isinstance(metadata, dict) else ""
        # Only the object's own bookkeeping, and what the cluster answers, is left unsaid.
        top = {k: v for k, v in policy.items() if k not in {"apiVersion", "kind", "metadata"}}
        whole = Part(top, f"{name}:" if len(policies) > 1 else "", notes)
        whole.take("status")
        spec = Part(whole.take("spec") or {}, f"{whole.path}spec", notes)
        whole.rest("is not known")
        states.append(spec.part("desiredState"))
        if spec.has("nodeSelector"):
            chosen = spec.take("nodeSelector")
            notes.lose(
                spec.at("nodeSelector"),
                f"a state file has no selector; this policy is for nodes with {chosen}",
                "use the result on those only",
            )
        spec.rest("is how the cluster rolls out, not what a node has")
    return _states(states, notes)


def _expect_mapping(document: Any, what: str) -> None:
    if not isinstance(document, dict):
        raise DocumentError(f"this is not {what}: no mapping", "is it the right file?")


def _states(states: list[Part], notes: Notes) -> Data:
    interfaces: list[Part] = []
    for state in states:
        interfaces += [Part(item, path, notes) for path, item in state.items("interfaces")]
        for key in ("description", "version"):
            state.take(key)
        state.rest(_STAYS, _WITH_NM, off_is_nothing=True)
    return {"version": 1, "bridges": _Interfaces(interfaces, notes).bridges()}


class _Interfaces:
    """The interfaces of all documents, each read once."""

    def __init__(self, interfaces: list[Part], notes: Notes) -> None:
        self._notes = notes
        self._bridges: dict[str, Part] = {}
        self._others: dict[str, tuple[str, Part]] = {}
        self._used: set[str] = set()
        self._members: dict[str, list[str]] = {}
        for part in interfaces:
            self._sort(part)

    def _sort(self, part: Part) -> None:
        name, kind = part.text("name"), part.text("type").lower() or "ethernet"
        state = part.text("state").lower() or "up"
        notes = self._notes
        if not name or name.startswith("{{"):
            notes.lose(part.path, "has no name of its own", "write name: INTERFACE")
            return
        if state != "up":
            what = (
                "removes nothing that it did not make" if state == "absent" else "has no such state"
            )
            notes.lose(part.path, f"{name} is to be {state}; bridged {what}", _WITH_NM)
            return
        if name in self._bridges or name in self._others:
            notes.lose(part.path, f"{name} is declared already", "merge the two")
            return
        controller = part.text("controller") if part.has("controller") else ""
        if controller:
            self._members.setdefault(controller, []).append(name)
        if kind == words.BRIDGE:
            self._bridges[name] = part
        else:
            self._others[name] = (kind, part)

    def bridges(self) -> Data:
        """Every linux-bridge with its ports; what is left over is told."""
        found = {name: self._bridge(name, part) for name, part in self._bridges.items()}
        for name, (kind, part) in self._others.items():
            if name in self._used:
                continue
            if kind == "loopback":
                self._notes.tell(part.path, f"{name} is left as it is")
                continue
            what = f"{name} is no port of a bridge here" if kind in {*_CARDS, "vlan"} else ""
            self._notes.lose(part.path, what or f"{name} is a {kind}; {_STAYS}", _WITH_NM)
        for controller, members in self._members.items():
            if controller not in self._bridges:
                self._notes.lose("", f"{', '.join(members)} belong to {controller}; {_STAYS}")
        return found

    def _bridge(self, name: str, part: Part) -> Data:
        found: Data = {}
        config = part.part("bridge")
        options = config.part("options")
        stp = options.part("stp")
        ports, filtering = self._ports(name, config)
        if ports:
            found["ports"] = tuple(ports)
        found |= _addresses(name, part, self._notes)
        mac = part.value("mac-address", words.expected(words.BRIDGE_KEYS, "mac"))
        if mac:
            found["mac"] = mac.lower()
        _copy(part, {"mtu": "mtu"}, words.BRIDGE_KEYS, found)
        if not stp.has("enabled"):
            self._notes.tell(
                part.path, f"nothing is said of {name}'s spanning tree; bridged keeps it off"
            )
        _copy(stp, words.STP, words.BRIDGE_KEYS, found)
        if found.get("stp") is False:
            del found["stp"]  # what a state file means without a word
        _copy(options, words.OPTIONS, words.BRIDGE_KEYS, found)
        for key, usual in words.NEW_BRIDGE.items():
            if options.has(key) and options.text(key).lower() not in usual:
                self._notes.lose(options.at(key), "is not in the state file's words")
        if filtering is not None:
            found["vlan-filtering"] = filtering
        stp.rest("is not in the state file's words")
        _facts(options)
        options.rest("is not in the state file's words")
        config.rest("is not in the state file's words")
        _base(part, self._notes)
        return found

    def _ports(self, bridge: str, config: Part) -> tuple[list[Data], bool | None]:
        """The ports, and whether the bridge filters VLANs, None where nothing is said of it: to
        nmstate it does where any of its ports has VLANs."""
        ports: list[Data] = []
        filtering: list[bool] = []
        key = "port" if config.has("port") else "ports"
        listed = [Part(item, path, self._notes) for path, item in config.items(key)]
        named = [(part.text("name"), part) for part in listed]
        for name in self._members.get(bridge, ()):
            if name not in {listed_name for listed_name, _ in named}:
                named.append((name, Part({}, f"{config.path}.port[{name}]", self._notes)))
        for name, part in named:
            port = self._port(name, part)
            if part.has("vlan"):
                vlan = part.take("vlan")
                filtering.append(bool(vlan))
                if vlan and port is not None:
                    port |= from_nmstate(Part(vlan, part.at("vlan"), self._notes), self._notes)
            if port is None:
                continue
            _copy(part, words.PORT, words.NIC_KEYS, port)
            part.rest("is not in the state file's words")
            ports.append(port)
        return ports, any(filtering) if filtering else None

    def _port(self, name: str, part: Part) -> Data | None:
        """What the interface of a port is, None (and a note) where it cannot be declared."""
        notes = self._notes
        kind, interface = self._others.get(name, ("ethernet", None))
        if not name or name.startswith("{{"):
            notes.lose(part.path, "names no interface", "write name: INTERFACE")
            return None
        if name in self._used or name in self._bridges or kind not in {*_CARDS, "vlan"}:
            why = "is a port already" if name in self._used else f"is a {kind}, no card and no VLAN"
            if name in self._bridges:
                why = "is a bridge itself"
            notes.lose(part.path, f"{name} {why}", "it stays in the bridge if it is there")
            return None
        self._used.add(name)
        if interface is None:
            return {"name": name}
        return _vlan(name, interface, notes) if kind == "vlan" else _card(name, interface, notes)


def _card(name: str, part: Part, notes: Notes) -> Data:
    found: Data = {"name": name}
    _copy(part, {"mtu": "mtu"}, words.NIC_KEYS, found)
    ethtool = part.part("ethtool")
    features = ethtool.part("feature")
    offloads: Data = {}
    _copy(features, words.FEATURES, words.OFFLOAD_KEYS, offloads)
    if offloads:
        found["offloads"] = offloads
    features.rest("is one of several features to the state file", "see `offloads` in its reference")
    ethtool.rest("is not in the state file's words", _WITH_NM)
    _no_addresses(part, notes)
    _base(part, notes)
    return found


def _vlan(name: str, part: Part, notes: Notes) -> Data | None:
    config = part.part("vlan")
    vid = config.value("id", words.expected(words.VLAN_KEYS, "vlan"))
    parent = config.text("base-iface")
    if vid is None or not parent or parent.startswith("{{"):
        notes.lose(part.path, f"the VLAN {name} needs its base-iface and id", "write them")
        return None
    found: Data = {"vlan": vid, "parent": parent}
    if name != f"{parent}.{vid}":
        found["name"] = name
    _copy(part, {"mtu": "mtu"}, words.VLAN_KEYS, found)
    _copy(config, words.VLAN, words.VLAN_KEYS, found)
    if found.get("reorder-headers") is True:
        del found["reorder-headers"]  # what a state file means without a word
    _registration(config, found, notes)
    config.rest("is not in the state file's words")
    _no_addresses(part, notes)
    _base(part, notes)
    return found


def _registration(config: Part, found: Data, notes: Notes) -> None:
    protocol = config.text("registration-protocol").lower()
    if protocol in {"gvrp", "mvrp", "none"}:
        # One of the two switches the other off (rust/src/lib/nm/settings/vlan.rs).
        found |= {"gvrp": protocol == "gvrp", "mvrp": protocol == "mvrp"}
    elif protocol:
        notes.lose(config.at("registration-protocol"), f"{protocol} is not known")


def _copy(part: Part, table: Mapping[str, str], kind: Record, found: Data) -> None:
    """Take what the table names, converted to what the state file expects."""
    for theirs, ours in table.items():
        if not part.has(theirs):
            continue
        value = part.value(theirs, words.expected(kind, ours))
        if value is None:
            continue
        if found.get(ours, value) != value:
            part.notes.lose(part.at(theirs), f"contradicts {ours} {found[ours]}")
            continue
        found[ours] = value


def _addresses(name: str, part: Part, notes: Notes) -> Data:
    """What a bridge says of addresses: those that it is to have are left as they are, and so are
    those of which nothing is said, as nmstate leaves them."""
    found: Data = {}
    silent: list[str] = []
    for family in ("ipv4", "ipv6"):
        said = part.take(family)
        addresses = Part(said, part.at(family), notes)
        enabled = addresses.take("enabled")
        if enabled is not None and off(enabled):
            addresses.rest(_ADDRESSES, _WITH_NM, off_is_nothing=True)
            continue
        found[family] = "keep"
        if enabled is None and off(said):
            silent.append(family)
        else:
            notes.lose(addresses.path, f"{_ADDRESSES}: they are left as they are", _WITH_NM)
    if silent:
        notes.tell(
            part.path,
            f"nothing is said of {name}'s {' and '.join(silent)}: addresses are left as they are, "
            "and a new bridge asks for some",
            f"write {', '.join(f'{family}: disabled' for family in silent)} for one without",
        )
    return found


def _no_addresses(part: Part, notes: Notes) -> None:
    """A port has no addresses; one that is to have some is told."""
    for family in ("ipv4", "ipv6"):
        addresses = part.take(family)
        enabled = isinstance(addresses, dict) and not off(addresses.get("enabled"))
        if enabled:
            notes.lose(part.at(family), "a port of a bridge has no addresses", "take them out")


def _facts(part: Part) -> None:
    for key in words.FACTS:
        if part.has(key):
            part.take(key)


def _base(part: Part, notes: Notes) -> None:
    """What every interface may have beside its addresses."""
    _facts(part)
    if part.text("identifier").lower() not in {"", "name"}:
        notes.lose(part.at("identifier"), "the state file goes by names", "name the interface")
    if part.has("description") or part.has("profile-name"):
        for key in ("description", "profile-name"):
            part.take(key)
        notes.tell(part.path, "description and profile name stay in the profile that there is")
    if part.text("wait-ip").lower() not in {"", "any"}:
        notes.lose(part.at("wait-ip"), _ADDRESSES, _WITH_NM)
    part.rest("is not in the state file's words", _WITH_NM, off_is_nothing=True)
