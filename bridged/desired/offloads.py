"""The table of a card's offloads: what it does for the kernel, and where trouble often starts."""

from typing import Annotated

from bridged.desired.base import Model
from bridged.desired.properties import BOOL, SWITCH, KernelKey, NmKey, Property


def _feature(name: str, doc: str) -> Property:
    return Property(
        doc,
        NmKey("ethtool", f"feature-{name}", "b", BOOL, reapply=False),
        KernelKey("offload", name, SWITCH),
    )


class Offloads(Model):
    """Offloads of a network card, by the short names of ethtool(8)."""

    rx: Annotated[bool | None, _feature("rx", "checksums of received packets")] = None
    tx: Annotated[bool | None, _feature("tx", "checksums of sent packets")] = None
    sg: Annotated[bool | None, _feature("sg", "scatter-gather")] = None
    tso: Annotated[bool | None, _feature("tso", "TCP segmentation")] = None
    gso: Annotated[bool | None, _feature("gso", "generic segmentation")] = None
    gro: Annotated[bool | None, _feature("gro", "generic receive offload")] = None
    lro: Annotated[
        bool | None,
        _feature("lro", "large receive offload; a bridge port must not have it on"),
    ] = None
    rxvlan: Annotated[bool | None, _feature("rxvlan", "VLAN tags of received frames")] = None
    txvlan: Annotated[bool | None, _feature("txvlan", "VLAN tags of sent frames")] = None
    rxhash: Annotated[bool | None, _feature("rxhash", "receive hashing")] = None
    ntuple: Annotated[bool | None, _feature("ntuple", "receive filters")] = None
