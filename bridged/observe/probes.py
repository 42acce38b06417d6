"""Probes: what this node can reach, asked before and after a change of its network.

A probe proves something only by changing its mind: what did not answer before a change says nothing
about it afterwards.
"""

import contextlib
import os
import select
import socket
import struct
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bridged.desired.probes import Probe

_ARP = 0x0806
_BROADCAST = b"\xff" * 6
_RTF_GATEWAY = 0x2


class Prober:
    """Asks real hosts.  Needs CAP_NET_RAW for gateways and hosts.

    `timeout` are the seconds that one question waits for its answer.
    """

    def __init__(self, root: Path = Path("/"), timeout: float = 0.5) -> None:
        self._root = root
        self._timeout = timeout

    def gateways(self) -> tuple[Probe, ...]:
        """The default gateways of the main table, both families, as the kernel lists them."""
        return tuple(dict.fromkeys([*self._gateways4(), *self._gateways6()]))

    def answering(self, probes: Iterable[Probe]) -> frozenset[Probe]:
        """Those that answer, all asked once at the same time."""
        probes = list(probes)
        if not probes:
            return frozenset()
        with ThreadPoolExecutor(min(len(probes), 8)) as pool:
            answers = pool.map(self._answers, probes)
            return frozenset(probe for probe, yes in zip(probes, answers, strict=True) if yes)

    def _answers(self, probe: Probe) -> bool:
        with contextlib.suppress(OSError):
            return self._ask(probe)
        return False

    def _ask(self, probe: Probe) -> bool:
        if probe.kind == "port":
            socket.create_connection((probe.address, probe.port), self._timeout).close()
            return True
        if probe.kind == "gateway" and ":" not in probe.address:
            return self._arp(probe)
        return self._echo(probe)

    def _arp(self, probe: Probe) -> bool:
        """Ask for the gateway's hardware address: it answers even where ICMP is dropped."""
        wanted = socket.inet_aton(probe.address)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ARP)) as sock:
            sock.bind((probe.interface, _ARP))
            own = sock.getsockname()[4]
            source = self._address_of(probe.interface, probe.address)
            request = struct.pack(
                "!6s6sHHHBBH6s4s6s4s",
                *(_BROADCAST, own, _ARP, 1, 0x0800, 6, 4, 1),
                *(own, source, b"\0" * 6, wanted),
            )
            sock.send(request)
            end = time.monotonic() + self._timeout
            while (left := end - time.monotonic()) > 0:
                if not select.select([sock], [], [], left)[0]:
                    return False
                frame = sock.recv(128)
                if len(frame) >= 42 and frame[20:22] == b"\0\2" and frame[28:32] == wanted:
                    return True
        return False

    @staticmethod
    def _address_of(interface: str, gateway: str) -> bytes:
        """The address that this node would use towards the gateway; nothing is sent."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
            sock.connect((gateway, 9))
            return socket.inet_aton(sock.getsockname()[0])

    def _echo(self, probe: Probe) -> bool:
        """ICMP echo; the answer is told from others by identifier and payload."""
        six = ":" in probe.address
        family = socket.AF_INET6 if six else socket.AF_INET
        protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
        token = os.urandom(16)
        mark = os.getpid() & 0xFFFF
        header = struct.pack("!BBHHH", 128 if six else 8, 0, 0, mark, 1)
        if not six:  # the kernel fills in the checksum of ICMPv6
            header = struct.pack("!BBHHH", 8, 0, _checksum(header + token), mark, 1)
        scope = f"%{probe.interface}" if six and probe.interface else ""
        target = socket.getaddrinfo(probe.address + scope, None, family)[0][4]
        with socket.socket(family, socket.SOCK_RAW, protocol) as sock:
            sock.sendto(header + token, target)
            end = time.monotonic() + self._timeout
            while (left := end - time.monotonic()) > 0:
                if not select.select([sock], [], [], left)[0]:
                    return False
                data = sock.recv(2048)
                reply = data if six else data[(data[0] & 15) * 4 :]
                if reply[:1] == (b"\x81" if six else b"\0") and token in reply:
                    return True
        return False

    def _gateways4(self) -> Iterable[Probe]:
        """/proc/net/route: interface, destination, gateway, flags, ..., mask; hex, host order."""
        for fields in self._table("route"):
            if len(fields) < 8 or fields[1] != "00000000" or fields[7] != "00000000":
                continue
            if int(fields[3], 16) & _RTF_GATEWAY:
                raw = struct.pack("=I", int(fields[2], 16))
                yield Probe("gateway", socket.inet_ntoa(raw), interface=fields[0])

    def _gateways6(self) -> Iterable[Probe]:
        """/proc/net/ipv6_route: destination, its length, ..., gateway, ..., flags, interface."""
        for fields in self._table("ipv6_route"):
            if len(fields) < 10 or fields[0] != "0" * 32 or fields[1] != "00":
                continue
            if int(fields[8], 16) & _RTF_GATEWAY:
                address = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(fields[4]))
                yield Probe("gateway", address, interface=fields[9])

    def _table(self, name: str) -> Iterable[list[str]]:
        try:
            text = (self._root / "proc/net" / name).read_text()
        except OSError:
            return []
        return [line.split() for line in text.splitlines()]


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
