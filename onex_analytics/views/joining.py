"""Results with more rows than a picture can show: neighbours are joined, and the figure says how many.

A figure of any result stays below 2 MB. Where no place is left for each row by itself, counts of neighbouring buckets
are added, of other numbers the worst is kept, and of marks that would lie upon each other one stands for several.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import polars as pl

from onex_analytics.views.panels import bucket_width

Item = TypeVar("Item")
MOST_BUCKETS = 1_500
"""No page is wider, in points."""
MOST_MARKS = 6_000
"""Of marks that say where the mouse is what they stand for."""


def joined(
    frame: pl.DataFrame, by: Sequence[str], into: Callable[[int], Sequence[pl.Expr]], most: int = MOST_BUCKETS,
    time: str = "start",
) -> tuple[pl.DataFrame, int]:  # fmt: skip
    """At most so many buckets of time, and how many of the frame are one.

    Args:
        frame: one row a bucket and group; all times are known, and buckets are equally wide.
        by: the columns that tell groups apart.
        into: of the number of buckets that are joined, what the rows of a group come to.
        most: buckets that may remain.
        time: the column with the start of a bucket.

    >>> from datetime import datetime
    >>> hour = pl.DataFrame({"start": [datetime(2026, 1, 1, 12, minute) for minute in range(60)], "n": 1})
    >>> some, many = joined(hour, [], lambda many: [pl.col("n").sum()], most=4)
    >>> many, some["n"].to_list()
    (15, [15, 15, 15, 15])
    """
    if frame[time].n_unique() <= most:
        return frame, 1
    width = bucket_width(frame[time].unique().to_list())
    first = frame[time].min()
    many = math.ceil(((frame[time].max() - first) // width + 1) / most)  # type: ignore[operator]
    if many <= 1:
        return frame, 1
    step = width * many // timedelta(microseconds=1)
    start = pl.lit(first) + pl.duration(
        microseconds=(pl.col(time) - pl.lit(first)).dt.total_microseconds() // step * step
    )
    kept = [pl.col(name) for name in by]
    groups = frame.sort(time, maintain_order=True).group_by(*kept, start.alias(time), maintain_order=True)
    return groups.agg(into(many)), many


RATES = (
    pl.col("events", "finished", "failures").sum(),
    (pl.col("failures").sum() / pl.col("finished").sum().replace(0, None)).alias("rate_of_finished"),
    (pl.col("failures").sum() / pl.col("events").sum().replace(0, None)).alias("rate_of_events"),
)
"""What rows of `error_overview` come to: shares are those of the sums."""
UNDER_WAY = (
    pl.col("mean_in_flight").mean(), pl.col("peak").max(), pl.col("least").min(), pl.col("open", "left_out").last(),
)  # fmt: skip
"""What rows of `in_flight` come to."""
QUEUES = (
    pl.col("events", "exported", "dropped_full", "dropped_oversize").sum(), pl.col("queue_max").max(),
)  # fmt: skip
"""What rows of `BatchingResult.over_time` come to."""
SIZES = (
    pl.col("events", "total_bytes").sum(), pl.col("max_bytes").max(),
    (pl.col("total_bytes").sum() / pl.col("events").sum()).alias("mean_bytes"),
)  # fmt: skip
"""What rows of `size_report` come to."""


def joined_cells(cells: pl.DataFrame, by: Sequence[str], most: int) -> tuple[pl.DataFrame, int]:
    """As `joined`, of the cells of a heat map: spans are added up, and each cell says when its bucket ends."""
    found, many = joined(cells, [*by, "bucket", "lower_ms", "upper_ms"], lambda _: [pl.col("n").sum()], most)
    if many == 1:
        return cells, 1
    wide = cells.select(pl.col("end") - pl.col("start")).to_series().min()
    return found.with_columns(end=pl.col("start") + pl.lit(wide) * many), many


STATES = ("inactive", "pending", "firing")
"""From the best to the worst."""


def joined_values(values: pl.DataFrame, most: int) -> tuple[pl.DataFrame, int]:
    """As `joined`, of the values of a rule: from the least to the greatest, and the worst state."""
    others = [pl.col(name).first() for name in ("labels", "label_sets", "op", "threshold", "min_count")]
    reach = [pl.col("end").max(), pl.col("low").min(), pl.col("high").max(), pl.col("firing").max()]
    state = pl.col("state").cast(pl.Enum(STATES)).max().cast(pl.String)
    found, many = joined(values, ["rank"], lambda _: [*others, *reach, state], most)
    return found.sort("rank", "start", nulls_last=True) if many > 1 else values, many


def worst(columns: Sequence[str]) -> list[pl.Expr]:
    """What rows of `latency_timeseries` come to: the greatest percentiles, and the sums of what is counted."""
    return [pl.col(columns).max(), pl.col("n", "errors", "open").sum()]


def extremes(
    frame: pl.DataFrame, by: Sequence[str], value: str, most: int = MOST_BUCKETS, time: str = "start"
) -> tuple[pl.DataFrame, int]:
    """Of at most so many stretches of time the rows with the least and the greatest value, and how many rows are two.

    A line through them looks as one through all of them does. Rows come back in the order of time, group by group.

    >>> from datetime import datetime
    >>> hour = pl.DataFrame({"start": [datetime(2026, 1, 1, 12, minute) for minute in range(60)], "n": range(60)})
    >>> some, many = extremes(hour, [], "n", most=2)
    >>> many, some["n"].to_list()
    (30, [0, 29, 30, 59])
    """
    times = frame[time].to_physical()
    if frame.height <= 2 * most:
        return frame, 1
    first, last = int(times.min() or 0), int(times.max() or 0)  # type: ignore[arg-type]
    stretch = (pl.col(time).to_physical() - first) // max(math.ceil((last - first + 1) / most), 1)
    place = pl.int_range(pl.len())
    ends = ((place == pl.col(value).arg_min()) | (place == pl.col(value).arg_max())).over(*by, stretch)
    found = frame.sort(*by, time, maintain_order=True).filter(ends)
    return found, round(2 * frame.height / max(found.height, 1))


def thinned(items: Sequence[Item], most: int) -> tuple[list[Item], int]:
    """Every so many-th of things in their order, the first among them, and for how many each stands.

    >>> thinned([1, 2, 3, 4, 5], 3), thinned([1, 2], 3)
    (([1, 3, 5], 2), ([1, 2], 1))
    """
    step = max(math.ceil(len(items) / most), 1)
    return list(items[::step]), step
