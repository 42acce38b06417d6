"""What in the repository is made from the code: ``python -m bridged.generate`` writes it, and with
``--check`` only says what is out of date (exit code 1)."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bridged.desired import reference, schema
from bridged.generate import completion, manual
from bridged.serve import catalogue

ROOT = Path(__file__).resolve().parents[2]


def files() -> dict[str, Callable[[], str]]:
    """Path below the repository -> what makes it."""
    found: dict[str, Callable[[], str]] = {
        "config/state.schema.json": schema.text,
        "docs/state-file.md": reference.reference,
        "docs/metrics.md": catalogue.markdown,
        "packaging/man/bridgedctl.1": manual.bridgedctl,
        "packaging/man/bridged.8": manual.bridged,
        "packaging/man/bridged-state.5": manual.state,
    }
    for shell, name in completion.SHELLS.items():
        found[f"packaging/completion/{name}"] = partial(completion.script, shell)
    return found


def stale() -> list[str]:
    """The files that are not as they would be made now."""
    return [path for path, make in files().items() if _text(ROOT / path) != make()]


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def main() -> int:
    """Write what is out of date, or say it."""
    found = stale()
    for path in found:
        print(path)
        if "--check" not in sys.argv:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(files()[path](), encoding="utf-8")
    if found and "--check" in sys.argv:
        print("out of date; run: make generated", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
