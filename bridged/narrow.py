"""Importing one module of a package without the work of the package.

Python runs a package's ``__init__`` for every module below it.  Where that imports the whole
library it costs what nobody here uses: pyroute2 150 ms and 20 MB, watchfiles (for its asyncio
interface) 30 ms and 3 MB.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any


class _NarrowPackage(ModuleType):
    """A package without the work of its ``__init__``, which runs once it is needed."""

    def __getattr__(self, name: str) -> Any:
        spec = self.__spec__
        if name.startswith("__") or spec is None or spec.loader is None:
            raise AttributeError(name)
        if importlib.util.find_spec(f"{spec.name}.{name}") is not None:
            return importlib.import_module(f"{spec.name}.{name}")
        self.__class__ = ModuleType  # type: ignore[assignment]
        spec.loader.exec_module(self)
        return getattr(self, name)


def narrow(name: str) -> None:
    """Have modules of the package `name` imported by themselves from now on.  Whoever asks the
    package for more gets all of it; one that is there already stays as it is."""
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is not None:
        package = importlib.util.module_from_spec(spec)
        package.__class__ = _NarrowPackage
        sys.modules[name] = package
