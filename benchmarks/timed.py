"""The inside of one run: time a block and print what `race.child` reads."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from typing import Any


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(work: Callable[[], dict[str, Any] | None]) -> None:
    """Run `work` once, and print its times, the process's peak of memory, and what it returned, as one JSON line."""
    cpu, began = cpu_seconds(), time.perf_counter()
    said = work() or {}
    seconds, used = time.perf_counter() - began, cpu_seconds() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu_seconds": used, "peak_mb": peak, **said}))
