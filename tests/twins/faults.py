"""How a twin is told to fail, or to die in the middle."""

from bridged.errors import ErrorKind, WorldError


class Killed(BaseException):
    """The agent was killed here.  Not an Exception: nothing in the product may catch it."""


class Faults:
    """Armed failures, and a log of every write that was let through.

    `fail("activate", "failed", times=2)` makes the next two such writes fail; `kill_after(n)` lets
    n more writes through and dies before the next.
    """

    def __init__(self) -> None:
        self.writes: list[str] = []
        self._armed: dict[str, list[tuple[ErrorKind, str]]] = {}
        self._left: int | None = None

    def fail(self, call: str, kind: ErrorKind = "failed", times: int = 1, text: str = "") -> None:
        """Let the next `times` calls of that name fail."""
        self._armed.setdefault(call, []).extend(
            [(kind, text or f"{call} was told to fail")] * times
        )

    def kill_after(self, writes: int | None) -> None:
        """Die before the write after the next `writes` ones; None calls that off."""
        self._left = writes

    def write(self, call: str, what: str) -> None:
        """Called by the twins ahead of every write of the product."""
        if self._left is not None:
            if self._left == 0:
                raise Killed(call)
            self._left -= 1
        self.read(call)
        self.writes.append(f"{call} {what}")

    def read(self, call: str) -> None:
        """Called by the twins ahead of readings that can fail."""
        if self._armed.get(call):
            kind, text = self._armed[call].pop(0)
            raise WorldError(kind, text)
