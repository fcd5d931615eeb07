"""Periods in which a node was unlike itself: slower, failing, silent, stuck, restarting, or failing in a new way.

A first look, not a verdict: each node is held against its own usual level within the same log, bucket by
bucket, and buckets that stand out and touch are one period. A node that always fails has no past that shows it:
failures are held against the other nodes, too. Methods, all robust against the very incidents
they look for (a usual level is a median, or leaves the worst fifth of the buckets out):

- **latency**, by (node, operation): the logarithms of the bucket's geometric mean ("typical ms") and of its
  95th percentile ("p95 ms"), as a robust z: distance from the median over 1.4826 × median absolute deviation,
  which is taken as at least 0.1. Also at least 1.3 times the usual. Durations have heavy tails, so a period
  needs a score of 7 where the other kinds need 5.
- **errors**, **unfinished**: the share of failed, or never ended, operations against the share of the calmest
  four fifths of the node's buckets (at least 0.5 %): the signed root of the binomial deviance, which is nearly
  a z even for few. At least 5 of them, and twice the usual. And the node's calm buckets against the work of all
  nodes ("failed share, others usual"): see `frames.failing_nodes`.
- **silence**: events against the node's usual share of what the other nodes emit in that bucket, where node and log
  have spoken long enough to have a usual: see `frames.silences`.
- **restarts**: announcements of a node (NODE_REGISTER, NODE_ANNOUNCE), at least 4 in a bucket and twice its
  usual, as the root of the Poisson deviance.
- **new_error**: an error (code however it is spelled, else type) of a node, k failures in all, at least 5, not seen
  in the first 5 % of the log's time T. Had it been there all along, then so late a first sight (a share s of T was
  left) would have the probability s^k, and so short a life w about k·(w/T)^(k-1); the smaller is below 1e-6. Errors
  that a node began to show within 2 % of that time (often spellings of one) are one period, named after the strongest.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import require
from onex_analytics.frames.deviances import deviance, poisson_deviance
from onex_analytics.frames.error_names import canonical_code
from onex_analytics.frames.failing_nodes import calm, failing_nodes
from onex_analytics.frames.outcomes import failed, finished, operations
from onex_analytics.frames.quantiles import quantile
from onex_analytics.frames.silences import silences, silences_of_all
from onex_analytics.frames.windows import bucket, duration
from onex_analytics.model.shapes import UTC_MICROSECONDS

NOTABLE = pl.Schema({
    "kind": pl.String(),           # latency, errors, new_error, silence, unfinished, restarts
    "node": pl.String(),           # null: all nodes at once
    "what": pl.String(),           # the operation, or the error
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,       # exclusive
    "measure": pl.String(),        # what `observed` and `usual` are
    "observed": pl.Float64(),      # the worst bucket for latency, else the whole period
    "usual": pl.Float64(),         # the node's own, or that of the other nodes; null for a new error
    "n": pl.UInt32(),              # what it rests on: operations, events, restarts or failures
    "score": pl.Float64(),         # root of the sum of squares of the buckets' z
})
"""One row a (node, period, kind)."""

KINDS = ("latency", "errors", "new_error", "silence", "unfinished", "restarts")

_STANDS_OUT = 3.0   # z of a bucket
_NOTABLE = {"latency": 7.0}  # score of a period, else:
_NOTABLE_ELSE = 5.0
_HARMLESS = ("deploy",)  # labels of what is no incident by itself
_WHERE = ("kind", "node", "what", "measure")


def notable(
    events: pl.LazyFrame,
    every: str = "15m",
    *,
    kinds: Iterable[str] = KINDS,
    min_events: int = 20,
    after: str = "30m",
    limit: int | None = 40,
    work: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """The periods that stand out, the most notable first; how each kind is judged is said by the module.

    Args:
        events: one row an event, in any order; reads what `operations` reads, and `event_type`.
        every: bucket width. Incidents much shorter than it stay hidden, and far narrower ones than the log
            has events for say nothing: `windows.fitting_width(span, 96)` is a good choice.
        kinds: which of `KINDS` to look for.
        min_events: a bucket with fewer operations says nothing about latency.
        after: an operation counts as unfinished when it began this long before the log's end.
        limit: how many periods at most; None for all.
        work: `operations(events)`, where it is at hand.

    Returns:
        One row a period in the shape `NOTABLE`, ordered by `score`, the highest first.
    """
    wanted = list(kinds)
    if unknown := sorted(set(wanted) - set(KINDS)):
        raise InvalidOption("kinds", unknown, f"some of {', '.join(KINDS)}")
    require(events, "timestamp", "event_type", "node", "outcome")
    events = events.filter(pl.col("timestamp").is_not_null())
    work = (operations(events) if work is None else work).cache()
    judged = {
        "latency": lambda: _latency(work, every, min_events),
        "errors": lambda: _errors(work, every),
        "unfinished": lambda: _unfinished(work, every, after),
        "silence": lambda: pl.concat([silences(events, every), silences_of_all(events, every)]),
        "restarts": lambda: _restarts(events, every),
    }
    found = [_periods(judged[kind](), every) for kind in wanted if kind in judged]
    if "errors" in wanted:
        found.append(failing_nodes(work, every))
    if "new_error" in wanted:
        found.append(_new_errors(work, events))
    result = pl.concat([part.select(NOTABLE.names()).cast(NOTABLE) for part in found]) if found else None
    if result is None:
        return pl.LazyFrame(schema=NOTABLE)
    ranked = result.sort("score", "start", "kind", "node", "what", descending=[True, *[False] * 4], nulls_last=True)
    return ranked if limit is None else ranked.head(limit)


def incidents_seen(labels: pl.LazyFrame, periods: pl.LazyFrame) -> pl.LazyFrame:
    """Which labelled incidents a first look at the log shows.

    An incident is seen when a period of any kind overlaps its time and concerns its node (or all nodes, or the
    incident names no node). A deploy by itself does no harm: what it breaks is labelled as an incident of its own. So
    nothing of it is to be seen, and nothing was missed where no period shows it.

    Args:
        labels: shape `model.LABELS`; reads `incident_id`, `kind`, `node`, `start` and `end`.
        periods: the result of `notable`.

    Returns:
        The rows of `labels`, ordered by start, with `seen` (true, false, or null where nothing was to be seen),
        `verdict` (the same as a word: "seen", "missed", "nothing to see"), `seen_as` (the kinds, sorted) and
        `best_score` (null where not seen). `seen.sum()` of `seen.count()` are the incidents that were found.
    """
    require(labels, "incident_id", "kind", "node", "start", "end")
    same_node = pl.col("node").is_null() | pl.col("node_seen").is_null() | (pl.col("node") == pl.col("node_seen"))
    overlap = (pl.col("start") < pl.col("end_seen")) & (pl.col("start_seen") < pl.col("end"))
    found = periods.select("kind", "score", pl.col("node", "start", "end").name.suffix("_seen"))
    shown = (
        labels.select("incident_id", "node", "start", "end")
        .join(found, how="cross")
        .filter(same_node & overlap)
        .group_by("incident_id")
        .agg(pl.col("kind").unique().sort().alias("seen_as"), pl.col("score").max().alias("best_score"))
    )
    is_seen = pl.col("best_score").is_not_null()
    harmless = pl.col("kind").is_in(_HARMLESS)
    verdict = (
        pl.when(pl.col("seen")).then(pl.lit("seen"))
        .when(pl.col("seen").is_null()).then(pl.lit("nothing to see"))
        .otherwise(pl.lit("missed"))
    )  # fmt: skip
    return (
        labels.join(shown, on="incident_id", how="left")
        .with_columns(
            pl.when(is_seen | ~harmless.fill_null(False)).then(is_seen).alias("seen"),
            pl.col("seen_as").fill_null(pl.lit([], dtype=pl.List(pl.String))),
        )
        .with_columns(verdict.alias("verdict"))
        .sort("start", "incident_id")
    )


def _latency(work: pl.LazyFrame, every: str, min_events: int) -> pl.LazyFrame:
    log_ms = pl.col("execution_time_ms").log()
    measured = work.filter(finished() & (pl.col("execution_time_ms") > 0))
    buckets = (
        measured.group_by("node", "operation", bucket(every, "finished_at"))
        .agg(pl.len().alias("n"), log_ms.mean().alias("typical ms"), quantile(log_ms, "0.95").alias("p95 ms"))
        .filter(pl.col("n") >= min_events)
        .unpivot(
            ["typical ms", "p95 ms"],
            index=["node", "operation", "start", "n"],
            variable_name="measure",
            value_name="log_ms",
        )
    )
    group = ["node", "operation", "measure"]
    usual = pl.col("log_ms").median().over(group)
    deviation = (pl.col("log_ms") - usual).abs().median().over(group)
    z = (pl.col("log_ms") - pl.col("log_usual")) / (1.4826 * pl.col("deviation")).clip(0.1)
    judged = (
        buckets.with_columns(usual.alias("log_usual"))
        .with_columns(deviation.alias("deviation"), pl.len().over(group).alias("buckets"))
        .with_columns(z.alias("z"))
        .filter((pl.col("buckets") >= 5) & (pl.col("log_ms") - pl.col("log_usual") > pl.lit(1.3).log()))
    )
    return judged.select(
        pl.lit("latency").alias("kind"), "node", pl.col("operation").alias("what"), "start", "measure",
        pl.col("log_ms").exp().alias("observed"), pl.col("log_usual").exp().alias("usual"), "n", "z",
    )


def _errors(work: pl.LazyFrame, every: str) -> pl.LazyFrame:
    counts = work.filter(finished()).group_by("node", bucket(every, "finished_at")).agg(
        pl.len().alias("n"), failed().sum().alias("k")
    )
    return _shares(counts, "errors", "failed share")


def _unfinished(work: pl.LazyFrame, every: str, after: str) -> pl.LazyFrame:
    last = pl.max_horizontal("timestamp", "finished_at").max()
    known = work.filter(pl.col("correlation_id").is_not_null())
    old = known.filter(pl.col("timestamp") <= last.dt.offset_by("-" + duration(after, "after")))
    counts = old.group_by("node", bucket(every)).agg(
        pl.len().alias("n"), pl.col("outcome").eq("start").sum().alias("k")
    )
    return _shares(counts, "unfinished", "never ended share")


def _shares(counts: pl.LazyFrame, kind: str, measure: str) -> pl.LazyFrame:
    share = pl.col("k") / pl.col("n")
    rest = deviance(pl.col("n") - pl.col("k"), pl.col("n") - pl.col("mean"))

    def of_calm(column: str) -> pl.Expr:
        return pl.col(column).filter("calm").sum().over("node")

    return (
        counts.sort("node", "start")
        .with_columns(share.alias("observed"), calm(share).alias("calm"))
        .with_columns((of_calm("k") / of_calm("n")).alias("usual"))
        .with_columns((pl.col("n") * pl.col("usual").clip(0.005, 1)).alias("mean"))
        .with_columns((deviance("k", "mean") + rest).clip(0).sqrt().alias("z"))
        .filter((pl.col("k") >= 5) & (pl.col("observed") >= 2 * pl.col("usual")))
        .select(
            pl.lit(kind).alias("kind"), "node", pl.lit(None, pl.String).alias("what"), "start",
            pl.lit(measure).alias("measure"), "observed", "usual", "n", "z",
        )
    )


def _restarts(events: pl.LazyFrame, every: str) -> pl.LazyFrame:
    restarts = events.filter(pl.col("event_type").is_in(["NODE_REGISTER", "NODE_ANNOUNCE"]))
    counts = restarts.group_by("node", bucket(every)).agg(pl.len().alias("n"))
    span = events.select(bucket(every).n_unique().alias("buckets"))
    others = (pl.col("n").sum().over("node") - pl.col("n")) / (pl.col("buckets") - 1).clip(1)
    return (
        counts.join(span, how="cross")
        .with_columns(others.alias("usual"))
        .with_columns(poisson_deviance("n", pl.col("usual").clip(0.1)).sqrt().alias("z"))
        .filter((pl.col("n") >= 4) & (pl.col("n") >= 2 * pl.col("usual")))
        .select(
            pl.lit("restarts").alias("kind"), "node", pl.lit(None, pl.String).alias("what"), "start",
            pl.lit("restarts a bucket").alias("measure"), pl.col("n").cast(pl.Float64).alias("observed"), "usual",
            "n", "z",
        )
    )


def _new_errors(work: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
    span = events.select(pl.col("timestamp").min().alias("first"), pl.col("timestamp").max().alias("last"))
    total_us = (pl.col("last") - pl.col("first")).dt.total_microseconds()
    left = (pl.col("last") - pl.col("start")).dt.total_microseconds() / pl.when(total_us > 0).then(total_us)
    life = (pl.col("end") - pl.col("start")).dt.total_microseconds() / pl.when(total_us > 0).then(total_us)
    late = -1.0 * pl.col("n") * left.clip(1e-9, 1).log10()  # digits of improbability
    brief = (1.0 - pl.col("n")) * life.clip(1e-9, 1).log10() - pl.col("n").log10()
    surprise = pl.when(left <= 0.95).then(pl.max_horizontal(late, brief))
    found = (
        work.filter(failed())
        .group_by("node", pl.coalesce(canonical_code(), "error_type").alias("what"))
        .agg(
            pl.len().alias("n"),
            pl.col("finished_at").min().alias("start"),
            pl.col("finished_at").max().alias("end"),
        )
        .filter(pl.col("what").is_not_null() & (pl.col("n") >= 5))
        .join(span, how="cross")
        .with_columns(surprise.alias("surprise"))
        .filter(pl.col("surprise") > 6)
        .select(
            pl.lit("new_error").alias("kind"), "node", "what", "start",
            pl.col("end").dt.offset_by("1us").alias("end"), pl.lit("failures").alias("measure"),
            pl.col("n").cast(pl.Float64).alias("observed"), pl.lit(None, pl.Float64).alias("usual"), "n",
            (2 * 2.302585 * pl.col("surprise")).sqrt().alias("score"),  # the z of that probability, nearly
            (total_us // 50).alias("together_us"),
        )
    )
    # one exception often has several spellings: those that a node began to show together are one row
    later = (pl.col("start") - pl.col("start").shift().over("node")).dt.total_microseconds()
    apart = later > pl.col("together_us")
    strongest = pl.col("what").sort_by("score", "what", descending=[True, False]).first()
    others = pl.when(pl.len() > 1).then(pl.format(" and {} more", pl.len() - 1)).otherwise(pl.lit(""))
    return (
        found.sort("node", "start", "what")
        .with_columns(apart.fill_null(True).cum_sum().over("node").alias("period"))
        .group_by("kind", "node", "measure", "period")
        .agg(
            (strongest + others).alias("what"),
            pl.col("start").min(),
            pl.col("end").max(),
            pl.col("observed", "n").sum(),
            pl.col("usual").first(),
            pl.col("score").max(),
        )
    )


def _periods(judged: pl.LazyFrame, every: str) -> pl.LazyFrame:
    """Buckets that stand out, merged where at most one bucket lies between them, and then ranked as one."""
    end = pl.col("start").dt.offset_by(duration(every))
    apart = pl.col("start") > pl.col("end").shift().dt.offset_by(every).over(_WHERE)
    kind = pl.col("kind").first()
    overall = (pl.col("observed") * pl.col("n")).sum() / pl.col("n").sum()
    worst = pl.col("observed").sort_by("z").last()
    observed = (
        pl.when(kind.is_in(["errors", "unfinished"])).then(overall)
        .when(kind == "silence").then(pl.col("observed").mean())
        .otherwise(worst)
    )  # fmt: skip
    periods = (
        judged.filter(pl.col("z") >= _STANDS_OUT)
        .sort(*_WHERE, "start")
        .with_columns(end.alias("end"))
        .with_columns(apart.fill_null(True).cum_sum().over(_WHERE).alias("period"))
        .group_by(*_WHERE, "period")
        .agg(
            pl.col("start").min(),
            pl.col("end").max(),
            observed.alias("observed"),
            pl.col("usual").mean(),
            pl.col("n").sum(),
            (pl.col("z") ** 2).sum().sqrt().alias("score"),
        )
        .filter(pl.col("score") >= pl.col("kind").replace_strict(_NOTABLE, default=_NOTABLE_ELSE))
    )
    same = ["kind", "node", "what"]  # latency is measured twice: the measure that tells more stays
    overlapping = pl.col("start") < pl.col("end").cum_max().shift().over(same)
    return (
        periods.sort(*same, "start")
        .with_columns((~overlapping.fill_null(False)).cum_sum().over(same).alias("cluster"))
        .sort("score", "measure", descending=[True, False])
        .unique([*same, "cluster"], keep="first", maintain_order=True)
    )
