"""NetworkManager read again and again: do memory and file descriptors stay flat?

Runs inside the namespace laboratory and prints RSS and descriptors along the way as one line of
JSON, and how long a reading takes.
"""

import argparse
import gc
import json
import os
import time
from typing import Any

from bridged.dbus import SystemBus
from bridged.observe.host import NetworkManager
from bridged.observe.networkmanager import NetworkManagerReader
from tests.bench.agent import environment
from tests.bench.idle import descriptors, memory
from tests.bench.layouts import NICS

_SAMPLES = 20


def measure(times: int) -> dict[str, Any]:
    """See the module."""
    reader = NetworkManagerReader(SystemBus())
    rss, files, seconds = [], [], []
    for number in range(times):
        began = time.perf_counter()
        if not isinstance(reader.read(NICS), NetworkManager):
            raise RuntimeError("NetworkManager could not be read")
        seconds.append(time.perf_counter() - began)
        if number % max(times // _SAMPLES, 1) == 0:
            gc.collect()
            rss.append(memory(os.getpid())["rss"])
            files.append(descriptors(os.getpid()))
    return {"readings": times, "seconds": seconds[::10], "rss": rss, "descriptors": files}


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=10_000)
    options = parser.parse_args()
    environment()
    print(json.dumps({"asking": measure(options.times)}))


if __name__ == "__main__":
    main()
