"""One sweep over a log: `python -m benchmarks.alert_sweep_timed fifty|all|rules|numpy FILE`.

`rules` is what a sweep takes the place of: a file with as many rules, in one pass. `numpy` is a sweep as one would
write it by hand: the counts of all ticks as a matrix, from Polars, and the state machine of each threshold with
whole-array operations. All say how many firings the thresholds have and for how many seconds they last.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.timed import timed
from onex_analytics.alerting import Evaluation, Rule, RuleSet, sweep

way, log = sys.argv[1:3]
THRESHOLDS = [float(threshold) for threshold in range(50)]
MINUTE = 60_000_000
WINDOW, HOLD, KEEP = 10, 3, 5
"""In minutes, which are the ticks."""


def rule(threshold: float) -> Rule:
    return Rule.model_validate({
        "alert": f"Failing {threshold}", "by": ["node"], "for": f"{HOLD}m", "keep_firing_for": f"{KEEP}m",
        "when": {"count": {"of": "outcome == 'failure'", "window": f"{WINDOW}m"}, "op": ">", "threshold": threshold},
    })  # fmt: skip


def of_ours(events: pl.LazyFrame, thresholds: Any) -> dict[str, Any]:
    found = sweep(rule(0), events, thresholds)
    some = found.filter(pl.col("threshold").is_in(THRESHOLDS))
    return {"rows": found.height, "firings": some["firings"].sum(), "firing_s": some["firing_s"].sum()}


def of_rules(events: pl.LazyFrame) -> dict[str, Any]:
    """Transitions only: no pages, no summaries."""
    held = events.sort("timestamp").collect()
    group = {"name": "g", "interval": "1m", "rules": [rule(threshold) for threshold in THRESHOLDS]}
    evaluation = Evaluation(RuleSet.model_validate({"groups": [group]}), held.schema)
    states = evaluation.process_in_order(held)
    fires, ends = (states.filter(state=state) for state in ("firing", "resolved"))
    end = evaluation.clock
    lasts = (fires["at"] - end).sum() - (ends["at"] - end).sum()  # type: ignore[operator]
    return {"rows": len(THRESHOLDS), "firings": fires.height, "firing_s": -lasts.total_seconds()}


def of_numpy(events: pl.LazyFrame) -> dict[str, Any]:
    """Ticks are counted from the first one at or after the first event, to the last one before the last event."""
    at = pl.col("timestamp").to_physical()
    first, last, nodes = events.select(
        (-(-at.min() // MINUTE)).alias("first"), ((at.max() - 1) // MINUTE).alias("last"),
        pl.col("node").unique().sort().implode().alias("nodes"),
    ).collect().row(0)  # fmt: skip
    ticks = last - first + 1
    numbers = pl.DataFrame({"node": nodes}).with_row_index("place")
    cells = (
        events.join(numbers.lazy(), on="node")
        .group_by("place", tick=-(-at // MINUTE) - first)
        .agg(failed=(pl.col("outcome") == "failure").sum())
        .filter(pl.col("tick") < ticks)
        .collect()
    )
    counted = np.zeros((numbers.height, ticks), np.int32)
    counted[cells["place"].to_numpy(), cells["tick"].to_numpy()] = cells["failed"].to_numpy()
    value = np.cumsum(counted, axis=1, dtype=np.int32)
    value[:, WINDOW:] -= value[:, :-WINDOW].copy()
    firings = ticks_firing = 0
    for fires in states_of(value):
        ticks_firing += int(fires.sum())
        firings += int(fires[:, 0].sum() + (fires[:, 1:] & ~fires[:, :-1]).sum())
    return {"rows": len(THRESHOLDS), "firings": firings, "firing_s": ticks_firing * 60.0}


def states_of(value: NDArray[np.int32]) -> Iterator[NDArray[np.bool_]]:
    """Whether each tick of each node fires, threshold by threshold."""
    place = np.broadcast_to(np.arange(1, value.shape[1] + 1, dtype=np.int32), value.shape)
    for threshold in THRESHOLDS:
        holds = value > threshold
        held = np.maximum.accumulate(np.where(holds, place, -KEEP - 1), axis=1)
        failed = np.maximum.accumulate(np.where(holds, 0, place), axis=1)
        born = np.maximum.accumulate(np.where(place - failed > HOLD, place, 0), axis=1)
        broken = np.maximum.accumulate(np.where(place - held > KEEP, place, 0), axis=1)
        yield born > broken


ways = {
    "fifty": lambda events: of_ours(events, THRESHOLDS), "all": lambda events: of_ours(events, "all"),
    "rules": of_rules, "numpy": of_numpy,
}  # fmt: skip
read = pl.scan_parquet(log).select("timestamp", "node", "outcome", "event_id", "adjusted_count")
ways[way](read.head(50_000))  # kernels are loaded before the clock runs
timed(lambda: ways[way](read))
