#!/usr/bin/env python3
"""Writes the dashboards: `python3 config/grafana/generate.py` puts bridged-node.json and
bridged-fleet.json beside this file, `generate.py DIR` into DIR.

What they show is written in node.py and fleet.py, how Grafana wants it in panels.py.
"""

import json
import sys
from pathlib import Path

from fleet import fleet
from node import node


def main(folder: Path) -> None:
    """Writes both dashboards into `folder`."""
    for made in (node(), fleet()):
        text = json.dumps(made, indent=2) + "\n"
        (folder / f"{made['uid']}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
