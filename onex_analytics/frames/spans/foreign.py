"""Spans from anywhere: what another system does not say, filled in; what it says, left as it is."""

from __future__ import annotations

import polars as pl

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames.durations import milliseconds
from onex_analytics.model.shapes import SPANS, UTC_MICROSECONDS

REQUIRED = ("trace_id", "span_id", "parent_span_id", "name", "start", "end")
"""The columns that every frame of spans has, wherever it comes from."""

_TIMES = ("start", "end")
_MEND = (
    "Mend: make spans with `build_spans(events)`, or rename your columns to "
    "trace_id, span_id, parent_span_id, name, start and end."
)


def complete_spans(spans: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """Spans with every column of `model.SPANS`, whoever made them. No row is read, added, dropped or mended.

    Every function that takes spans begins with it, so that traces of Jaeger, Chrome or OTLP go wherever our own go.

    Args:
        spans: one row a span; reads `trace_id`, `span_id`, `parent_span_id`, `name`, `start` and `end`, where the
            times are of type Datetime (naive means UTC), and whatever else of `model.SPANS` is there, and `service`.

    Returns:
        The same rows: the columns of `model.SPANS` in their order and types, then all others as they came. Where a
        column was absent: `node` is the `service` (else null), `operation` is the `name`, `kind` is "internal",
        `status` "unset", `duration_ms` is end − start, and `state` says what the row itself shows: open (no end),
        end_without_start, negative_duration or closed. Every other absent column is null; `adjusted_count` is 1.0.

    Raises:
        MissingColumns: one of the six columns is absent.
        InvalidOption: `start` or `end` is no Datetime.

    >>> from datetime import datetime
    >>> noon = datetime(2026, 11, 1, 12)
    >>> foreign = pl.DataFrame({
    ...     "trace_id": ["t", "t"], "span_id": ["a", "b"], "parent_span_id": [None, "a"], "name": ["GET /", "query"],
    ...     "start": [noon, noon], "end": [noon.replace(second=1), None], "service": ["web", "db"],
    ... })
    >>> complete_spans(foreign).select("node", "operation", "duration_ms", "state", "status").collect().rows()
    [('web', 'GET /', 1000.0, 'closed', 'unset'), ('db', 'query', None, 'open', 'unset')]
    """
    lazy = spans.lazy()
    found = lazy.collect_schema()
    if missing := [column for column in REQUIRED if column not in found]:
        raise MissingColumns(missing, found.names(), _MEND)
    if list(found.items())[: len(SPANS)] == list(SPANS.items()):
        return lazy
    cast = [_time(name, found[name]) for name in _TIMES if found[name] != UTC_MICROSECONDS]
    cast += [
        pl.col(name).cast(dtype)
        for name, dtype in SPANS.items()
        if name in found and name not in _TIMES and found[name] != dtype
    ]
    filled = [
        _absent(name, found).cast(dtype).alias(name) for name, dtype in SPANS.items() if name not in found
    ]
    if cast:
        lazy = lazy.with_columns(cast)
    if filled:
        lazy = lazy.with_columns(filled)
    return lazy.select(*SPANS, *(name for name in found if name not in SPANS))


def row_state() -> pl.Expr:
    """The state that a row shows without a look at its neighbours; reads `start` and `end`.

    >>> pl.select(start=pl.lit(2), end=pl.lit(1)).select(row_state()).item()
    'negative_duration'
    """
    return (
        pl.when(pl.col("end").is_null())
        .then(pl.lit("open"))
        .when(pl.col("start").is_null())
        .then(pl.lit("end_without_start"))
        .when(pl.col("end") < pl.col("start"))
        .then(pl.lit("negative_duration"))
        .otherwise(pl.lit("closed"))
        .alias("state")
    )


def clock_duration_ms() -> pl.Expr:
    """Milliseconds from `start` to `end`, null where one of them is; reckoned in whole microseconds."""
    return milliseconds((pl.col("end") - pl.col("start")).dt.total_microseconds()).alias("duration_ms")


def _absent(name: str, found: pl.Schema) -> pl.Expr:
    """What stands for a column that the frame lacks."""
    if name == "node" and "service" in found:
        return pl.col("service")
    if name == "operation":
        return pl.col("name")
    if name == "duration_ms":
        return clock_duration_ms()
    if name == "state":
        return row_state()
    return pl.lit({"kind": "internal", "status": "unset", "adjusted_count": 1.0}.get(name))


def _time(name: str, dtype: pl.DataType) -> pl.Expr:
    """A time in microseconds, UTC; a naive one is UTC."""
    if dtype == pl.Null:
        return pl.col(name).cast(UTC_MICROSECONDS)
    if not isinstance(dtype, pl.Datetime):
        raise InvalidOption(
            f"column {name}", dtype,
            f'type Datetime, such as `pl.from_epoch("{name}", time_unit="us")` makes of numbers and '
            f'`pl.col("{name}").str.to_datetime()` of text',
        )  # fmt: skip
    time = pl.col(name) if dtype.time_zone else pl.col(name).dt.replace_time_zone("UTC")
    return time.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
