"""What the first report asks of sizes: what weighs how much, how it grows, and what is too large."""

from __future__ import annotations

import polars as pl

from onex_analytics.frames import fitting_width
from onex_analytics.sizing import LIMITS, size_distribution, size_report
from onex_analytics.views import SizeFrames

_MOST_EVENTS = 50_000
"""Fields are looked into for so many events at most, spread over the log."""
_BUCKETS = 60


def size_look(events: pl.LazyFrame, *, period: pl.DataFrame) -> SizeFrames:
    """Weigh the events of a log.

    Args:
        events: the log.
        period: `frames.main_period`: growth leaves out the few events far outside of it.
    """
    start, end, _ = period.row(0)
    inside = events if start is None else events.filter(pl.col("timestamp").is_between(start, end))
    width = fitting_width(end - start, _BUCKETS) if start is not None else "1m"
    n = events.select(pl.len()).collect().item()
    nth = max(-(-n // _MOST_EVENTS), 1)
    by_type, growth, sizes = pl.collect_all([
        size_report(events), size_report(inside, every=width, quantiles=()), size_distribution(events),
    ])  # fmt: skip
    return SizeFrames(
        by_type=by_type, by_field=size_report(events.gather_every(nth), "field").collect(), nth=nth, growth=growth,
        every=width, sizes=sizes, limits=dict(LIMITS),
    )  # fmt: skip
