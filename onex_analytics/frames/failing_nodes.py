"""Nodes that fail more than the others, all the time: no past of their own would show it.

The failures of a node are held against those of all nodes. The share is that of its calmest four fifths of buckets,
so that an incident that passes is not taken for a habit (a node with fewer than five buckets has no calm: all count).
If every operation failed with the same probability whoever did it, then k of the node's n operations, where K of all N
failed, would be a draw without replacement. At least k of them have a probability of at most exp(−D), where D is the
larger of n·KL(k/n ‖ K/N) and K·KL(k/K ‖ n/N): Hoeffding, J. Am. Stat. Assoc. 58 (1963) 13, theorems 1 and 4, for the
draw of the node's operations and for that of the failures. Leaving out its worst buckets only makes D smaller.

**False alarms.** A score is √(2·D). A node stands out where the score is at least 5, and where exp(−D) times the nodes
that were tested (Bonferroni) is at most 0.001: so often at most is any node of a log called out wrongly, where
failures come independently. Ordinary nodes differ, and their failures come in clumps; so a share must also be three
times that of the others and 5 percentage points above it, and rest on at least 5 failures.
"""

from __future__ import annotations

import math

import polars as pl

from onex_analytics.frames.deviances import deviance
from onex_analytics.frames.outcomes import failed, finished
from onex_analytics.frames.windows import bucket, duration

MEASURE = "failed share, others usual"

_LEAST_SCORE = 5.0
_FALSE_ALARMS = 0.001
_LEAST_FAILURES = 5
_LEAST_TIMES = 3.0
_LEAST_EXCESS = 0.05


def calm(share: pl.Expr, by: str = "node") -> pl.Expr:
    """True for the four fifths of the rows of each `by` whose share is the lowest; for all of fewer than five."""
    return share.rank("ordinal").over(by) <= (0.8 * pl.len().over(by)).ceil()


def failing_nodes(work: pl.LazyFrame, every: str) -> pl.LazyFrame:
    """The nodes whose usual share of failures is high against the other nodes.

    Args:
        work: one row an operation, as `frames.operations` gives it.
        every: bucket width.

    Returns:
        One row a node, in no order: `kind` ("errors"), `node`, `what` (null), `start` and `end` (its buckets, first
        to last), `measure` (`MEASURE`), `observed` (its usual share), `usual` (the share of all other nodes), `n`
        (operations of its calm buckets), `score`.
    """
    counts = (
        work.filter(finished() & pl.col("node").is_not_null())
        .group_by("node", bucket(every, "finished_at"))
        .agg(pl.len().alias("n").cast(pl.Float64), failed().sum().alias("k").cast(pl.Float64))
    )
    all_n, all_k = pl.col("all_n_of_nodes"), pl.col("all_k_of_nodes")
    nodes = (
        counts.sort("node", "start")
        .with_columns(calm(pl.col("k") / pl.col("n")).alias("calm"))
        .group_by("node")
        .agg(
            pl.col("start").min(),
            pl.col("start").max().dt.offset_by(duration(every)).alias("end"),
            pl.col("n", "k").sum().name.prefix("all_"),
            pl.col("n", "k").filter("calm").sum(),
        )
        .with_columns(pl.col("all_n", "all_k").sum().name.suffix("_of_nodes"), pl.len().alias("tests"))
        .with_columns(
            ((all_k - pl.col("all_k")) / (all_n - pl.col("all_n"))).alias("usual"),
            (pl.col("k") / pl.col("n")).alias("observed"),
        )
    )
    score = pl.max_horizontal(_divergence("k", "n", all_k / all_n), _divergence("k", all_k, pl.col("n") / all_n)).sqrt()
    chance = pl.col("tests").log() - pl.col("score") ** 2 / 2 <= math.log(_FALSE_ALARMS)
    matters = (
        (pl.col("k") >= _LEAST_FAILURES)
        & (pl.col("observed") >= _LEAST_TIMES * pl.col("usual"))
        & (pl.col("observed") >= pl.col("usual") + _LEAST_EXCESS)
    )
    return (
        nodes.filter(all_n > pl.col("all_n"))
        .with_columns(score.alias("score"))
        .filter(matters & chance & (pl.col("score") >= _LEAST_SCORE))
        .select(
            pl.lit("errors").alias("kind"), "node", pl.lit(None, pl.String).alias("what"), "start", "end",
            pl.lit(MEASURE).alias("measure"), "observed", "usual", pl.col("n").cast(pl.UInt32), "score",
        )
    )


def _divergence(k: str, n: str | pl.Expr, share: pl.Expr) -> pl.Expr:
    """2·n·KL(k/n ‖ share)."""
    size = pl.col(n) if isinstance(n, str) else n
    return (deviance(k, size * share) + deviance(size - pl.col(k), size * (1 - share))).clip(0)
