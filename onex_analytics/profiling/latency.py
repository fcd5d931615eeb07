"""How long work takes: the table of latencies, as a whole and over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.quantiles import Method, Share, exact_share, index_column, quantile_name
from onex_analytics.frames.selection import Values, values_at, values_at_weight
from onex_analytics.frames.spans import complete_spans
from onex_analytics.frames.windows import bucket
from onex_analytics.profiling.measuring import Measurement, Tally, measured, tallied

QUANTILES = (0.5, 0.9, 0.95, 0.99)

_NUMBERS = {
    "n": pl.UInt64(), "errors": pl.UInt64(), "weight": pl.Float64(), "error_rate": pl.Float64(),
    "mean_ms": pl.Float64(), "std_ms": pl.Float64(), "min_ms": pl.Float64(), "max_ms": pl.Float64(),
}  # fmt: skip
_LEFT_OUT = {
    "open": pl.UInt64(), "negative": pl.UInt64(), "unmeasured": pl.UInt64(),
    "exact": pl.Boolean(), "relative_error": pl.Float64(),
}  # fmt: skip


def latency_table(
    spans: pl.LazyFrame | pl.DataFrame,
    by: str | Iterable[str] = ("node", "operation"),
    quantiles: Iterable[Share] = QUANTILES,
    *,
    method: Method = "nearest_rank",
) -> pl.LazyFrame:
    """Number, errors, mean and exact quantiles of durations, for each group.

    Args:
        spans: one row a span, in any order; reads `duration_ms`, `state`, `status`, `adjusted_count` and the columns
            of `by`. When the result is collected, the rows stream through compiled kernels, 13 bytes of each are kept.
        by: columns to tell apart; null is a group like others. None at all: one row.
        quantiles: shares from 0 to 1.
        method: "nearest_rank", or "onex" for the debugging guide's `int(n·p/100)`.

    Returns:
        One row a group that occurs, ordered by the columns of `by`, nulls last:

        - the columns of `by`
        - `n`: spans measured; `errors`: those of them with status "error". Rows, as they are there.
        - `weight`: spans that these stand for (the sum of `adjusted_count`; `n` where nothing was sampled). What
          follows up to the quantiles is of those: of all work done, not only of the spans that were kept.
        - `error_rate`: 0 to 1.
        - `mean_ms`, `std_ms` (of a sample: n − 1; null for one span).
        - `min_ms`, `max_ms`: of the spans that are there.
        - `p50_ms`, `p90_ms`, …: the least duration that a share q of the work does not exceed: the nearest rank
          where nothing was sampled. Always a duration that occurred.
        - `open`: spans without an end: they never count as if they had ended; `negative`: with a negative duration;
          `unmeasured`: with none, one that is not finite, or a second start or end of work told of already. With `n`
          they add up to the rows of the group. A group of such rows only has n = 0 and null durations.
        - `exact`: true; `relative_error`: 0.0. A table of a sketch says false, and its bound.

    Raises:
        MissingColumns: a column of `by` is absent.
        InvalidOption: a share outside 0 to 1, an unknown method, or a column of `by` named like one of the result.

    >>> from datetime import datetime, timedelta
    >>> noon = datetime(2026, 11, 1, 12)
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 4, "span_id": ["a", "b", "c", "d"], "parent_span_id": [None] * 4, "name": ["stamp"] * 4,
    ...     "start": [noon] * 4, "end": [noon + timedelta(milliseconds=ms) for ms in (10, 30, 20)] + [None],
    ... })
    >>> latency_table(spans, by="operation", quantiles=[0.5]).select(
    ...     "operation", "n", "mean_ms", "std_ms", "p50_ms", "open").collect().rows()
    [('stamp', 3, 20.0, 10.0, 20.0, 1)]

    Source: nearest rank, Hyndman & Fan (1996), definition 1; PostgreSQL's `percentile_disc`.
    """
    shares = list(quantiles)
    keys = names(by)
    lazy = complete_spans(spans)
    require(lazy, *keys)
    found = lazy.collect_schema()
    middle = {quantile_name(q) + "_ms": pl.Float64() for q in shares}
    schema = pl.Schema({**{key: found[key] for key in keys}, **_NUMBERS, **middle, **_LEFT_OUT})
    _refuse_clashes(keys, [*_NUMBERS, *middle, *_LEFT_OUT])
    pl.select(index_column(pl.lit(1), 0, method))  # refuses an unknown method now, not when it is collected
    return pl.defer(lambda: _table(lazy, keys, shares, method, schema), schema=schema)


def latency_timeseries(
    spans: pl.LazyFrame | pl.DataFrame,
    every: str = "1m",
    by: str | Iterable[str] = (),
    quantiles: Iterable[Share] = QUANTILES,
    *,
    method: Method = "nearest_rank",
) -> pl.LazyFrame:
    """`latency_table`, bucket by bucket of time: a span counts where it began.

    Args:
        spans: as in `latency_table`; reads `start`, too.
        every: bucket width as a Polars duration, such as "5m".
        by: columns to tell apart.
        quantiles: shares from 0 to 1.
        method: as in `latency_table`.

    Returns:
        One row a (bucket, group) in which a span began, ordered so: `start` (of the bucket [start, start + every), UTC;
        null for spans whose start is not known), then the columns of `latency_table`. A bucket in which none began
        has no row: silence is not a latency of zero.

    Raises:
        MissingColumns: a column of `by` is absent.
        InvalidOption: as `latency_table`, and for an `every` that is no duration.

    Source: fixed windows, Akidau et al., The Dataflow Model (VLDB 2015); quantiles as in `latency_table`.

    >>> from datetime import datetime, timedelta
    >>> noon = datetime(2026, 11, 1, 12)
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 2, "span_id": ["a", "b"], "parent_span_id": [None] * 2, "name": ["stamp"] * 2,
    ...     "start": [noon, noon + timedelta(minutes=7)], "end": [noon + timedelta(minutes=8)] * 2,
    ... })
    >>> latency_timeseries(spans, "5m", quantiles=[0.5]).select(
    ...     pl.col("start").dt.strftime("%H:%M"), "n", "p50_ms").collect().rows()
    [('12:00', 1, 480000.0), ('12:05', 1, 60000.0)]
    """
    keys = [key for key in names(by) if key != "start"]
    return latency_table(complete_spans(spans).with_columns(bucket(every, "start")), ["start", *keys], quantiles,
                         method=method)  # fmt: skip


def _refuse_clashes(keys: Sequence[str], result: Sequence[str]) -> None:
    if clash := [key for key in keys if key in result]:
        raise InvalidOption("by", clash, f"columns named otherwise than those of the result, {list(result)}")


def _table(
    spans: pl.LazyFrame, keys: list[str], shares: list[Share], method: Method, schema: pl.Schema
) -> pl.DataFrame:
    measurement = measured(spans, keys)
    if not measurement.parts:
        return pl.DataFrame(schema=schema)
    tally = tallied(measurement)
    rows = measurement.grouping.rows()
    quantiles = _quantiles(measurement, tally, shares, method)
    columns = {
        "n": tally.n, "errors": tally.errors, "weight": tally.weight,
        "error_rate": np.divide(tally.weighted_errors, tally.weight, where=tally.weight > 0,
                                out=np.full(len(tally.n), np.nan)),
        "mean_ms": tally.mean, "std_ms": tally.std,
        "min_ms": np.where(tally.n, tally.least, np.nan), "max_ms": np.where(tally.n, tally.most, np.nan),
        **{quantile_name(q) + "_ms": quantiles[:, place] for place, q in enumerate(shares)},
        "open": tally.open, "negative": tally.negative, "unmeasured": tally.unmeasured,
    }  # fmt: skip
    numbers = pl.DataFrame(columns, nan_to_null=True)[rows["_code"]]
    exact = {"exact": pl.lit(True), "relative_error": pl.lit(0.0)}
    table = pl.concat([rows.select(keys), numbers], how="horizontal").with_columns(**exact)
    table = table.select(schema.names()).cast({name: schema[name] for name in schema if name not in keys})
    return table.sort(keys, nulls_last=True) if keys else table


def _quantiles(measurement: Measurement, tally: Tally, shares: list[Share], method: Method) -> Values:
    if not shares:
        return np.empty((len(tally.n), 0))
    codes, values, weights = measurement.codes, measurement.values, measurement.weights
    if weights is not None:
        floats = [float(exact_share(q)) for q in shares]
        return values_at_weight(codes, values, weights, tally.n, floats, above=method == "onex")
    n = pl.col("n")
    indices = pl.DataFrame({"n": tally.n}).select(
        index_column(n, q, method).alias(str(place)) for place, q in enumerate(shares)
    )
    return values_at(codes, values, tally.n, np.ascontiguousarray(indices.to_numpy()))
