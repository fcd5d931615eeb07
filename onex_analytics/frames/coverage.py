"""Where the log has holes: producers that fell silent, and offsets of a bus that never arrived.

No verdict should be given inside a hole: "no errors" and "nothing was written down" look alike there.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import require
from onex_analytics.frames.quantiles import index_column
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

_FACTOR, _MINIMUM = 8.0, "1m"
_RHYTHM_EVENTS = 20
_COMMON_PAUSES = 5  # so many pauses of one length are a rhythm
_FARTHEST = 10      # a rate speaks for a hole so many times as long as the time in which it was seen


def coverage(
    events: pl.LazyFrame,
    *,
    expected: Iterable[str] | None = None,
    factor: float = _FACTOR,
    minimum: str = _MINIMUM,
    also_read: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """The holes of a log, each producer against its own rhythm.

    A producer's rhythm is the 99th percentile of the time between two of its events. A time without a sign
    of it that is longer than `factor` times that, than twice its fifth longest pause (who works in bursts is not
    silent between them), and than `minimum`, is a hole. A producer with fewer than 20 events has no rhythm yet, nor
    has one that was seen for less than `minimum` apart from its holes: a burst of a second says nothing about the
    minute after it. A late first event is no hole: the producer may be new; name it in `expected` if it is not. Load
    that sleeps on few nights is seen as a pause.

    The log ends where it was last seen at work as a whole: a few events (fewer than 20) that came in after everybody
    had stopped make nobody silent, nor a pause. So it begins, too. `covered_time` reckons from the one to the other.

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
    ends = _ends(seen, factor, minimum)
    holes = [_quiet_times(seen, ends, factor, minimum)]
    if expected is not None:
        holes.append(_never_seen(seen, ends, expected))
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
        One row a node, ordered by it (or one row): `node`, `log_seconds` (of the whole log, from where it begins to
        where it ends: see `coverage`), `hole_seconds` (its own holes and those without a node, overlaps counted once),
        `covered_seconds` and `covered_share` (0 to 1; null for a log of no length).
    """
    if by not in ("node", None):
        raise InvalidOption("by", by, '"node" or None')
    require(events, "timestamp", "node")
    require(holes, "node", "start", "end")
    ends = _ends(events.filter(pl.col("timestamp").is_not_null()), _FACTOR, _MINIMUM)
    seconds = (pl.col("end") - pl.col("start")).dt.total_microseconds() / 1e6
    length = ends.select(seconds.fill_null(0.0).alias("log_seconds"))
    within = pl.max_horizontal("start", "log_start"), pl.min_horizontal("end", "log_end")
    holes = holes.join(ends.select(log_start="start", log_end="end"), how="cross").with_columns(
        start=within[0], end=pl.max_horizontal(*within)
    )
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


def _quiet_times(seen: pl.LazyFrame, ends: pl.LazyFrame, factor: float, minimum: str) -> pl.LazyFrame:
    known = seen.filter(pl.col("node").is_not_null()).select("node", "timestamp").join(ends, how="cross")
    in_log = known.filter(pl.col("timestamp").is_between("start", "end"))
    times = in_log.group_by("node").agg(pl.col("timestamp").cast(pl.Int64).sort().alias("start"))
    first, last, n = pl.col("start").list.first(), pl.col("start").list.last(), pl.col("start").list.len()
    rhythm = (
        times.with_columns(
            pl.col("start").list.shift(-1).alias("end"),
            pl.col("start").list.diff(null_behavior="drop").list.sort().alias("pauses"),
            (last - first).alias("seen_us"), n.alias("n"), last.alias("last"),
        )
        .filter(pl.col("n") >= _RHYTHM_EVENTS)
        .with_columns(pl.max_horizontal(_usual(factor, minimum), _common_pause()).alias("usual_us"))
        .drop("pauses")
        .cache()
    )  # fmt: skip
    quiet_us = pl.col("end") - pl.col("start")
    pauses = (
        rhythm.select("node", "start", "end", "usual_us").explode("start", "end").filter(quiet_us > pl.col("usual_us"))
    ).cache()
    # what lies between its holes is the time in which the producer has shown a rhythm, and a rate
    lost = pauses.group_by("node").agg(quiet_us.sum().alias("lost_us"), pl.len().alias("pauses"))
    watched = rhythm.select("node", "n", "usual_us", "seen_us", "last").join(lost, on="node", how="left").select(
        "node", "usual_us", "last",
        watched_us=pl.col("seen_us") - pl.col("lost_us").fill_null(0),
        rhythmic=pl.col("n").cast(pl.Int64) - 1 - pl.col("pauses").fill_null(0).cast(pl.Int64),
    ).cache()  # fmt: skip
    log_end = ends.select(pl.col("end").cast(pl.Int64).alias("log_end"))
    silent = watched.join(log_end, how="cross").select("node", start="last", end="log_end", usual_us="usual_us").filter(
        quiet_us > pl.col("usual_us")
    )
    columns = ["node", "start", "end"]
    quiet = pl.concat([
        pauses.select(*columns, pl.lit("pause").alias("kind")), silent.select(*columns, pl.lit("silent").alias("kind")),
    ]).join(watched, on="node").with_columns(quiet_us.alias("quiet_us"))  # fmt: skip
    per_us = pl.col("rhythmic") / pl.col("watched_us").clip(1)
    missing = (pl.col("quiet_us") * per_us - (pl.col("kind") == "pause")).clip(0)
    told = pl.col("quiet_us") <= _FARTHEST * pl.col("watched_us")
    return quiet.filter(pl.col("watched_us") >= round(width_seconds(minimum) * 1e6)).select(
        "node",
        pl.col("start", "end").cast(UTC_MICROSECONDS),
        "kind",
        pl.when(told).then(missing).alias("expected_events"),
        pl.lit(None, pl.String).alias("source"),
    )


def _usual(factor: float, minimum: str) -> pl.Expr:
    """In microseconds, from the sorted `pauses`: what is quiet for longer is out of the rhythm."""
    place = index_column(pl.col("pauses").list.len(), "0.99")
    tail = pl.col("pauses").list.get(place, null_on_oob=True) * factor
    return pl.max_horizontal(tail, pl.lit(width_seconds(minimum) * 1e6))


def _common_pause() -> pl.Expr:
    """Twice the fifth longest of the sorted `pauses`: who works in bursts is not silent between them."""
    place = (pl.col("pauses").list.len().cast(pl.Int64) - _COMMON_PAUSES).clip(0)
    return pl.col("pauses").list.get(place, null_on_oob=True) * 2


def _ends(seen: pl.LazyFrame, factor: float, minimum: str) -> pl.LazyFrame:
    """`start` and `end` of the log, in one row: those of its first and last stretch with a rhythm.

    Stretches are what pauses of the log as a whole part. One of fewer than 20 events is a straggler's: an event of
    long ago, or one that came in when all was over. Where no stretch has more, all count.
    """
    times = seen.select(pl.col("timestamp").cast(pl.Int64).sort())
    pause = pl.col("timestamp").diff()
    usual = times.select(pause.drop_nulls().sort().implode().alias("pauses")).select(
        _usual(factor, minimum).alias("usual_us")
    )
    before = pl.col("timestamp").shift().alias("before")
    stretches = (
        times.with_columns(pause.alias("pause"), before)
        .with_row_index("place")
        .join(usual, how="cross")
        .filter((pl.col("place") == 0) | (pl.col("pause") > pl.col("usual_us")))
        .sort("place")
        .join(times.select(pl.len().alias("n"), pl.col("timestamp").max().alias("last")), how="cross")
        .select(
            start="timestamp",
            end=pl.coalesce(pl.col("before").shift(-1), "last"),
            events=pl.coalesce(pl.col("place").shift(-1), "n").cast(pl.Int64) - pl.col("place").cast(pl.Int64),
        )
    )
    has_rhythm = (pl.col("events") >= _RHYTHM_EVENTS) | (pl.col("events").max() < _RHYTHM_EVENTS)
    first, last = pl.col("start").min(), pl.col("end").max()
    return stretches.filter(has_rhythm).select(first.cast(UTC_MICROSECONDS), last.cast(UTC_MICROSECONDS)).cache()


def _never_seen(seen: pl.LazyFrame, ends: pl.LazyFrame, expected: Iterable[str]) -> pl.LazyFrame:
    wanted = pl.LazyFrame({"node": sorted(set(expected))}, schema={"node": pl.String})
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

