"""Planning the files that are kept as declared: those for Kubernetes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from bridged.desired.kubernetes import Kept, Kubernetes
from bridged.desired.state import State
from bridged.kubernetes.checks import CONTAINERD, MULTUS, address_problem, address_remedy, find
from bridged.kubernetes.cilium import cilium_values
from bridged.kubernetes.kubeadm import kubeadm_conf
from bridged.kubernetes.text import difference
from bridged.observe.host import Host, KeptFile
from bridged.plan.actions import KeepFile, ObjectId
from bridged.plan.context import Context
from bridged.plan.result import Verdict
from bridged.report import Finding, PropertyDrift


@dataclass(frozen=True, slots=True)
class Wanted:
    """A kept file: how it is kept, its text, and the word that `bridgedctl render` knows it by."""

    kept: Kept
    text: str
    word: str


@dataclass(frozen=True, slots=True)
class Readings:
    """What else is looked at: files by their text, paths by their presence."""

    files: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()


def kept_files(state: State) -> Mapping[str, Wanted]:
    """The kept files by path."""
    return _kept_files(state.kubernetes) if state.kubernetes is not None else {}


@lru_cache(maxsize=4)
def _kept_files(kubernetes: Kubernetes) -> Mapping[str, Wanted]:
    texts = {"kubeadm": kubeadm_conf(kubernetes), "cilium": cilium_values(kubernetes) or ""}
    return {path: Wanted(kept, texts[word], word) for word, kept, path in kubernetes.files()}


def conf(state: State) -> str:
    """The text that kubeadm is asked about, empty where none is kept."""
    wanted = kept_files(state).values()
    return next((file.text for file in wanted if file.word == "kubeadm"), "")


def readings(state: State) -> Readings:
    """What the findings about Kubernetes go by."""
    if state.kubernetes is None:
        return Readings()
    return Readings(frozenset({CONTAINERD}), frozenset(MULTUS))


def find_of_kubernetes(context: Context) -> Iterator[Finding]:
    """What the declared values and this node do not agree on."""
    kubernetes, host = context.state.kubernetes, context.host
    if kubernetes is None:
        return
    yield from find(kubernetes, host)
    paths = [path for path, file in kept_files(context.state).items() if file.word == "kubeadm"]
    for path in paths:
        if host.kubeadm.answer == "refuses":
            yield Finding(
                "kubeadm-refuses",
                f"kubeadm does not take the declared kubeadm.conf: {host.kubeadm.said}",
                "correct the section kubernetes; is this kubeadm of the declared version?",
                f"file/{path}",
            )
        elif host.kubeadm.answer == "silent":
            yield Finding(
                "kubeadm-silent",
                f"kubeadm.conf is not checked: {host.kubeadm.said}",
                f"kubeadm config validate --config {path}",
                f"file/{path}",
            )


def plan_kept(context: Context) -> list[Verdict]:
    """The verdicts on the kept files."""
    return [_plan(context, path, file) for path, file in kept_files(context.state).items()]


def _plan(context: Context, path: str, wanted: Wanted) -> Verdict:
    item = ObjectId("file", path)
    seen = context.host.kept.get(path)
    if seen is None or seen.unseen:
        seen = seen or KeptFile(obstacle=f"{path} was not read", remedy="journalctl -u bridged -e")
        return Verdict(item, "blocked", seen.obstacle, seen.remedy)
    differs = "missing" if seen.content is None else difference(wanted.text, seen.content)
    drift = tuple(_drift(wanted.kept, seen, differs))
    if not drift:
        return Verdict(item)
    # What only says it in other words is left as it was written.
    keeps = seen.content is not None and not differs
    content = seen.content if keeps and seen.content is not None else wanted.text
    write = KeepFile(
        object=item,
        reason=f"{path}: {drift[0].property} {drift[0].kernel}",
        path=path,
        content=content,
        owner=wanted.kept.owner,
        mode=int(wanted.kept.mode, 8),
    )
    if not wanted.kept.enforce:
        return Verdict(
            item,
            "withheld",
            "it is not as declared, and enforce: false leaves that to you",
            f"{_by_hand(wanted, path, drift)}; or write enforce: true",
            drift,
            left=(write,),
        )
    obstacle = _obstacle(context.host, context.state.kubernetes, wanted, seen)
    if obstacle is not None:
        condition, reason, remedy = obstacle
        return Verdict(item, condition, reason, remedy, drift)
    return Verdict(item, "drift", drift=drift, actions=(write,))


def _by_hand(wanted: Wanted, path: str, drift: tuple[PropertyDrift, ...]) -> str:
    commands = {
        "content": f"bridgedctl render {wanted.word} > {path}",
        "owner": f"chown {wanted.kept.owner} {path}",
        "mode": f"chmod {wanted.kept.mode} {path}",
    }
    return " && ".join(commands[item.property] for item in drift)


def _drift(kept: Kept, seen: KeptFile, differs: str) -> Iterator[PropertyDrift]:
    if differs:
        yield PropertyDrift("content", "as declared", differs)
    if seen.content is None:
        return
    if not seen.belongs_to(kept.owner):
        yield PropertyDrift("owner", kept.owner, seen.owner)
    if seen.mode != int(kept.mode, 8):
        yield PropertyDrift("mode", kept.mode, f"{seen.mode:04o}")


def _obstacle(
    host: Host, kubernetes: Kubernetes | None, wanted: Wanted, seen: KeptFile
) -> tuple[Literal["blocked", "pending"], str, str] | None:
    """Why the file is not written now."""
    if seen.obstacle:
        return "blocked", seen.obstacle, seen.remedy
    if kubernetes is not None and (problem := address_problem(kubernetes, host)):
        return "blocked", problem, address_remedy(kubernetes, host)
    if wanted.word == "kubeadm" and host.kubeadm.answer == "asking":
        return "pending", "kubeadm is asked whether it takes it", ""
    if wanted.word == "kubeadm" and host.kubeadm.answer == "refuses":
        return (
            "blocked",
            f"kubeadm does not take it: {host.kubeadm.said}",
            "correct the section kubernetes; is this kubeadm of the declared version?",
        )
    return None
