"""What a page asks of work: how long it takes, what callers wait for, and what never ended."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from onex_analytics import frames, profiling
from onex_analytics.views import BANDS, WorkFrames

_OLD_MS = 30 * 60_000.0
_MOST_OPEN = 500


def work_frames(spans: pl.LazyFrame, *, now: datetime | None) -> WorkFrames:
    """How long the work of the log takes, what callers wait for, and what was unfinished at `now`, the end of the log.

    The middle half of the traces and the slowest twentieth are bands of one profile: the trees are walked once.
    """
    keys = ["node", "operation"]
    at = datetime.fromtimestamp(0, UTC) if now is None else now
    latency = profiling.latency_table(spans, keys, (0.5, 0.95, 0.99)).sort(
        "p99_ms", *keys, descending=[True, False, False], nulls_last=True
    )
    path = profiling.critical_path_profile(spans, keys, BANDS)
    left_out = frames.tree_states(spans).filter(pl.col("place") == "left_out")
    latency_table, critical_path, still_open, in_no_tree = pl.collect_all(
        [latency, path, frames.open_spans(spans, now=at), left_out]
    )
    middle, slowest = (critical_path.filter(pl.col("band") == band) for band in (1, 3))
    open_work = still_open.group_by(keys).agg(
        pl.len().alias("open"),
        (pl.col("age_ms") > _OLD_MS).sum().alias("older"),
        pl.col("start").min().alias("oldest"),
        pl.col("age_ms").max().alias("longest_age_ms"),
    )
    return WorkFrames(
        latency=latency_table,
        critical_path=_by_node(critical_path),
        tail=profiling.profile_difference(middle, slowest).collect(),
        open_spans=still_open.head(_MOST_OPEN),
        open_work=open_work.sort("longest_age_ms", *keys, descending=[True, False, False], nulls_last=True),
        older_than_ms=_OLD_MS,
        in_no_tree=in_no_tree.select("word", "spans"),
    )


def _by_node(profile: pl.DataFrame) -> pl.DataFrame:
    """A critical path profile by node and operation as one by node: its times and shares add up."""
    unsure = (pl.col("ambiguous_share") * pl.col("critical_ms")).sum() / pl.col("critical_ms").sum()
    return (
        profile.group_by("band", "band_from", "band_to", "node", "trees")
        .agg(pl.col("sections", "critical_ms", "mean_ms", "share").sum(), unsure.fill_nan(0.0).alias("ambiguous_share"))
        .sort("band", "critical_ms", "node", descending=[False, True, False], nulls_last=True)
    )
