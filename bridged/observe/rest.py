"""The rest of the node in one reading: packages, containerd, swap, cgroups, work aside."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from bridged.observe.containerd import ContainerdReader
from bridged.observe.host import Interest
from bridged.observe.memory import MemoryReader
from bridged.observe.node import Job, Node, Packages


class RestReader:
    """`packages` answers at once with what was last read of the names; `jobs` is work aside."""

    def __init__(
        self,
        packages: Callable[[Iterable[str]], Packages],
        containerd: ContainerdReader,
        memory: MemoryReader,
        jobs: Callable[[], Mapping[str, Job]],
    ) -> None:
        self._packages = packages
        self._containerd = containerd
        self._memory = memory
        self._jobs = jobs

    def read(self, wanted: Interest) -> Node:
        """What there is now."""
        jobs = self._jobs()
        if wanted.impatient:
            jobs = {key: replace(job, retry=0.0) for key, job in jobs.items()}
        spec = wanted.containerd
        containerd = None
        if spec is not None:
            programs = (spec.oci_runtime, spec.oci_runtime_path or "")
            containerd = self._containerd.read(
                spec.config, spec.socket, tuple(filter(None, programs))
            )
        return Node(
            packages=self._packages(wanted.packages) if wanted.packages else Packages(),
            containerd=containerd,
            swaps=self._memory.swaps(),
            swap_at_boot=self._memory.at_boot(),
            cgroup=self._memory.cgroup(),
            memory=self._memory.available(),
            jobs=jobs,
        )
