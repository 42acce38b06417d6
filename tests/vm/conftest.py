"""Fixtures of the virtual machine: each test has a machine that continues from a snapshot."""

from collections.abc import Iterator

import pytest

from tests.lab.node import Node
from tests.lab.qemu import Snapshot
from tests.lab.vm import VmLab, missing, with_checkout


@pytest.fixture(scope="session")
def pristine_snapshot() -> Snapshot:
    """The booted machine with the checkout in it, not installed.  Skips where it cannot run."""
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    return with_checkout()


@pytest.fixture
def vm(pristine_snapshot: Snapshot) -> Iterator[VmLab]:
    """A pristine machine of the test's own; `vm.install()` installs bridged in it."""
    lab = VmLab(pristine_snapshot)
    yield lab
    lab.close()


@pytest.fixture
def node(vm: VmLab) -> Node:
    """The same, for scenarios that run in the namespace laboratory too."""
    return vm
