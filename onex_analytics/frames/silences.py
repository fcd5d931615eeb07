"""Buckets in which a node, or the whole log, was quieter than usual: how silence is judged.

- **A node** is expected to emit its usual share of what the other nodes emit in the bucket, so that a quiet night of
  the whole fleet is not silence. A bucket is quiet under 35 % of that. Its z is the root of the Poisson deviance over
  the node's own overdispersion (events come in clumps).
- **All nodes at once** are held against the running median of the neighbouring buckets.

**What the data can support.** Who has spoken in fewer than 20 buckets, or in fewer than half of those in which
anybody did, has no usual. And a run of quiet buckets must be rare among the node's own: in B buckets enough was
expected for silence to show (a z of 2); where a share q of those outside the run is quiet, a run of L would come by
chance about B·q^L times; at most 0.05 is silence. So one quiet bucket stands out only where no other is quiet, and a
node that works in bursts is not silent between them.
"""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from onex_analytics.frames.deviances import poisson_deviance
from onex_analytics.frames.windows import bucket, duration

_QUIET = 0.35            # of what was expected
_SHOWS = 2.0             # z
_LEAST_SPOKEN = 20       # buckets
_LEAST_ACTIVE = 0.5      # share of buckets
_RUNS_BY_CHANCE = 0.05
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def silences(events: pl.LazyFrame, every: str) -> pl.LazyFrame:
    """The quiet buckets of each node.

    Args:
        events: one row an event that has a timestamp; reads `timestamp` and `node`.
        every: bucket width.

    Returns:
        One row a (node, bucket), in no order: `kind` ("silence"), `node`, `what` (null), `start`, `measure`,
        `observed` and `usual` (events), `n` (events observed), `z`.
    """
    counts = events.filter(pl.col("node").is_not_null()).group_by("node", bucket(every)).agg(pl.len().alias("k"))
    grid = counts.select("node").unique().join(counts.select("start").unique(), how="cross")
    others = pl.col("k").sum().over("start") - pl.col("k")
    ratio = pl.col("k") / pl.when(pl.col("others") > 0).then("others")
    dispersion = ((pl.col("k") - pl.col("usual")) ** 2 / pl.col("usual").clip(1)).median().over("node") / 0.455
    judged = (
        grid.join(counts, on=["node", "start"], how="left")
        .with_columns(pl.col("k").fill_null(0).cast(pl.Float64))
        .with_columns(others.alias("others"))
        .with_columns(ratio.filter(pl.col("k") > 0).median().over("node").alias("ratio"))
        .with_columns((pl.col("ratio") * pl.col("others")).alias("usual"))
        .with_columns(dispersion.clip(1).alias("dispersion"))
        .with_columns((poisson_deviance("k", "usual") / pl.col("dispersion")).sqrt().alias("z"))
    )
    return _rarely_quiet(judged)


def silences_of_all(events: pl.LazyFrame, every: str) -> pl.LazyFrame:
    """The quiet buckets of the whole log, those between its first and its last; columns as `silences`, node null."""
    counts = events.group_by(bucket(every)).agg(pl.len().alias("k").cast(pl.Float64)).sort("start")
    first, last = pl.col("start").min(), pl.col("start").max()
    grid = events.select(bucket(every)).select(
        pl.datetime_range(first.fill_null(_ANY_TIME), last.fill_null(_ANY_TIME), duration(every)).alias("start")
    )
    usual = pl.col("k").rolling_median(13, center=True, min_samples=7)
    dispersion = ((pl.col("k") - pl.col("usual")) ** 2 / pl.col("usual").clip(1)).median() / 0.455
    z = (poisson_deviance("k", "usual") / pl.col("dispersion")).sqrt()
    judged = (
        grid.join(counts, on="start", how="left")
        .sort("start")
        .with_columns(pl.col("k").fill_null(0.0))
        .with_columns(usual.alias("usual"), pl.lit(None, pl.String).alias("node"))
        .with_columns(dispersion.clip(1).alias("dispersion"))
        .with_columns(z.alias("z"))
        .filter((pl.col("start") > first) & (pl.col("start") < last))
    )
    return _rarely_quiet(judged)


def _rarely_quiet(judged: pl.LazyFrame) -> pl.LazyFrame:
    """The quiet buckets of whoever has a usual, in runs that are rare among its own."""
    quiet = ((pl.col("k") < _QUIET * pl.col("usual")) & (pl.col("z") >= _SHOWS)).fill_null(False)
    would_show = ((2 * pl.col("usual") / pl.col("dispersion")).sqrt() >= _SHOWS).fill_null(False)
    spoken = pl.col("k") > 0
    length = pl.len().over("node", "run")
    n_quiet, n_buckets = pl.col("quiet").sum().over("node"), would_show.sum().over("node")
    share_elsewhere = (n_quiet - length) / (n_buckets - length).clip(1)
    return (
        judged.with_columns(quiet.alias("quiet"))
        .sort("node", "start")
        .with_columns(pl.col("quiet").rle_id().over("node").alias("run"))
        .filter(
            pl.col("quiet")
            & (spoken.sum().over("node") >= _LEAST_SPOKEN)
            & (spoken.mean().over("node") >= _LEAST_ACTIVE)
            & (n_buckets * share_elsewhere**length <= _RUNS_BY_CHANCE)
        )
        .select(
            pl.lit("silence").alias("kind"), "node", pl.lit(None, pl.String).alias("what"), "start",
            pl.lit("events a bucket").alias("measure"), pl.col("k").alias("observed"), "usual",
            pl.col("k").cast(pl.UInt32).alias("n"), "z",
        )
    )
