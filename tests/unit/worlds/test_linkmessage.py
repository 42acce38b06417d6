"""What a link dump says beyond the tables of the library."""

import struct

from bridged.observe.linkmessage import LinkMessage
from tests.unit.worlds.messages import attribute


def test_learned_addresses_are_in_the_dump_of_a_new_kernel() -> None:
    """IFLA_BR_FDB_N_LEARNED is number 48 of linux/if_link.h, since Linux 6.7."""
    data = attribute(48, struct.pack("=I", 12)) + attribute(5, struct.pack("=I", 1))
    info = attribute(1, b"bridge\0") + attribute(2, data)
    message = bytes(16) + struct.pack("=BxHiII", 0, 1, 7, 0, 0)
    link = LinkMessage(message + attribute(3, b"br0\0") + attribute(18, info))
    assert (link.name, link.kind) == ("br0", "bridge")
    assert link.info == {"br_fdb_n_learned": 12, "br_stp_state": 1}


def test_later_settings_of_ports_are_read_whatever_the_library_knows() -> None:
    """IFLA_BRPORT_LOCKED is number 39 of linux/if_link.h, IFLA_BRPORT_MAB number 40."""
    data = attribute(39, b"\1") + attribute(40, b"\0")
    info = attribute(4, b"bridge\0") + attribute(5, data)
    message = bytes(16) + struct.pack("=BxHiII", 0, 1, 7, 0, 0)
    link = LinkMessage(message + attribute(3, b"vnet0\0") + attribute(18, info))
    assert link.port == {"brport_locked": 1, "brport_mab": 0}
