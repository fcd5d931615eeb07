"""One emitted event through the pipeline (sample, size, protect by nothing, batch) beside `json.dumps` of it alone."""

from __future__ import annotations

from benchmarks.logs import log_of
from benchmarks.race import Row, child, in_turn, spread

ROUNDS = 5
EVENTS = 100_000
BAR_US = 15.0


def rows() -> list[Row]:
    log = log_of(EVENTS)
    ours, plain = in_turn(
        ROUNDS,
        lambda: child("benchmarks.pipeline_timed", "ours", log),
        lambda: child("benchmarks.pipeline_timed", "nothing", log),
    )
    each = sorted(run.seconds / run.said["events"] * 1e6 for run in ours)[ROUNDS // 2]
    alone = sorted(run.seconds / run.said["events"] * 1e6 for run in plain)[ROUNDS // 2]
    print(f"  pipeline {spread(ours)}; json.dumps {spread(plain)}, of {ours[0].said['events']:,.0f} events")
    what = "`EventPipeline.emit`, all stages but encryption, an event (json.dumps alone: " + f"{alone:.1f} µs)"
    return [Row(what, f"≤ {BAR_US:g} µs", f"{each:.1f} µs, {each / alone:.1f} ×", each <= BAR_US)]
