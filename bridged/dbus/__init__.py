"""The system bus: the only package that touches pydbus and gi.

pydbus gives the connection and the subscriptions.  Calls go over its connection with explicit
signatures and time limits: its proxies introspect every object again, wait for ever unless told
otherwise, and lose the types that NetworkManager needs back (pydbus issues 99 and 81, and the code
of pydbus/timeout.py).  `pydbus.connect` is used rather than `SystemBus`, whose shared connection
ends the process when the bus goes away.  Never fork once a connection is open: spawn.
"""

from bridged.dbus.connection import Bus, Call, SystemBus
from bridged.dbus.errors import kind_of
from bridged.dbus.signals import Listener, Match, Signal, Signals, name_owner
from bridged.dbus.values import Objects, Variant, entries, plain, variant

__all__ = [
    "Bus",
    "Call",
    "Listener",
    "Match",
    "Objects",
    "Signal",
    "Signals",
    "SystemBus",
    "Variant",
    "entries",
    "kind_of",
    "name_owner",
    "plain",
    "variant",
]
