"""Files that are kept as declared: content, owner and mode, and what is around them."""

from bridged.desired.state import State
from bridged.explain.places import Places
from bridged.explain.records import PropertyView
from bridged.observe.host import Host
from bridged.plan.files import kept_files
from bridged.report import PropertyDrift

Parts = tuple[tuple[PropertyView, ...], tuple[tuple[str, str], ...], str]
"""Properties, facts, and where the file is declared."""


def kept_parts(
    state: State, host: Host, path: str, drift: dict[str, PropertyDrift], places: Places
) -> Parts:
    """A kept file; nothing where `path` is none."""
    wanted = kept_files(state).get(path)
    if wanted is None:
        return (), (), ""
    seen = host.kept.get(path)
    have = {
        "content": "as declared",
        "owner": seen.owner if seen else "",
        "mode": f"{seen.mode:04o}" if seen else "",
    }
    there = seen is not None and seen.content is not None
    at = ("kubernetes", wanted.word)
    rows = tuple(
        PropertyView(
            name,
            desired,
            places.value(name != "content", *at, name),
            drift[name].kernel if name in drift else have[name] if there else None,
            differs=name in drift,
        )
        for name, desired in (
            ("content", "as declared"),
            ("owner", wanted.kept.owner),
            ("mode", wanted.kept.mode),
        )
    )
    facts = [("made by", f"bridgedctl render {wanted.word}")]
    if not wanted.kept.enforce:
        facts.append(("enforce", "false: it is only looked at"))
    if wanted.word == "kubeadm" and host.kubeadm.answer not in {"absent", "asking"}:
        facts.append(("kubeadm", f"{host.kubeadm.answer} {host.kubeadm.said}".strip()))
    return rows, tuple(facts), places.of(*at, "file")
