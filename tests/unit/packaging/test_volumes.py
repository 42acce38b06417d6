"""A state as the kubelet mounts it: what may be trusted, and what may not."""

from pathlib import Path

import pytest

from bridged.desired.errors import StateError
from bridged.desired.files import read


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """The links of the kubelet's atomic writer: what stands at the top leads through ..data."""
    root, data = tmp_path / "bridged", tmp_path / "bridged" / "..2026_11_25"
    (data / "state.d").mkdir(parents=True)
    (data / "state.yaml").write_text("version: 1\nmodules: [kvm]\n")
    (data / "state.d" / "20-gpu.yaml").write_text("modules: [vfio]\n")
    for path in (data, data / "state.d"):
        path.chmod(0o755)
    for path in data.rglob("*.yaml"):
        path.chmod(0o644)
    (root / "..data").symlink_to(data.name)
    for name in ("state.yaml", "state.d"):
        (root / name).symlink_to(f"..data/{name}")
    return root


def test_a_projected_volume_is_sticky_and_is_read(volume: Path) -> None:
    """A tmpfs: mode 1777, so nobody can replace what belongs to root."""
    volume.chmod(0o1777)
    assert [Path(source.name).name for source in read(volume / "state.yaml")] == [
        "state.yaml",
        "20-gpu.yaml",
    ]


def test_a_config_map_volume_is_writable_by_everybody_and_is_refused(volume: Path) -> None:
    """An emptyDir underneath: mode 0777."""
    volume.chmod(0o777)
    with pytest.raises(StateError) as caught:
        read(volume / "state.yaml")
    assert "can be written by its group and everybody" in str(caught.value)
