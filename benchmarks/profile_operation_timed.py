"""Calls of a function, undecorated and under `profile_operation`, one after the other in one process.

Each call is timed by the CPU time of its thread and by the wall; the two kinds take turns, block by block of a few
calls, so that a noisy moment strikes both. What is told are medians, in microseconds: of the undecorated blocks' median
call, and of what the decorated block beside it took more.
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable

from benchmarks.timed import timed
from onex_analytics.model import PerformanceProfileEvent
from onex_analytics.profiling import profile_operation

WARM_UP_BLOCKS = 2
BLOCK = 20


def workload(target_ms: float) -> Callable[[], int]:
    """A function of plain Python and of hashing, such as a node's work on a small document, that takes so long."""
    document = [{"key": f"field_{n}", "value": n * 1.5, "tags": ["a", "b"]} for n in range(40)]

    def work(rounds: int) -> int:
        kept = 0
        for turn in range(rounds):
            lines = [f"{row['key']}={row['value'] + turn:.2f};{','.join(row['tags'])}" for row in document]
            kept += hashlib.sha256("\n".join(sorted(lines)).encode()).digest()[0]
        return kept

    taken = []
    for _ in range(20):
        began = time.thread_time()
        work(10)
        taken.append((time.thread_time() - began) / 10)
    rounds = max(1, round(target_ms / 1000 / statistics.median(taken)))
    return lambda: work(rounds)


def compared(target_ms: float, calls: int) -> dict[str, float]:
    kept: deque[PerformanceProfileEvent] = deque(maxlen=1000)
    plain = workload(target_ms)
    decorated = profile_operation("work", emit=kept.append, node_id="bench_node")(plain)
    taken: dict[str, list[float]] = {"plain_cpu": [], "plain_wall": [], "decorated_cpu": [], "decorated_wall": []}
    for block in range(calls // BLOCK + WARM_UP_BLOCKS):
        # who goes first changes from block to block
        turns = [("plain", plain), ("decorated", decorated)]
        for name, function in turns if block % 2 else reversed(turns):
            cpu_ns, wall_ns = [], []
            for _ in range(BLOCK):
                cpu, wall = time.thread_time_ns(), time.perf_counter_ns()
                function()
                wall_ns.append(time.perf_counter_ns() - wall)
                cpu_ns.append(time.thread_time_ns() - cpu)
            if block >= WARM_UP_BLOCKS:
                taken[f"{name}_cpu"].append(statistics.median(cpu_ns))
                taken[f"{name}_wall"].append(statistics.median(wall_ns))
    assert kept[-1].profile.success
    told = {}
    for kind in ("cpu", "wall"):
        plain_ns, decorated_ns = taken[f"plain_{kind}"], taken[f"decorated_{kind}"]
        told[f"plain_{kind}"] = statistics.median(plain_ns) / 1000
        more = [after - before for before, after in zip(plain_ns, decorated_ns, strict=True)]
        told[f"more_{kind}"] = statistics.median(more) / 1000
    return told


if __name__ == "__main__":
    timed(lambda: compared(float(sys.argv[1]), int(sys.argv[2])))
