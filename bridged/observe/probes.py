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
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bridged.desired.probes import Probe

_ARP, _IPV6 = 0x0806, 0x86DD
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
        if probe.kind == "gateway":
            known = self._solicit(probe) if ":" in probe.address else self._arp(probe)
            return known or (":" in probe.address and self._echo(probe))
        return self._echo(probe)

    def _arp(self, probe: Probe) -> bool:
        """Ask for the gateway's hardware address: it answers even where ICMP is dropped."""
        wanted = socket.inet_aton(probe.address)
        with _packets(probe.interface, _ARP) as sock:
            own = sock.getsockname()[4]
            source = self._address_of(probe.interface, probe.address)
            request = struct.pack(
                "!6s6sHHHBBH6s4s6s4s",
                *(_BROADCAST, own, _ARP, 1, 0x0800, 6, 4, 1),
                *(own, source, b"\0" * 6, wanted),
            )
            sock.send(request)
            return self._told(sock, lambda f: f[20:22] == b"\0\2" and f[28:32] == wanted)

    def _solicit(self, probe: Probe) -> bool:
        """The same for IPv6: a neighbour solicitation (RFC 4861), which no filter of addresses
        keeps back.  False also where the interface has no hardware addresses."""
        target = socket.inet_pton(socket.AF_INET6, probe.address)
        with contextlib.suppress(OSError), _packets(probe.interface, _IPV6) as sock:
            own = sock.getsockname()[4]
            group = bytes.fromhex("ff0200000000000000000001ff") + target[-3:]
            source = self._address6_of(probe)
            message = struct.pack("!BBHI16sBB6s", 135, 0, 0, 0, target, 1, 1, own)
            pseudo = source + group + struct.pack("!II", len(message), socket.IPPROTO_ICMPV6)
            total = struct.pack("!H", _checksum(pseudo + message))
            message = message[:2] + total + message[4:]
            header = struct.pack("!IHBB", 6 << 28, len(message), socket.IPPROTO_ICMPV6, 255)
            ethernet = b"\x33\x33" + group[-4:] + own + struct.pack("!H", _IPV6)
            sock.send(ethernet + header + source + group + message)
            return self._told(
                sock, lambda f: f[20:21] == b"\x3a" and f[54:55] == b"\x88" and f[62:78] == target
            )
        return False

    def _told(self, sock: socket.socket, answer: Callable[[bytes], bool]) -> bool:
        """Whether a frame comes in time that is the answer."""
        end = time.monotonic() + self._timeout
        while (left := end - time.monotonic()) > 0:
            if not select.select([sock], [], [], left)[0]:
                return False
            if answer(sock.recv(2048)):
                return True
        return False

    @staticmethod
    def _address6_of(probe: Probe) -> bytes:
        """The address that this node would use towards the gateway; nothing is sent."""
        index = socket.if_nametoindex(probe.interface)
        scope = index if probe.address.lower().startswith("fe80:") else 0
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.connect((probe.address, 9, 0, scope))
            return socket.inet_pton(socket.AF_INET6, sock.getsockname()[0].partition("%")[0])

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


@contextlib.contextmanager
def _packets(interface: str, protocol: int) -> Iterator[socket.socket]:
    """A socket for whole frames of a protocol at an interface."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol)) as sock:
        sock.bind((interface, protocol))
        yield sock


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
