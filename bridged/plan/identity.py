"""Identities that two runs, and two nodes, derive alike: profile UUIDs and bridge addresses."""

from functools import lru_cache
from hashlib import sha256
from uuid import UUID, uuid5

from bridged.observe.host import NetworkManager, Profile
from bridged.plan.actions import ObjectId

_NAMESPACE = UUID("6d1f0f0e-5f0e-5b7c-9a55-b41d6ed00001")
_KINDS = {"bridge": ("bridge",), "vlan": ("vlan",), "802-3-ethernet": ("port",)}


@lru_cache(maxsize=8192)
def profile_uuid(item: ObjectId) -> str:
    """The UUID of the profile that bridged makes for an object: the same in every run."""
    return str(uuid5(_NAMESPACE, str(item)))


def owner(profile: Profile) -> ObjectId | None:
    """The object that bridged made this profile for, None for a profile of somebody else.

    Ownership needs no ledger: a profile is ours when its UUID is the one that we derive from its
    own type and interface.
    """
    for kind in _KINDS.get(profile.type, ()):
        item = ObjectId(kind, profile.interface)  # type: ignore[arg-type]
        if profile.uuid == profile_uuid(item):
            return item
    return None


def makes(profile: Profile, item: ObjectId) -> bool:
    """Whether a profile is of the type that makes an object of this kind."""
    return item.kind in _KINDS.get(profile.type, ())


def owned(nm: NetworkManager) -> tuple[tuple[ObjectId, Profile], ...]:
    """The profiles that bridged made, each with its object."""

    def conclude() -> tuple[tuple[ObjectId, Profile], ...]:
        return tuple((item, profile) for profile in nm.profiles if (item := owner(profile)))

    return nm.once(("owned",), conclude)


def bridge_address(machine_id: str, name: str) -> str:
    """A locally administered unicast address that belongs to this machine and bridge only."""
    digest = sha256(f"bridged:{machine_id}:{name}".encode()).digest()[:6]
    first = (digest[0] & 0xFC) | 0x02
    return ":".join(f"{byte:02x}" for byte in (first, *digest[1:]))
