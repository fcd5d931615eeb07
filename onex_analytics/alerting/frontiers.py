"""Which thresholds are worth a thought: those that no other beats in precision, recall and delay together."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right

import polars as pl

from onex_analytics.alerting.sweeps import SWEEP
from onex_analytics.exceptions import InvalidOption, MissingColumns

FRONTIER = pl.Schema({
    "precision": pl.Float64(),               # with `recall` and `delay_s_p50`: one row each
    "recall": pl.Float64(),
    "delay_s_p50": pl.Float64(),             # null: fewer than half of the incidents are ever known of
    "best": pl.Boolean(),                    # none is as good in all three and better in one
    "rows": pl.Int64(),                      # of the sweep, that come to this
    "window": SWEEP["window"],               # of the one with the fewest firings
    "for": SWEEP["for"],
    "threshold": SWEEP["threshold"],
    "firings": SWEEP["firings"],
    "pages_per_day": SWEEP["pages_per_day"],
})
"""One row a precision, recall and delay, the highest recall and precision first."""

_SCORES = ("recall", "precision", "delay_s_p50")


def frontier(sweep: pl.DataFrame) -> pl.DataFrame:
    """What precision, recall and delay a sweep can have, and which of them nothing beats.

    Args:
        sweep: the result of `sweep`, made with incidents.

    Returns:
        `FRONTIER`: thresholds at which nothing fires have no precision, and no row.

    Raises:
        InvalidOption: the sweep was made without incidents.
        MissingColumns: this is no sweep.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import load_rules, sweep
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> rush = [{"id": "rush", "start": start, "end": start + timedelta(minutes=10)}]
    >>> frontier(sweep(rules, log, incidents=rush)).select("recall", "delay_s_p50", "threshold", "best").rows()[:2]
    [(1.0, 120.0, -1.0, True), (1.0, 180.0, 1.0, False)]
    """
    needed = [*_SCORES, "window", "for", "threshold", "firings", "pages_per_day", "incidents"]
    if missing := [name for name in needed if name not in sweep.columns]:
        raise MissingColumns(missing, sweep.columns)
    if sweep.height and sweep["incidents"].is_null().all():
        raise InvalidOption("incidents", None, "labelled incidents: sweep(rule, events, incidents=incidents)")
    fewest = ["firings", "for", "window", "threshold"]
    found = (
        sweep.drop_nulls(["precision", "recall"])
        .sort(fewest, nulls_last=True)
        .group_by(_SCORES, maintain_order=True)
        .agg(pl.len().alias("rows"), pl.col("window", "for", "threshold", "firings", "pages_per_day").first())
        .sort(_SCORES, descending=[True, True, False], nulls_last=True)
    )
    return found.with_columns(_unbeaten(found).alias("best")).select(*FRONTIER).cast(FRONTIER)


def _unbeaten(found: pl.DataFrame) -> pl.Series:
    """Whether none of the rows before is as good. They come by recall: a step of (precision, delay) for each that may
    beat a later one, the precisions rising, the delays with them."""
    precisions: list[float] = []
    delays: list[float] = []
    best = []
    for precision, delay in found.select("precision", "delay_s_p50").iter_rows():
        delay = math.inf if delay is None else delay
        place = bisect_left(precisions, precision)
        good = place == len(delays) or delays[place] > delay
        best.append(good)
        if good:
            low, high = bisect_left(delays, delay), bisect_right(precisions, precision)
            precisions[low:high], delays[low:high] = [precision], [delay]
    return pl.Series(best, dtype=pl.Boolean)
