"""The import of pydbus and gi, which may be missing: every other world goes on without them."""

try:
    import pydbus
    from gi.repository import Gio, GLib
except ImportError as error:
    pydbus = Gio = GLib = None
    MISSING = str(error)
else:
    MISSING = ""

__all__ = ["MISSING", "GLib", "Gio", "pydbus"]
