"""Mixed clocks: naive local times among naive UTC times, found by their constant offset and repaired.

Upstream stamps TELEMETRY_OPERATION_START with naive local time and everything else with naive UTC, so that on a host
at UTC−5 every start lies exactly 18,000 s early; omnibase_core stamps everything with local time. An offset is a whole
multiple of 15 minutes (every time zone is one), seen in pairs of events whose true distance is known:

- a telemetry start and the end of the same node and correlation id, less its `execution_time_ms`, or the NODE_START
  that it wraps;
- any event and its arrival, for producers whose events all share one offset against it.

An event with a pair of its own is judged by that pair; one without (an operation that never ended) by the last pair of
its producer before it, else by the next one, else by what earlier units showed. So daylight saving is followed pair by
pair. Only times that came without a zone are repaired; what was repaired keeps its original beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from onex_analytics.model.shapes import EVENTS

QUARTER_HOUR_US = 900 * 1_000_000
PAIR_TOLERANCE_US = 5_000_000
"""How far a pair may lie from a whole multiple and still be evidence."""
ARRIVAL_DELAY_US = 120_000_000
"""How late an event may arrive and still be evidence."""
LARGEST_OFFSET_US = 14 * 4 * QUARTER_HOUR_US
_ARRIVAL_SHARE, _ARRIVAL_EVENTS = 0.9, 5
_START = "TELEMETRY_OPERATION_START"
_ENDS = ("TELEMETRY_OPERATION_SUCCESS", "TELEMETRY_OPERATION_ERROR")
_ZONED = r"(?:[Zz]|[+-]\d{2}:?(?:\d{2})?)$|^\s*\d+(?:\.\d+)?\s*$"


class Repaired(NamedTuple):
    """Events with repaired times, and the last offset in milliseconds of each producer (`node`)."""

    events: pl.DataFrame
    offsets_ms: dict[str, int]


def repair_clocks(events: pl.DataFrame, known_ms: Mapping[str, int] | None = None) -> Repaired:
    """Repair the times of events that were stamped with local time.

    Args:
        events: rows of `model.EVENTS` in the order in which they came.
        known_ms: the last offset of each producer in what came before.

    Returns:
        The same rows in the same order. Where a time was repaired, `timestamp` is the true one, `clock_offset_ms`
        what the clock was off by (negative: it was behind), `timestamp_original` the text that came.
    """
    offsets = dict(known_ms or {})
    if events["arrived_at"].null_count() < len(events):
        events = _repair_by_arrival(events)
    starts = events["event_type"] == _START
    if not starts.any() or not (any(offsets.values()) or _suspicious(events, starts)):
        return Repaired(events, offsets)
    return _repair_by_pairs(events, offsets)


def _suspicious(events: pl.DataFrame, starts: pl.Series) -> bool:
    """Whether some start lies more than half a quarter-hour from both of its neighbours that are no starts."""
    time = pl.col("timestamp").cast(pl.Int64)
    other = pl.when(~starts).then(time)
    far = events.select(
        before=(time - other.forward_fill()).abs(), after=(time - other.backward_fill()).abs(),
    ).filter(starts).select((pl.min_horizontal("before", "after") > QUARTER_HOUR_US // 2).any()).item()
    return bool(far)


def _repair_by_pairs(events: pl.DataFrame, offsets: dict[str, int]) -> Repaired:
    rows = events.select(
        "event_type", "node", "correlation_id", "execution_time_ms",
        time=pl.col("timestamp").cast(pl.Int64), naive=_is_naive(),
    ).with_row_index("row")
    execution_us = (pl.col("execution_time_ms") * 1000).round(0).cast(pl.Int64)
    expected = pl.min_horizontal(
        (pl.col("time") - execution_us).filter(pl.col("event_type").is_in(_ENDS)).min(),
        pl.col("time").filter(event_type="NODE_START").min(),
    )
    start_times = pl.col("time").filter(event_type=_START)
    pairs = (
        rows.lazy().filter(pl.col("correlation_id").is_not_null() & pl.col("event_type").is_in([_START, "NODE_START", *_ENDS]))
        .group_by("node", "correlation_id")
        .agg(
            distance=start_times.min() - expected,
            row=pl.col("row").filter(event_type=_START).min(),
        )
        .drop_nulls()
        .with_columns(offset=_whole_multiple(pl.col("distance")))
        .filter((pl.col("distance") - pl.col("offset")).abs() <= PAIR_TOLERANCE_US, pl.col("offset").abs() <= LARGEST_OFFSET_US)
        .select("node", "correlation_id", "row", "offset")
        .collect()
    )
    evidence = pairs.select("node", "row", "offset").sort("row")
    starts = rows.filter(pl.col("event_type") == _START, "naive").select("row", "node", "correlation_id").sort("row")
    own = starts.join(pairs.drop("row"), on=["node", "correlation_id"], how="left", maintain_order="left")
    near = own.rename({"offset": "own"})
    for strategy in ("backward", "forward"):
        near = near.join_asof(evidence.rename({"offset": strategy}), on="row", by="node", strategy=strategy, check_sortedness=False)
    known = {node: ms * 1000 for node, ms in offsets.items()}
    repaired = near.select(
        "row",
        offset=pl.coalesce("own", "backward", "forward", pl.col("node").replace_strict(known, default=0, return_dtype=pl.Int64)),
    ).filter(pl.col("offset") != 0)
    latest = evidence.group_by("node").agg(pl.col("offset").last())
    offsets |= {node: us // 1000 for node, us in latest.iter_rows()}
    return Repaired(_shifted(events, repaired), offsets)


def _repair_by_arrival(events: pl.DataFrame) -> pl.DataFrame:
    time = pl.col("timestamp").cast(pl.Int64)
    distance = time - pl.col("arrived_at").cast(pl.Int64)
    # an event arrives after it happened: the multiple is the next one above
    offset = -((-(distance - PAIR_TOLERANCE_US)).floordiv(QUARTER_HOUR_US)) * QUARTER_HOUR_US
    rows = events.select("node", naive=_is_naive(), distance=distance, offset=offset).with_row_index("row")
    usable = pl.col("naive") & pl.col("distance").is_not_null() & (pl.col("offset") - pl.col("distance") <= ARRIVAL_DELAY_US)
    judged = rows.with_columns(offset=pl.when(usable).then("offset"))
    producers = judged.filter(pl.col("naive") & pl.col("distance").is_not_null()).group_by("node").agg(
        common=pl.col("offset").drop_nulls().mode().min(), seen=pl.len(),
        agreeing=(pl.col("offset") == pl.col("offset").drop_nulls().mode().min()).sum(),
    ).filter(
        pl.col("common") != 0, pl.col("common").abs() <= LARGEST_OFFSET_US, pl.col("agreeing") >= _ARRIVAL_EVENTS,
        pl.col("agreeing") >= _ARRIVAL_SHARE * pl.col("seen"),
    )
    if producers.is_empty():
        return events
    repaired = rows.filter("naive").join(producers.select("node", "common"), on="node").select("row", offset="common")
    return _shifted(events, repaired.sort("row"))


def _shifted(events: pl.DataFrame, repaired: pl.DataFrame) -> pl.DataFrame:
    """Take `offset` (µs) off the time of each listed row."""
    if repaired.is_empty():
        return events
    whole = pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f").str.strip_suffix(".000000")
    shift = pl.col("offset")
    return (
        events.with_row_index("row")
        .join(repaired, on="row", how="left", maintain_order="left")
        .with_columns(
            timestamp_original=pl.when(shift.is_not_null()).then(pl.coalesce("timestamp_original", whole)).otherwise("timestamp_original"),
            timestamp=pl.when(shift.is_not_null()).then((pl.col("timestamp").cast(pl.Int64) - shift).cast(EVENTS["timestamp"])).otherwise("timestamp"),
            clock_offset_ms=pl.when(shift.is_not_null()).then(shift // 1000).otherwise("clock_offset_ms"),
        )
        .select(events.columns)
    )


def _is_naive() -> pl.Expr:
    """True where the time came without a zone and was not repaired before."""
    original = pl.col("timestamp_original")
    return (original.is_null() | ~original.str.contains(_ZONED)) & pl.col("clock_offset_ms").is_null()


def _whole_multiple(distance: pl.Expr) -> pl.Expr:
    """The nearest whole multiple of 15 minutes."""
    return ((distance + QUARTER_HOUR_US // 2) // QUARTER_HOUR_US) * QUARTER_HOUR_US
