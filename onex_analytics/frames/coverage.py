"""Where the log has holes: producers that fell silent, and offsets of a bus that never arrived.

No verdict should be given inside a hole: "no errors" and "nothing was written down" look alike there.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import require
from onex_analytics.frames.quantiles import quantile
from onex_analytics.frames.windows import width_seconds
from onex_analytics.model.shapes import UTC_MICROSECONDS

HOLES = pl.Schema({
    "node": pl.String(),              # the producer; null where any of them may be concerned
    "start": UTC_MICROSECONDS,        # the last sign of life before the hole
    "end": UTC_MICROSECONDS,          # the first one after it, or the end of the log
    "kind": pl.String(),              # pause, silent, never_seen, offsets
    "expected_events": pl.Float64(),  # how many are likely missing; null where nothing says how many
    "source": pl.String(),            # the topic, for missing offsets
})
"""One row a hole: [start, end)."""

BUS_SOURCE = r"^(?:[\w-]+\.)?onex\.(?:evt|cmd|intent|snapshot|dlq)\."
"""A source that is a topic of the bus: its offsets are consecutive. Offsets of files are bytes, and have gaps."""

_RHYTHM_EVENTS = 20
_COMMON_PAUSES = 5  # so many pauses of one length are a rhythm
_FARTHEST = 10      # a rate speaks for a hole so many times as long as the time in which it was seen


def coverage(
    events: pl.LazyFrame,
    *,
    expected: Iterable[str] | None = None,
    factor: float = 8.0,
    minimum: str = "1m",
    also_read: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """The holes of a log, each producer against its own rhythm.

    A producer's rhythm is the 99th percentile of the time between two of its events. A time without a sign
    of it that is longer than `factor` times that, than twice its fifth longest pause (who works in bursts is not
    silent between them), and than `minimum`, is a hole. A producer with fewer than 20 events has no rhythm yet, nor
    has one that was seen for less than `minimum` apart from its holes: a burst of a second says nothing about the
    minute after it. A late first event is no hole: the producer may be new; name it in `expected` if it is not. Load
    that sleeps on few nights is seen as a pause.

    `expected_events` is the hole's length times the producer's rate in the time between its holes, less the event that
    ended it; null where the hole is more than ten times as long as that time.

    Args:
        events: one row an event, in any order; reads `timestamp`, `node`, and, where they are there,
            `source`, `source_offset` and `arrived_at`.
        expected: nodes that should have spoken. Those that never did are `never_seen`, for the whole log.
        factor: how many times its usual longest pause a producer may be quiet, at least 1.
        minimum: no hole is shorter than this Polars duration.
        also_read: rows with `source` and `source_offset` that were read but gave no event, such as
            `EventStore.rejected()`: their offsets are not missing.

    Returns:
        One row a hole in the shape `HOLES`, ordered by start and node. `pause`: the producer came back.
        `silent`: it did not, before the log ended. `never_seen`: expected, without any event. `offsets`: a
        topic of the bus skips numbers (only where `source` names a topic; a message that was delivered twice
        and stored once may leave a number out, too); its times are those of its neighbours.
    """
    if not factor >= 1:
        raise InvalidOption("factor", factor, "a number of at least 1")
    require(events, "timestamp", "node")
    seen = events.filter(pl.col("timestamp").is_not_null())
    holes = [_quiet_times(seen, factor, minimum)]
    if expected is not None:
        holes.append(_never_seen(seen, expected))
    if {"source", "source_offset"} <= set(events.collect_schema().names()):
        holes.append(_missing_offsets(seen, also_read))
    return pl.concat([part.select(HOLES.names()).cast(HOLES) for part in holes]).sort("start", "node", "end")


def covered_time(events: pl.LazyFrame, holes: pl.LazyFrame, by: str | None = "node") -> pl.LazyFrame:
    """How much of the log's time is covered: the time that rates should be divided by.

    Args:
        events: one row an event; reads `timestamp` and `node`.
        holes: the result of `coverage` for these events.
        by: "node", or None for the log as a whole, which only holes without a node (missing offsets) shorten.

    Returns:
        One row a node, ordered by it (or one row): `node`, `log_seconds` (first to last event of the whole
        log), `hole_seconds` (its own holes and those without a node, overlaps counted once),
        `covered_seconds` and `covered_share` (0 to 1; null for a log of no length).
    """
    if by not in ("node", None):
        raise InvalidOption("by", by, '"node" or None')
    require(events, "timestamp", "node")
    require(holes, "node", "start", "end")
    seconds = (pl.col("timestamp").max() - pl.col("timestamp").min()).dt.total_microseconds() / 1e6
    length = events.select(seconds.fill_null(0.0).alias("log_seconds"))
    anywhere = holes.filter(pl.col("node").is_null()).select("start", "end")
    if by == "node":
        named = holes.filter(pl.col("node").is_not_null()).select("node", "start", "end")
        nodes = pl.concat([events.select("node"), named.select("node")]).drop_nulls().unique()
        lost = pl.concat([named, nodes.join(anywhere, how="cross")])
    else:
        nodes = pl.LazyFrame({"node": ["(all)"]})
        lost = nodes.join(anywhere, how="cross")
    end_before = pl.col("end").cum_max().shift().over("node")
    new_seconds = (pl.col("end") - pl.max_horizontal("start", end_before)).dt.total_microseconds().clip(0) / 1e6
    hole_seconds = (
        lost.sort("node", "start", "end").select("node", new_seconds.alias("hole_seconds")).group_by("node").sum()
    )
    covered = pl.max_horizontal(pl.col("log_seconds") - pl.col("hole_seconds"), 0.0)
    result = (
        nodes.join(hole_seconds, on="node", how="left")
        .join(length, how="cross")
        .with_columns(pl.col("hole_seconds").fill_null(0.0))
        .select("node", "log_seconds", "hole_seconds", covered.alias("covered_seconds"))
        .with_columns(
            (pl.col("covered_seconds") / pl.when(pl.col("log_seconds") > 0).then("log_seconds")).alias("covered_share")
        )
    )
    return result.sort("node") if by == "node" else result.drop("node")


def _quiet_times(seen: pl.LazyFrame, factor: float, minimum: str) -> pl.LazyFrame:
    end_of_log = pl.col("timestamp").max()
    known = seen.filter(pl.col("node").is_not_null()).select("node", "timestamp").sort("node", "timestamp")
    gaps = known.with_columns(pl.col("timestamp").shift(-1).over("node").alias("next"))
    gap_us = (pl.col("next") - pl.col("timestamp")).dt.total_microseconds()
    of_its_kind = pl.max_horizontal(quantile(gap_us, "0.99") * factor, gap_us.top_k(_COMMON_PAUSES).min() * 2)
    rhythm = (
        gaps.group_by("node")
        .agg(pl.len().alias("n"), of_its_kind.alias("usual_us"))
        .filter(pl.col("n") >= _RHYTHM_EVENTS)
    )
    least = round(width_seconds(minimum) * 1e6)
    returned = pl.col("next").is_not_null()
    quiet = (
        gaps.join(seen.select(end_of_log.alias("end_of_log")), how="cross")
        .with_columns(pl.coalesce("next", "end_of_log").alias("end"), returned.alias("returned"))
        .join(rhythm, on="node")
        .with_columns((pl.col("end") - pl.col("timestamp")).dt.total_microseconds().alias("quiet_us"))
        .with_columns((pl.col("quiet_us") > pl.max_horizontal("usual_us", pl.lit(least))).alias("is_hole"))
    )
    rhythmic = ~pl.col("is_hole") & pl.col("returned")
    # what lies between its holes is the time in which the producer has shown a rhythm, and a rate
    watched_us = pl.col("quiet_us").filter(rhythmic).sum().over("node")
    per_us = rhythmic.sum().over("node") / pl.col("watched_us").clip(1)
    missing = (pl.col("quiet_us") * pl.col("per_us") - pl.col("returned")).clip(0)
    told = pl.col("quiet_us") <= _FARTHEST * pl.col("watched_us")
    return (
        quiet.with_columns(watched_us.alias("watched_us"))
        .with_columns(per_us.alias("per_us"))
        .filter(pl.col("is_hole") & (pl.col("watched_us") >= least))
        .select(
            "node",
            pl.col("timestamp").alias("start"),
            "end",
            pl.when("returned").then(pl.lit("pause")).otherwise(pl.lit("silent")).alias("kind"),
            pl.when(told).then(missing).alias("expected_events"),
            pl.lit(None, pl.String).alias("source"),
        )
    )


def _never_seen(seen: pl.LazyFrame, expected: Iterable[str]) -> pl.LazyFrame:
    wanted = pl.LazyFrame({"node": sorted(set(expected))}, schema={"node": pl.String})
    ends = seen.select(pl.col("timestamp").min().alias("start"), pl.col("timestamp").max().alias("end"))
    return wanted.join(seen.select("node"), on="node", how="anti").join(ends, how="cross").select(
        "node",
        "start",
        "end",
        pl.lit("never_seen").alias("kind"),
        pl.lit(None, pl.Float64).alias("expected_events"),
        pl.lit(None, pl.String).alias("source"),
    )


def _missing_offsets(seen: pl.LazyFrame, also_read: pl.LazyFrame | None) -> pl.LazyFrame:
    has_arrival = "arrived_at" in seen.collect_schema().names()
    at = pl.coalesce("arrived_at", "timestamp") if has_arrival else pl.col("timestamp")
    read = seen.select("source", "source_offset", at.alias("at"))
    if also_read is not None:
        require(also_read, "source", "source_offset")
        read = pl.concat([read, also_read.select("source", "source_offset", at=pl.lit(None, UTC_MICROSECONDS))])
    next_offset = pl.col("source_offset").shift(-1).over("source")
    return (
        read.filter(pl.col("source").str.contains(BUS_SOURCE) & pl.col("source_offset").is_not_null())
        .unique(["source", "source_offset"])
        .sort("source", "source_offset")
        .with_columns(pl.col("at").forward_fill().over("source").alias("start"))
        .with_columns(
            (next_offset - pl.col("source_offset") - 1).alias("missing"),
            pl.col("at").backward_fill().shift(-1).over("source").alias("end"),
        )
        .filter(pl.col("missing") > 0)
        .select(
            pl.lit(None, pl.String).alias("node"),
            pl.col("start"),
            pl.max_horizontal("start", "end").alias("end"),
            pl.lit("offsets").alias("kind"),
            pl.col("missing").cast(pl.Float64).alias("expected_events"),
            "source",
        )
    )

