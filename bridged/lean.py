"""Modules that are hardly ever used are loaded when something of them is.

Libraries import more than they use here: structlog imports asyncio, which imports ssl and with it
OpenSSL; pydantic the metadata of packages.  Together that is 10 MB of a process that is to be
small, and a fifth of the time that it takes to start.
"""

import importlib.util
import sys
from threading import RLock
from types import ModuleType
from typing import Any

_LOCK = RLock()


class _Deferred(ModuleType):
    """A module whose code runs when the first thing is asked of it that only the code can give.

    importlib's own LazyLoader does not do: there `import asyncio` alone, which asks for
    ``__spec__``, is such a first thing.
    """

    def __getattr__(self, name: str) -> Any:
        spec = self.__spec__
        if spec is None or spec.loader is None or (name.startswith("__") and name != "__all__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        with _LOCK:
            if not self.__dict__.get("_deferred_loading"):
                self._deferred_loading = True
                spec.loader.exec_module(self)
                self.__class__ = ModuleType  # type: ignore[assignment]
        return ModuleType.__getattribute__(self, name)


def defer(*names: str) -> None:
    """Let these modules be loaded with the first look at what is in them; those that are loaded
    already, or that there are not, stay as they are."""
    for name in names:
        spec = None if name in sys.modules else importlib.util.find_spec(name)
        if spec is None:
            continue
        module = importlib.util.module_from_spec(spec)
        module.__class__ = _Deferred
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
