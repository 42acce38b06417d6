"""Runs the tests of the folder `worlds` inside a laboratory, where they drive the real worlds."""

import pytest

from tests.lab.netns import NetnsLab

MODULES = ("dbus", "links", "netlink", "networkmanager", "observer", "probes", "reading")


@pytest.mark.parametrize("module", MODULES)
def test_the_real_worlds_behave(lab: NetnsLab, module: str) -> None:
    """A failure shows what pytest said inside."""
    file = f"{lab.source}/tests/netns/worlds/inside_{module}.py"
    done = lab.run(
        "python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest", file,
        env={"NMLAB": "1"},
        timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-12000:]}{done.stderr[-2000:]}"
