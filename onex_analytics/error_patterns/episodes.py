"""Which errors belong together: by their trace, by the work in which they failed, or by time alone.

Nodes of old schema versions name neither trace nor parent, so each of their errors is alone in its trace. What a caller
fails of has failed while the caller worked: such an error joins the error of the shortest work around it. As that
brings together what merely happened at one time, too, the work is taken to reach as far beyond its end as it took.
Nothing here asks in which direction time runs, so errors that have nothing to do with each other come in either order
alike, and a test of the order is a fair one.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from onex_analytics.error_patterns.episode_kernels import join_work
from onex_analytics.model.shapes import UTC_MICROSECONDS

MEMBERS = ("_trace", "_own", "_at", "_distance")
"""What an error has in its episode: its name, the trace that the error itself is of, when it came, and how long before
or after the error that it joined (0 where it joined none), in microseconds."""


def timed(rows: pl.LazyFrame, within: str) -> pl.LazyFrame:
    """Errors with `MEMBERS`, each in its own trace; those without a trace or a time are left out.

    >>> from datetime import UTC, datetime
    >>> rows = pl.LazyFrame({"trace_id": ["t", None], "timestamp": [datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)] * 2})
    >>> timed(rows, "trace_id").select(MEMBERS).collect().rows()
    [('t', 't', 1000000, 0)]
    """
    known = rows.filter(pl.col(within).is_not_null() & pl.col("timestamp").is_not_null())
    own = pl.col(within).alias("_trace"), pl.col(within).alias("_own")
    return known.with_columns(*own, _microseconds("timestamp").alias("_at"), pl.lit(0, pl.Int64).alias("_distance"))


def by_time(rows: pl.LazyFrame, gap_us: int) -> pl.LazyFrame:
    """Errors with `MEMBERS`: those with no longer pause between them are one episode.

    >>> from datetime import UTC, datetime
    >>> rows = pl.LazyFrame({"timestamp": [datetime(2026, 11, 2, 0, 0, second, tzinfo=UTC) for second in (0, 1, 9)]})
    >>> by_time(rows, 2_000_000).select("_trace").collect()["_trace"].to_list()
    ['1', '1', '2']
    """
    begins = pl.col("timestamp").diff().dt.total_microseconds() > gap_us
    known = rows.filter(pl.col("timestamp").is_not_null()).sort("timestamp")
    return timed(known.with_columns(begins.fill_null(True).cum_sum().cast(pl.String).alias("_episode")), "_episode")


def by_work(rows: pl.LazyFrame, within: str, gap_us: int) -> pl.LazyFrame:
    """Errors with `MEMBERS`: what is alone in its trace joins the shortest work around it.

    An error that shares its trace with another stays in it, and two such traces are never one. Where the caller is
    alone and what it called is not, the caller joins the trace of that which failed nearest to its own end. Work counts
    for at most the gap; of an error with no `started_at` nothing is known to have failed in it.

    >>> from datetime import UTC, datetime
    >>> ends = [datetime(2026, 11, 2, 0, 0, second, tzinfo=UTC) for second in (2, 3)]
    >>> begins = [None, ends[0].replace(second=0)]
    >>> rows = pl.LazyFrame({"trace_id": ["callee", "caller"], "timestamp": ends, "started_at": begins})
    >>> by_work(rows, "trace_id", 60_000_000).select("_own", "_trace").collect().rows()
    [('callee', 'caller'), ('caller', 'caller')]
    """
    took = _microseconds("timestamp") - _microseconds("started_at")
    work = pl.when(took > 0).then(pl.min_horizontal(took, gap_us)).fill_null(0).alias("_work")
    found = timed(rows, within).with_columns(work, pl.col("_own").is_duplicated().alias("_is_told"))
    return _joined(found.sort("_at", "_own", "_work").collect()).lazy().drop("_work", "_is_told")


def _joined(errors: pl.DataFrame) -> pl.DataFrame:
    times, works = (np.ascontiguousarray(errors[name].to_numpy(), np.int64) for name in ("_at", "_work"))
    n = errors.height
    room = 2 << max(n - 1, 1).bit_length()
    above = np.full(n, -1, np.int64)
    order = np.argsort(works, kind="stable")
    is_told = errors["_is_told"].to_numpy()
    join_work(times, works, is_told, order, np.zeros(room, np.bool_), np.zeros(room, np.bool_), above)
    last = np.where(above < 0, np.arange(n), above)
    # an error may have joined one that joined another
    while not np.array_equal(last, last[last]):
        last = last[last]
    return errors.with_columns(
        errors["_own"].gather(last).alias("_trace"),
        pl.Series("_distance", np.abs(times - times[last]), pl.Int64),
    )


def _microseconds(column: str) -> pl.Expr:
    return pl.col(column).cast(UTC_MICROSECONDS).dt.epoch("us")
