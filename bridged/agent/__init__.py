"""The agent."""

import os

# Nobody's plugins are wanted here, and looking for them reads the metadata of every package.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
