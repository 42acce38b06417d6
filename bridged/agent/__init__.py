"""The agent.  What it hardly ever needs is put off before anything here imports it."""

import logging
import os

from bridged.lean import defer

# Of watchfiles only its core is used; the rest brings anyio along.
defer("asyncio", "ssl", "importlib.metadata", "watchfiles")
# Or every record of a log would ask asyncio for its task.
logging.logAsyncioTasks = False  # type: ignore[attr-defined]
# Nobody's plugins are wanted here, and looking for them reads the metadata of every package.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
