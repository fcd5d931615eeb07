"""A function under `profile_operation`, at its default settings, beside the same function undecorated."""

from __future__ import annotations

import statistics

from benchmarks.race import Row, child

ROUNDS = 5
BAR_PERCENT = 2.0
WORK = ((1.0, 2000), (10.0, 200))
"""Length of a call in milliseconds, and calls of each kind a round."""


def rows() -> list[Row]:
    return [_row(length_ms, calls) for length_ms, calls in WORK]


def _row(length_ms: float, calls: int) -> Row:
    said = [child("benchmarks.profile_operation_timed", length_ms, calls).said for _ in range(ROUNDS)]
    overhead = {
        kind: [100 * round_[f"more_{kind}"] / round_[f"plain_{kind}"] for round_ in said]
        for kind in ("cpu", "wall")
    }
    plain = statistics.median(round_["plain_cpu"] for round_ in said)
    cpu, wall = (statistics.median(found) for found in overhead.values())
    added = statistics.median(round_["more_cpu"] for round_ in said)
    print(
        f"  a call of {plain / 1000:.2f} ms: +{added:.1f} µs; CPU {cpu:.2f} % ({min(overhead['cpu']):.2f} to "
        f"{max(overhead['cpu']):.2f}), wall {wall:.2f} % ({min(overhead['wall']):.2f} to {max(overhead['wall']):.2f})"
    )
    return Row(
        f"`profile_operation` around calls of about {length_ms:g} ms / the function undecorated (CPU and wall)",
        f"< {BAR_PERCENT:g} % more", f"{cpu:.2f} %, {wall:.2f} %", max(cpu, wall) < BAR_PERCENT,
    )  # fmt: skip
