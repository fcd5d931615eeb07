"""Self time and critical path of 4 M spans in memory, beside plain Python loops over some of the same traces."""

from __future__ import annotations

from benchmarks.race import Row, child, in_turn, median, spread
from benchmarks.traces import traces_of

ROUNDS, SPANS, FEW = 3, 4_000_000, 10_000
BAR = 1.5


def rows() -> list[Row]:
    where = traces_of(SPANS)
    found = []
    for what in ("self_time", "critical_path"):
        ours, loop = in_turn(
            ROUNDS,
            lambda what=what: child("benchmarks.trees_timed", "ours", what, where, FEW),
            lambda what=what: child("benchmarks.trees_timed", "loop", what, where, FEW),
        )
        assert ours[0].said["agreed"] == loop[0].said["agreed"]
        speed, theirs = (runs[0].said["spans"] / median(runs) / 1e6 for runs in (ours, loop))
        peak = max(run.peak_mb for run in ours)
        print(f"  {what}: {spread(ours)}, peak {peak:.0f} MB; loop over {loop[0].said['spans']} spans: {spread(loop)}")
        found.append(
            Row(
                f"`{what}` of {SPANS / 1e6:.0f} M spans, columns read from memory / a Python loop ({theirs:.2f} M/s)",
                f"≥ {BAR} M spans/s", f"{speed:.2f} M spans/s", speed >= BAR,
            )
        )  # fmt: skip
    return found
