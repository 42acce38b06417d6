"""What an agent hardly ever needs is not loaded with it, and is there when it is needed."""

import subprocess
import sys

import pytest

RARE = (
    "asyncio.events",
    "watchfiles.main",
    "anyio",
    "pyroute2.ndb",
    "bridged.explain.explain",
    "bridged.view.page",
    "bridged.doctor",
    "bridged.exchange",
)


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    return done.stdout.strip()


def test_an_agent_does_not_load_what_it_hardly_ever_needs() -> None:
    loaded = f"*[name for name in {RARE!r} if name in sys.modules]"
    assert run(f"import sys, bridged.agent.main; print({loaded})") == ""


@pytest.mark.parametrize(
    ("module", "use", "shown"),
    [
        ("asyncio", "asyncio.run(asyncio.sleep(0, 'slept'))", "slept"),
        ("ssl", "ssl.TLSVersion['TLSv1_2'].name", "TLSv1_2"),
        ("importlib.metadata", "importlib.metadata.PackageNotFoundError.__name__", "PackageNot"),
        ("asyncio.queues", "asyncio.queues.Queue.__name__", "Queue"),
    ],
)
def test_what_was_put_off_is_whole_when_it_is_used(module: str, use: str, shown: str) -> None:
    assert run(f"import bridged.agent.main, {module}; print({use})").startswith(shown)


def test_several_threads_that_need_it_at_once_all_get_it() -> None:
    code = """
from bridged.lean import defer
defer("asyncio")
import asyncio
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(16) as pool:
    found = list(pool.map(lambda _: asyncio.Queue.__name__, range(64)))
print(set(found))
"""
    assert run(code) == "{'Queue'}"
