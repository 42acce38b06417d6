"""What somebody probably meant who wrote a key that does not exist."""

import difflib
from collections.abc import Collection

from bridged.desired.errors import shown

# Words of nmcli, nmstate, netplan, ifupdown and of everyday speech, with what they are called here
# (the first one that is valid at the place).
_MEANT = {
    "base-iface": "parent",
    "bridge": "bridges",
    "cgroups": "cgroup-driver",
    "container-runtime": "runtime",
    "cost": "path-cost",
    "cri-socket": "socket",
    "default-runtime": "oci-runtime",
    "dev": "parent",
    "address": "mac",
    "device": "ports name",
    "group-fwd-mask": "group-forward-mask",
    "hairpin-mode": "hairpin",
    "hardware-address": "mac",
    "hwaddr": "mac",
    "hwaddress": "mac",
    "id": "vlan",
    "host": "hostname",
    "iface": "name",
    "ifname": "name",
    "interface": "ports name",
    "interface-name": "name",
    "interfaces": "ports",
    "isolation": "isolated",
    "installed": "present",
    "kernel-modules": "modules",
    "label": "labels",
    "kernel-parameters": "sysctls",
    "link": "parent",
    "mac-address": "mac",
    "members": "ports",
    "min": "at-least",
    "minimum": "at-least",
    "module": "modules",
    "mcast-snooping": "multicast-snooping",
    "nic": "ports name nic-present",
    "nics": "ports",
    "pci": "path",
    "permaddr": "mac",
    "physdev": "parent",
    "port": "ports",
    "protected": "protect",
    "pvid": "vlan-default-pvid",
    "package": "packages",
    "raw-device": "parent",
    "removed": "absent",
    "slave": "ports",
    "slaves": "ports",
    "spanning-tree": "stp",
    "spt": "stp",
    "sysctl": "sysctls",
    "tag": "vlan",
    "vid": "vlan",
    "vlan-aware": "vlan-filtering",
    "vlan-id": "vlan",
    "vlan-parent": "parent",
    "vlanid": "vlan",
}

_EXPLAINED = {
    "vlans": "declare a VLAN as a port of its bridge: ports: [{vlan: 6, parent: NIC}]",
    "vlan": "declare a VLAN as a port of its bridge: ports: [{vlan: 6, parent: NIC}]",
    "bonds": "bridged does not make bonds; one made elsewhere can be a port",
    "name": "the name is the key above: `br-lan: {...}`",
}

# The words of kubeadm and Helm.
_MEANT |= {
    "advertise-address": "address",
    "advertiseaddress": "address",
    "certsans": "cert-sans",
    "cluster": "cluster-name",
    "clustername": "cluster-name",
    "cluster-pool": "pool",
    "control-plane-endpoint": "endpoint",
    "controlplaneendpoint": "endpoint",
    "crisocket": "cri-socket",
    "dnsdomain": "dns-domain",
    "kubernetes-version": "version",
    "kubernetesversion": "version",
    "node-ip": "address",
    "path": "file",
    "pod-subnet": "pod-cidr",
    "podsubnet": "pod-cidr",
    "service-subnet": "service-cidr",
    "servicesubnet": "service-cidr",
}
_NO_MAC = (
    "a card keeps its address; to tell the card by it, write `match: {mac: ADDRESS}` in place of "
    "`name` or `parent`"
)
_SECRET = ("token", "certificate-key", "certificatekey", "password", "secret")
_NO_SECRETS = (
    "no secrets here, others may read this: kubeadm makes tokens (kubeadm token create) and keys "
    "(kubeadm init --upload-certs) by itself"
)

_NF_CALL = (
    "the kernel honours a bridge's own switch only while the global one is off; "
    "declare net.bridge.{} under `sysctls`"
)


def nearest(word: str, candidates: Collection[str]) -> str:
    """The candidate that `word` most likely stands for, or the empty text."""
    plain = word.strip().lower().replace("_", "-").replace(" ", "-")
    if plain in candidates:
        return plain
    for meant in _MEANT.get(plain, "").split():
        if meant in candidates:
            return meant
    if len(plain) > 40:
        return ""
    close = difflib.get_close_matches(plain, candidates, n=1, cutoff=0.7)
    return close[0] if close else ""


def unknown_key(key: str, valid: Collection[str], elsewhere: Collection[tuple[str, str]]) -> str:
    """The remedy for the unknown key `key` where `valid` ones are known.

    `elsewhere` are keys of other places, each with the name of its place ("a bridge").
    """
    plain = key.lower().replace("_", "-")
    if plain.removeprefix("bridge-").startswith("nf-call-") and "ports" in valid:
        return _NF_CALL.format(f"bridge-{plain.removeprefix('bridge-')}")
    if ("enforce" in valid or "pod-cidr" in valid) and any(word in plain for word in _SECRET):
        return _NO_SECRETS
    if "match" in valid and "mac" in (plain, _MEANT.get(plain)):
        return _NO_MAC
    word = nearest(key, valid)
    if word:
        return f"did you mean `{word}`?"
    if plain in _EXPLAINED and "ports" in valid:
        return _EXPLAINED[plain]
    places = [place for name, place in elsewhere if name == plain]
    if places:
        return f"`{plain}` belongs to {' or '.join(places)}; look at the indentation"
    return "valid here: " + ", ".join(shown(name) for name in valid)
