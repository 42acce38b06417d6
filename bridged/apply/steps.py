"""What is taken together, and in which order: pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence, Set

from bridged.plan.actions import Action, Activate, AddProfile, ObjectId, UpdateProfile

_Written = AddProfile | UpdateProfile
_WRITTEN = 128
"""Profiles written at once: the watchdog hears of us in between."""
_TOGETHER = 16
"""Activations that are begun at once."""
_FIRST_WAVE, _WAVE = 64, 16
"""Activations whose profiles are written before any of them is begun, first and later.  With each
profile that is written NetworkManager looks through all others for every device that is not active,
which the bridge of a new profile is: with all profiles first, five hundred bridges took four times
as long.  As long as there are few, to be written without others being activated is faster."""


def concerns(activation: Action, action: Action) -> bool:
    """Whether `action` is about the port that is activated, its bridge, or what stands on it.

    Two VLANs may share a parent, two ports of one bridge come up one after the other.
    """
    objects = action.needs | {action.object}
    bridges = {item for item in activation.needs if item.kind == "bridge"}
    return activation.object in objects or not bridges.isdisjoint(objects)


def _bridges(activation: Action) -> set[ObjectId]:
    """The bridges that come up with an activation, of a bridge or for it."""
    return {i for i in activation.needs | {activation.object} if i.kind == "bridge"}


def _takes_along(objects: Collection[ObjectId], bridges: Set[ObjectId], written: Action) -> bool:
    """Whether activations, of these objects and with these bridges, would use a profile before its
    turn has come.

    A port on another bridge stands in nobody's way, though a VLAN on it may need it to be active.
    """
    return written.object in objects or not bridges.isdisjoint(written.needs | {written.object})


def would_take(activation: Action, written: Action) -> bool:
    """Whether an activation under way would use that profile if it were written now."""
    return _takes_along((activation.object,), _bridges(activation), written)


def steps(actions: Iterable[Action]) -> Iterator[Sequence[Action]]:
    """What is taken together, in order.

    What is only written down comes ahead of the activations of other bridges, during which
    NetworkManager is slow to answer; not ahead of the same bridge's, which would take along a port
    that is to be left alone.  Many go in waves.
    """
    written: list[_Written] = []
    waiting: list[Activate] = []
    objects: set[ObjectId] = set()
    bridges: set[ObjectId] = set()
    size = _FIRST_WAVE
    for action in actions:
        if isinstance(action, Activate):
            waiting.append(action)
            objects.add(action.object)
            bridges |= _bridges(action)
            if len(waiting) == size:
                size = _WAVE
                ahead, written = _of_wave(waiting, written)
                yield from _batches(ahead)
                yield from _apart(waiting)
                waiting, objects, bridges = [], set(), set()
            continue
        writes = isinstance(action, AddProfile | UpdateProfile)
        if not writes or _takes_along(objects, bridges, action):
            yield from _batches(written)
            yield from _apart(waiting)
            written, waiting, objects, bridges = [], [], set(), set()
        if isinstance(action, AddProfile | UpdateProfile):
            written.append(action)
        else:
            yield [action]
    yield from _batches(written)
    yield from _apart(waiting)


def _of_wave(
    waiting: Collection[Activate], written: Iterable[_Written]
) -> tuple[list[_Written], list[_Written]]:
    """Of what is to be written, what these activations have to do with, and the rest."""
    objects = {item for action in waiting for item in action.needs | {action.object}}
    bridges = {item for item in objects if item.kind == "bridge"}
    ahead: list[_Written] = []
    rest: list[_Written] = []
    for action in written:
        (ahead if _takes_along(objects, bridges, action) else rest).append(action)
    return ahead, rest


def _apart(waiting: Iterable[Activate]) -> Iterator[Sequence[Action]]:
    """Activations to be begun at once: not too many, and none that has to do with another."""
    batch: list[Activate] = []
    for action in waiting:
        if len(batch) == _TOGETHER or any(concerns(other, action) for other in batch):
            yield batch
            batch = []
        batch.append(action)
    if batch:
        yield batch


def _batches(written: Iterable[_Written]) -> Iterator[Sequence[Action]]:
    """Profiles to be written at once: of one kind, new ones first, each behind what it needs."""
    batch: list[Action] = []
    others: set[ObjectId] = set()
    ahead = sorted(written, key=lambda a: (isinstance(a, UpdateProfile), bool(a.needs)))
    for action in ahead:
        behind = frozenset({action.object})
        if not isinstance(action, AddProfile):  # a new one is taken back if what it needs fails
            behind |= action.needs
        of_another = bool(batch) and type(action) is not type(batch[0])
        if of_another or len(batch) == _WRITTEN or not others.isdisjoint(behind):
            yield batch
            batch, others = [], set()
        batch.append(action)
        others.add(action.object)
    if batch:
        yield batch
