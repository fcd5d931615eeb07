"""Mixed clocks: naive local times among naive UTC times, found by their constant offset and repaired.

Upstream stamps TELEMETRY_OPERATION_START with naive local time and everything else with naive UTC, so that on a host
at UTC−5 every start lies exactly 18,000 s early; omnibase_core stamps everything with local time. An offset is a whole
multiple of 15 minutes (every time zone is one), seen in pairs of events whose true distance is known:

- a telemetry start and the end of the same node and correlation id, less its `execution_time_ms`, or the NODE_START
  that it wraps;
- any event and its arrival, for producers whose events all share one offset against it.

An event with a pair of its own is judged by that pair; one without (an operation that never ended) by the last pair of
its producer before it in the same unit, else by the next one; else by what earlier units showed, and then only if that
brings it nearer to its neighbours. So daylight saving is followed pair by pair.

A time that says that it is UTC (`Z`, `+00:00`, a number since 1970) is a claim against the pair, and a pair alone does
not say which of the two is wrong. It is overruled where its own pair shows an offset that times without a zone of the
same producer show as well: then the producer stamps such events by that clock, whatever it writes behind it. A time
with another zone is believed. What was repaired keeps its original beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.model.shapes import EVENTS
from onex_analytics.sources.hashing import xxh64_texts
from onex_analytics.sources.pairing import NOWHERE, smallest_of_key

Rows = NDArray[np.int64]
Micros = NDArray[np.int64]

QUARTER_HOUR_US = 900 * 1_000_000
PAIR_TOLERANCE_US = 5_000_000
"""How far a pair may lie from a whole multiple and still be evidence."""
ARRIVAL_DELAY_US = 120_000_000
"""How late an event may arrive and still be evidence."""
LARGEST_OFFSET_US = 14 * 4 * QUARTER_HOUR_US
_ARRIVAL_SHARE, _ARRIVAL_EVENTS = 0.9, 5
_NODE_OFFSET = pl.Schema({"node": pl.String(), "offset": pl.Int64()})
_MIX = np.uint64(0x9E3779B97F4A7C15)
_START = "TELEMETRY_OPERATION_START"
_ENDS = ("TELEMETRY_OPERATION_SUCCESS", "TELEMETRY_OPERATION_ERROR")
_NUMBER = r"^\s*\d+(?:\.\d+)?\s*$"
_ZONED = rf"(?:[Zz]|[+-]\d{{2}}:?(?:\d{{2}})?)$|{_NUMBER}"
_SAYS_UTC = rf"(?:[Zz]|[+-]00:?(?:00)?)$|{_NUMBER}"


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
    rows = np.flatnonzero((events["event_type"] == _START).to_numpy())
    if not rows.size:
        return Repaired(events, offsets)
    shifts, latest = _start_shifts(events, rows, offsets)
    return Repaired(_shifted(events, rows[shifts != 0], shifts[shifts != 0]), offsets | latest)


def _start_shifts(events: pl.DataFrame, starts: Rows, known_ms: Mapping[str, int]) -> tuple[Micros, dict[str, int]]:
    """What each telemetry start is off by, in microseconds, and the last offset of each producer in milliseconds."""
    times = events["timestamp"].cast(pl.Int64).to_numpy()
    naive = events.select("timestamp_original", "clock_offset_ms")[starts].select(_is_naive()).to_series().to_numpy()
    nodes = events["node"]
    own, has_own = _own_offsets(events, times, starts)
    shifts = np.where(has_own & naive, own, 0)
    pairs = pl.DataFrame({"node": nodes.gather(starts), "row": starts, "offset": own})
    evidence = pairs.filter(pl.Series(has_own & naive))
    latest = evidence.group_by("node").agg(pl.col("offset").sort_by("row").last())
    claims = np.flatnonzero((own != 0) & ~naive)
    if claims.size:
        says = events[starts[claims]].select(_says_utc()).to_series()
        asked = pairs[claims].with_columns(at=pl.Series(claims)).filter(says)
        earlier_units = pl.DataFrame(
            {"node": list(known_ms), "offset": [ms * 1000 for ms in known_ms.values()]}, schema=_NODE_OFFSET
        )
        shown = pl.concat([evidence.select("node", "offset"), earlier_units])
        overruled = asked.join(shown, on=["node", "offset"], how="semi")
        shifts[overruled["at"].to_numpy()] = overruled["offset"].to_numpy()
    alone = np.flatnonzero(~has_own & naive)
    if alone.size:
        frame = pl.DataFrame({"node": nodes.gather(starts[alone]), "row": starts[alone], "at": alone})
        for strategy in ("backward", "forward"):
            right = evidence.rename({"offset": strategy}).sort("row")
            frame = frame.sort("row").join_asof(right, on="row", by="node", strategy=strategy, check_sortedness=False)
        known = {node: ms * 1000 for node, ms in known_ms.items()}
        near = frame.select(
            "at", seen=pl.coalesce("backward", "forward"),
            known=pl.col("node").replace_strict(known, default=0, return_dtype=pl.Int64),
        )  # fmt: skip
        seen, at = near["seen"].to_numpy(allow_copy=True), near["at"].to_numpy()
        earlier = near["known"].to_numpy()
        as_it_is = _distance_to_neighbours(times, starts, starts[at], np.zeros_like(earlier))
        helps = _distance_to_neighbours(times, starts, starts[at], -earlier) < as_it_is
        near_it = np.nan_to_num(seen).astype(np.int64)
        shifts[at] = np.where(near["seen"].is_not_null().to_numpy(), near_it, np.where(helps, earlier, 0))
    return shifts, {node: us // 1000 for node, us in latest.iter_rows()}


def _own_offsets(events: pl.DataFrame, times: Micros, starts: Rows) -> tuple[Micros, NDArray[np.bool_]]:
    """The offset that each start's own pair shows, and whether it has one.

    Pairs are found by a hash of node and correlation id; of a key with several operations the first start and the
    first end are a pair, and so are the last ones. Two that collided would lie at no whole multiple, and so be
    no evidence.
    """
    types, correlation = events["event_type"], events["correlation_id"]
    usable = correlation.is_not_null().to_numpy()
    ended = (types == _ENDS[0]) | (types == _ENDS[1])
    ends = np.flatnonzero((ended & events["execution_time_ms"].is_not_null()).to_numpy() & usable)
    begun = np.flatnonzero((types == "NODE_START").to_numpy() & usable)
    asked = starts[usable[starts]]
    picked = np.concatenate([asked, ends, begun])
    keys = xxh64_texts(correlation.gather(picked)) ^ (xxh64_texts(events["node"].gather(picked)) * _MIX)
    execution = events["execution_time_ms"].gather(ends).to_numpy()
    expected = np.concatenate([times[ends] - np.round(execution * 1000).astype(np.int64), times[begun]])
    found, has = np.zeros(starts.size, np.int64), np.zeros(starts.size, np.bool_)
    begun_at, asked_keys, end_keys = times[asked], keys[: asked.size], keys[asked.size :]
    first, mates = smallest_of_key(asked_keys, asked_keys, begun_at), smallest_of_key(asked_keys, end_keys, expected)
    offset, shown = _whole_offset(first, mates)
    if (first != begun_at).any():
        last = -smallest_of_key(asked_keys, asked_keys, -begun_at)
        mates = smallest_of_key(asked_keys, end_keys, -expected)
        by_last, _ = _whole_offset(last, np.where(mates == NOWHERE, NOWHERE, -mates))
        disputed = (mates != NOWHERE) & (by_last != offset)
        if disputed.any():
            ends_there = pl.DataFrame({"key": end_keys, "end": expected})
            voters = pl.DataFrame({
                "key": asked_keys, "time": begun_at, "row": np.arange(asked.size), "first": offset, "last": by_last,
            }).filter(pl.Series(disputed))  # fmt: skip
            rows, voted, decided = _vote(voters, ends_there)
            offset[rows], shown[rows] = voted, decided
    of_asked = np.flatnonzero(usable[starts])
    found[of_asked], has[of_asked] = np.where(shown, offset, 0), shown
    return found, has


def _whole_offset(times: Micros, mates: Micros) -> tuple[Micros, NDArray[np.bool_]]:
    """The nearest whole multiple of 15 minutes between pairs, and whether it can be the offset of a clock."""
    met = mates != NOWHERE
    distance = np.where(met, times - np.where(met, mates, 0), LARGEST_OFFSET_US * 2)
    offset = (distance + QUARTER_HOUR_US // 2) // QUARTER_HOUR_US * QUARTER_HOUR_US
    return offset, (np.abs(distance - offset) <= PAIR_TOLERANCE_US) & (np.abs(offset) <= LARGEST_OFFSET_US)


def _vote(voters: pl.DataFrame, ends: pl.DataFrame) -> tuple[Rows, Micros, NDArray[np.bool_]]:
    """Rows, their offsets, and whether these are decided, for keys whose first and last pair show different ones.

    One of their operations never ended, or began before. Each start that has an end at an offset is a vote for it
    among the starts of its key; a draw decides nothing.
    """
    ends = ends.join(voters.select("key").unique(), on="key", how="semi").with_columns(time="end").sort("time")
    tallies = voters
    for name in ("first", "last"):
        moved = voters.select("key", "row", time=pl.col("time") - pl.col(name)).sort("time")
        met = moved.join_asof(
            ends, on="time", by="key", strategy="nearest", tolerance=PAIR_TOLERANCE_US, check_sortedness=False
        )
        votes = met.group_by("key").agg(pl.col("end").count().cast(pl.Int64).alias(f"{name}_votes"))
        tallies = tallies.join(votes, on="key", maintain_order="left")
    possible = pl.max_horizontal(pl.col("first").abs(), pl.col("last").abs()) <= LARGEST_OFFSET_US
    better = tallies.select(
        "row",
        offset=pl.when(pl.col("last_votes") > pl.col("first_votes")).then("last").otherwise("first"),
        decided=(pl.col("last_votes") != pl.col("first_votes")) & possible,
    )
    return better["row"].to_numpy(), better["offset"].to_numpy(), better["decided"].to_numpy()


def _distance_to_neighbours(times: Micros, starts: Rows, rows: Rows, shift: Micros) -> Micros:
    """How far a shifted time lies from the nearer of the two rows around it that are no telemetry starts."""
    other = np.ones(times.size, np.bool_)
    other[starts] = False
    place = np.arange(times.size)
    before = np.maximum.accumulate(np.where(other, place, -1))[rows]
    after = np.minimum.accumulate(np.where(other, place, times.size)[::-1])[::-1][rows]
    moved = times[rows] + shift
    far = np.full(rows.size, np.iinfo(np.int64).max)
    to_before = np.where(before >= 0, np.abs(moved - times[np.maximum(before, 0)]), far)
    to_after = np.where(after < times.size, np.abs(moved - times[np.minimum(after, times.size - 1)]), far)
    return np.minimum(to_before, to_after)


def _repair_by_arrival(events: pl.DataFrame) -> pl.DataFrame:
    time = pl.col("timestamp").cast(pl.Int64)
    distance = time - pl.col("arrived_at").cast(pl.Int64)
    # an event arrives after it happened: the multiple is the next one above
    offset = -((-(distance - PAIR_TOLERANCE_US)).floordiv(QUARTER_HOUR_US)) * QUARTER_HOUR_US
    rows = events.select(
        "node", naive=_is_naive(), says=_says_utc(), distance=distance, offset=offset
    ).with_row_index("row")
    prompt = pl.col("offset") - pl.col("distance") <= ARRIVAL_DELAY_US
    common = pl.col("offset").drop_nulls().mode().min()
    producers = (
        rows.filter(pl.col("naive"), pl.col("distance").is_not_null())
        .with_columns(offset=pl.when(prompt).then("offset"))
        .group_by("node").agg(common=common, seen=pl.len(), agreeing=(pl.col("offset") == common).sum())
        .filter(
            pl.col("common") != 0, pl.col("common").abs() <= LARGEST_OFFSET_US,
            pl.col("agreeing") >= _ARRIVAL_EVENTS, pl.col("agreeing") >= _ARRIVAL_SHARE * pl.col("seen"),
        )
    )  # fmt: skip
    if producers.is_empty():
        return events
    overruled = pl.col("says") & prompt & (pl.col("offset") == pl.col("common"))
    repaired = rows.join(producers.select("node", "common"), on="node").filter(pl.col("naive") | overruled).sort("row")
    return _shifted(events, repaired["row"].to_numpy(), repaired["common"].to_numpy())


def _shifted(events: pl.DataFrame, rows: Rows, offsets: Micros) -> pl.DataFrame:
    """Take an offset (µs) off the time of each listed row, and keep what came."""
    if not rows.size:
        return events
    came = events.select("timestamp", "timestamp_original", "clock_offset_ms")[rows]
    plain = pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f").str.strip_suffix(".000000")
    whole = came.select(pl.coalesce("timestamp_original", plain)).to_series()
    times = events["timestamp"].cast(pl.Int64).to_numpy().copy()
    times[rows] -= offsets
    marks = np.full(events.height, -1, np.int64)
    marks[rows] = np.arange(rows.size)
    milliseconds = pl.Series(offsets // 1000)
    # chunk by chunk: a column in one chunk beside others in several has the whole frame copied into one
    parts, begin = [], 0
    for length in events["timestamp"].chunk_lengths():
        here = slice(begin, begin + length)
        index = pl.Series(marks[here]).replace(-1, None)
        parts.append(events.slice(begin, length).with_columns(
            timestamp=pl.Series(times[here]).cast(EVENTS["timestamp"]),
            timestamp_original=pl.coalesce(whole.gather(index), "timestamp_original"),
            clock_offset_ms=pl.coalesce(milliseconds.gather(index), "clock_offset_ms"),
        ))  # fmt: skip
        begin += length
    return pl.concat(parts)


def _is_naive() -> pl.Expr:
    """True where the time came without a zone and was not repaired before."""
    original = pl.col("timestamp_original")
    return (original.is_null() | ~original.str.contains(_ZONED)) & pl.col("clock_offset_ms").is_null()


def _says_utc() -> pl.Expr:
    """True where the time came as UTC, in words or as a number, and was not repaired before."""
    return pl.col("timestamp_original").str.contains(_SAYS_UTC).fill_null(False) & pl.col("clock_offset_ms").is_null()
