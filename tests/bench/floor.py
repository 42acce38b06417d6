"""The floor: the least that can put a fault right, for one fault, with nothing else to do.

    python3 -m tests.bench.floor FAULT

It waits for the kernel's messages, looks whether the fault is there, and sends the change that
mends it.  No desired state, no planning, no NetworkManager, no journal.  What bridged takes above
this is the price of deciding.
"""

import sys

from tests.bench.faults import BY_NAME
from tests.lab.demo_links import Changes, Links


def main() -> None:
    """Mend until killed."""
    fault = BY_NAME[sys.argv[1]]
    links, changes = Links(), Changes()
    print("ready", flush=True)
    while True:
        if links.wait(60) is not None and fault.wrong(links):
            fault.mend(links, changes)


if __name__ == "__main__":
    main()
