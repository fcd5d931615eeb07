"""What this process says of itself: resident memory, its peak, and the time that garbage collection took."""

from __future__ import annotations

import gc
import os
import sys
import time
from typing import Final

if sys.platform != "win32":
    import resource

MB: Final = 1 << 20
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
_STATM = "/proc/self/statm"


_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class _Statm:
    """The file in which Linux says how many pages are resident, held open."""

    def __init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Open it anew: what was open before a fork goes on to tell of the parent."""
        try:
            self.file: int | None = os.open(_STATM, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self.file = None


_STATM_FILE = _Statm()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_STATM_FILE.open)


def memory_mb() -> float | None:
    """Resident memory of this process now, in MB of 2^20 bytes; None where the system does not say (no /proc)."""
    if _STATM_FILE.file is None:
        return None
    return int(os.pread(_STATM_FILE.file, 64, 0).split(None, 2)[1]) * _PAGE_BYTES / MB


def peak_memory_mb() -> float | None:
    """The most memory that was ever resident of this process, in MB of 2^20 bytes; None where nobody says."""
    if sys.platform == "win32":
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT / MB


class MemoryMeter:
    """Resident memory and its peak, read from the system at most once in `fresh_ms`: each reading is a system call."""

    def __init__(self, fresh_ms: float) -> None:
        self._fresh_ns, self._read_at_ns = int(fresh_ms * 1e6), 0
        self._held: tuple[float | None, float | None] = (None, None)

    def read(self) -> tuple[float | None, float | None]:
        """`memory_mb` and `peak_memory_mb`, no older than that."""
        now = time.monotonic_ns()
        if now - self._read_at_ns >= self._fresh_ns or self._read_at_ns == 0:
            self._held, self._read_at_ns = (memory_mb(), peak_memory_mb()), now
        return self._held


MEMORY: Final = MemoryMeter(fresh_ms=5)


class GcClock:
    """Time that garbage collection took in this process, from the first `listen` on.

    A collection stops every thread that runs Python, so it counts for all operations that are under way.
    """

    def __init__(self) -> None:
        self.total_ns = 0
        self._began_ns = 0

    def listen(self) -> None:
        """Count from now on, for as long as the process runs; once is enough."""
        if self._told not in gc.callbacks:
            gc.callbacks.append(self._told)

    def _told(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began_ns = time.perf_counter_ns()
        elif self._began_ns:
            self.total_ns += time.perf_counter_ns() - self._began_ns
            self._began_ns = 0


GC_CLOCK: Final = GcClock()
