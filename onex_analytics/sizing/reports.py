"""What events weigh: by type, node, field and time, and how many go over a limit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.quantiles import Share, index_column, quantile_name
from onex_analytics.frames.windows import bucket
from onex_analytics.model.wire_json import WIRE_READ
from onex_analytics.sizing.payload_sizes import field_sizes, payload_sizes
from onex_analytics.sizing.policies import LIMITS

FIELD: Final = "field"
"""What `by` takes for the fields of events, those inside of the metadata too."""
QUANTILES: Final = (0.5, 0.95, 0.99)

_MADE = frozenset({"start", "events", "total_bytes", "share", "mean_bytes", "max_bytes", "low_bytes", "high_bytes"})
_PARTS = 4
"""Buckets of `size_distribution` from one power of two to the next."""
_OCTAVES = 50


def size_report(
    events: pl.LazyFrame | pl.DataFrame, by: str | Iterable[str] = "event_type", *, every: str | None = None,
    limits: Mapping[str, int] = LIMITS, quantiles: Iterable[Share] = QUANTILES,
) -> pl.LazyFrame:  # fmt: skip
    """What events weigh, group by group: the bytes of their payloads, which is their JSON as `encode` sends it when it
    does not compress.

    Args:
        events: one row an event; reads the columns of `model.EVENTS` by which it can be written (`model.wire_json`) and
            those of `by`.
        by: columns to tell apart; null is a group like others. "field" tells the fields of events apart: `event_id`,
            …, the keys of the metadata as `metadata.input_state`, …, and `metadata` for its name and braces, or for the
            whole of it where it is no object. An event is then counted in each field that it has, with what the field
            takes; all together take what the events take.
        every: also tell buckets of time [start, start + every) apart, as "1h".
        limits: bytes by name; see `LIMITS`.
        quantiles: shares, 0 to 1.

    Returns:
        One row a group, the heaviest first, or with `every` by `start`: `start` (of the bucket; null where an event has
        no time), the columns of `by`, `events`, `total_bytes`, `share` (of the bytes of all), `mean_bytes`,
        `p50_bytes`, … (nearest rank), `max_bytes`, and `over_NAME` for each limit: how many are larger. Bytes are not
        weighed by `adjusted_count`: they are those of the log.

    Raises:
        MissingColumns: the frame lacks a column that is read.
        InvalidOption: a column of `by` is named like one of the result, or the metadata of an event is no JSON.

    >>> from onex_analytics.model import EVENTS
    >>> row = {"event_id": "e1", "event_type": "NODE_START", "metadata": '{"body": "text"}'}
    >>> events = pl.LazyFrame([row], schema=EVENTS)
    >>> size_report(events).select("event_type", "events", "total_bytes", "over_kafka").collect().rows()
    [('NODE_START', 1, 70, 0)]
    >>> size_report(events, "field").select("field", "total_bytes").collect().rows()
    [('event_type', 26), ('event_id', 16), ('metadata.body', 14), ('metadata', 13), ('(braces)', 1)]
    """
    keys = _keys(by, limits)
    lazy = require(events.lazy(), *WIRE_READ, *(key for key in keys if key != FIELD))
    start = [bucket(every)] if every is not None else []
    sized = _by_field(lazy, keys, start) if FIELD in keys else lazy.select(*keys, *start, _sizes())
    groups = ["start", *keys] if start else keys
    size, n = pl.col("bytes"), pl.col("_n")
    total = (size * n).sum()
    told = [
        n.sum().alias("events"), total.alias("total_bytes"), (total / n.sum()).alias("mean_bytes"),
        *(_quantile(size, n, q).alias(f"{quantile_name(q)}_bytes") for q in quantiles), size.max().alias("max_bytes"),
        *(n.filter(size > most).sum().alias(f"over_{name}") for name, most in limits.items()),
    ]  # fmt: skip
    # sizes come again and again: each once with its count is little to keep
    counted = sized.group_by(*groups, "bytes").agg(pl.len().cast(pl.Int64).alias("_n"))
    table = counted.group_by(groups).agg(told) if groups else counted.select(told).filter(pl.col("events") > 0)
    if FIELD in keys:
        table = table.with_columns(pl.col(FIELD).cast(pl.String))
    share = pl.col("total_bytes") / pl.col("total_bytes").sum()
    ordered = table.with_columns(share.alias("share")).sort(
        *(["start"] if start else []), -pl.col("total_bytes"), *keys, nulls_last=True
    )
    return ordered.select(*groups, "events", "total_bytes", "share", pl.all().exclude(*groups, *_FIRST))


_FIRST = ("events", "total_bytes", "share")


def size_distribution(events: pl.LazyFrame | pl.DataFrame, by: str | Iterable[str] = ()) -> pl.LazyFrame:
    """How many events have which size.

    Args:
        events: as of `size_report`.
        by: columns to tell apart, or "field"; null is a group like others.

    Returns:
        One row a bucket [low_bytes, high_bytes) that is not empty, by the columns of `by` (nulls last) and size: the
        columns of `by`, `low_bytes`, `high_bytes`, `events`, `total_bytes`. There are four from one power of two to the
        next.

    Raises:
        MissingColumns: the frame lacks a column that is read.
        InvalidOption: a column of `by` is named like one of the result, or the metadata of an event is no JSON.

    >>> from onex_analytics.model import EVENTS
    >>> rows = [{"event_id": "e" * n} for n in (5, 6, 1000)]
    >>> size_distribution(pl.LazyFrame(rows, schema=EVENTS)).collect().rows()
    [(20, 23, 2, 41), (862, 1024, 1, 1015)]
    """
    keys = _keys(by, {})
    lazy = require(events.lazy(), *WIRE_READ, *(key for key in keys if key != FIELD))
    sized = _by_field(lazy, keys, []) if FIELD in keys else lazy.select(*keys, _sizes())
    edges = pl.Series(sorted({math.ceil(2 ** (n / _PARTS)) for n in range(_OCTAVES * _PARTS)}), dtype=pl.Int64)
    place = pl.lit(edges).search_sorted(pl.col("bytes"), side="right").cast(pl.Int64)
    counted = sized.with_columns(place.alias("_place")).group_by(*keys, "_place").agg(
        pl.len().cast(pl.Int64).alias("events"), pl.col("bytes").sum().alias("total_bytes")
    )  # fmt: skip
    bounds = pl.LazyFrame({"low_bytes": edges[:-1], "high_bytes": edges[1:]}).with_row_index("_place", 1)
    if FIELD in keys:
        counted = counted.with_columns(pl.col(FIELD).cast(pl.String))
    joined = counted.join(bounds.with_columns(pl.col("_place").cast(pl.Int64)), on="_place", how="left")
    ordered = joined.sort(*keys, "_place", nulls_last=True)
    return ordered.select(*keys, "low_bytes", "high_bytes", "events", "total_bytes")


def _keys(by: str | Iterable[str], limits: Mapping[str, int]) -> list[str]:
    keys = names(by)
    if wrong := [key for key in keys if key in _MADE or key in {f"over_{name}" for name in limits}]:
        raise InvalidOption("by", wrong, "columns that are not named like those of the result")
    if wrong := [name for name, most in limits.items() if most < 1]:
        raise InvalidOption("limits", {name: limits[name] for name in wrong}, "bytes, at least 1")
    return keys


def _quantile(value: pl.Expr, n: pl.Expr, q: Share) -> pl.Expr:
    """The nearest rank among values that come so often each."""
    upto = n.sort_by(value).cum_sum()
    return value.sort().get((upto <= index_column(n.sum(), q)).sum(), null_on_oob=True)


def _sizes() -> pl.Expr:
    def sizes(rows: pl.Series) -> pl.Series:
        return pl.Series("bytes", payload_sizes(rows.struct.unnest()))

    return pl.struct(WIRE_READ).map_batches(sizes, pl.Int64(), is_elementwise=True).alias("bytes")


def _by_field(events: pl.LazyFrame, keys: list[str], start: list[pl.Expr]) -> pl.LazyFrame:
    """One row a field of an event: the keys, and its `bytes`."""
    others = [key for key in keys if key != FIELD]
    read = events.select(*(pl.col(key).alias(f"by {key}") for key in others), *start, *WIRE_READ)
    held = read.select(pl.all().exclude(WIRE_READ)).collect_schema()
    schema = {**held, FIELD: pl.Categorical(), "bytes": pl.Int64()}

    def fields(part: pl.DataFrame) -> pl.DataFrame:
        if part.is_empty():
            return pl.DataFrame(schema=schema)
        found = field_sizes(part)
        sized = pl.DataFrame({FIELD: found.names, "bytes": found.sizes})
        return part.select(held.names())[found.rows].hstack(sized) if held else sized

    sized = read.map_batches(fields, schema=schema, streamable=True)
    return sized.rename({f"by {key}": key for key in others})
