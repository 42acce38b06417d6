"""Probes: what must still be reachable after a change of the network."""

import ipaddress
from dataclasses import dataclass
from typing import Literal

from bridged.desired.errors import shown
from bridged.desired.names import is_port


@dataclass(frozen=True, slots=True)
class Probe:
    """Something to reach: a `gateway` by ARP or neighbour discovery on `interface`, a `host` by
    ICMP echo, a `port` by a TCP connection."""

    kind: Literal["gateway", "host", "port"]
    address: str
    port: int = 0
    interface: str = ""

    def __str__(self) -> str:
        if self.kind == "gateway":
            return f"default gateway {self.address} on {self.interface}"
        if self.kind == "port":
            return (
                f"[{self.address}]:{self.port}"
                if ":" in self.address
                else (f"{self.address}:{self.port}")
            )
        return self.address


def parse(text: str) -> Probe:
    """The probe that ``ADDRESS`` or ``ADDRESS:PORT`` (``[ADDRESS]:PORT`` for IPv6) declares.

    Names are not taken: their resolution would be one more thing to fail.  ValueError tells what is
    wrong.
    """
    said = f'"{shown(text)}"'
    address, port = text, ""
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        if not rest.startswith(":"):
            raise ValueError(f"{said} is not [ADDRESS]:PORT")
        port = rest[1:]
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise ValueError(f"{said} is neither an IP address nor ADDRESS:PORT") from None
    if not port and not text.startswith("[") and text.count(":") != 1:
        return Probe("host", address)
    if not is_port(port):
        raise ValueError(f"{said} has no port from 1 to 65535")
    return Probe("port", address, int(port))
