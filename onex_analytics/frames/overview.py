"""The first look at a log: how much, how fast, how well, since when. One function a question.

Whatever is shown in a first report is limited here, not where it is drawn: the largest groups keep their
names, the rest are one group, `OTHER`, and nothing is lost from the sums.

Where a function takes `work`, that is `operations(events)`, with the columns of `by` carried, or
`operations_of(spans)`: whoever asks several questions can so pair the events once. Where it is not given, it is
reckoned.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.error_names import canonical_code
from onex_analytics.frames.outcomes import error_rates, failed, finished, operations, soft_failed
from onex_analytics.frames.quantiles import quantile_columns
from onex_analytics.frames.windows import counts_over_time, width_seconds, with_quiet_buckets
from onex_analytics.model.error_codes import ErrorCodeTaxonomy

OTHER = "(other)"
"""The name of the rest, wherever only the largest groups keep theirs."""


def totals(events: pl.LazyFrame, *, work: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """The whole log in one row; for no events, such as those of a reversed range, every count is 0.

    Returns:
        `events`, `first` and `last` (null for an empty log), `nodes`, `event_types`, `correlations` (distinct),
        `finished`, `failures`, `soft_failures` (operations, each counted once), `unfinished` (operations with a
        correlation id that have not ended, of any age).
    """
    work = operations(events) if work is None else work
    return pl.concat(
        [
            events.select(
                pl.len().alias("events"),
                pl.col("timestamp").min().alias("first"),
                pl.col("timestamp").max().alias("last"),
                pl.col("node").drop_nulls().n_unique().alias("nodes"),
                pl.col("event_type").drop_nulls().n_unique().alias("event_types"),
                pl.col("correlation_id").drop_nulls().n_unique().alias("correlations"),
            ),
            work.select(
                finished().sum().alias("finished"),
                failed().sum().alias("failures"),
                soft_failed().sum().alias("soft_failures"),
                (pl.col("outcome").eq("start") & pl.col("correlation_id").is_not_null()).sum().alias("unfinished"),
            ),
        ],
        how="horizontal",
    )


def main_period(events: pl.LazyFrame) -> pl.LazyFrame:
    """The time in which nearly everything happened, so that one event of the year 1970 does not flatten a chart.

    Returns:
        One row: `start` and `end` (both inclusive: the first and last event that lie no further from the middle
        98 % of the events than those are long, and an hour; null without events), and `outside`, the events that
        lie further off (0 without events).
    """
    require(events, "timestamp")
    at = pl.col("timestamp")
    low, high = at.quantile(0.01, "lower"), at.quantile(0.99, "higher")
    reach = (high - low) + pl.duration(hours=1)
    bounds = events.select((low - reach).alias("_low"), (high + reach).alias("_high"))
    near = at.is_between("_low", "_high")
    first, last = at.filter(near).min(), at.filter(near).max()
    return events.select(at).join(bounds, how="cross").select(
        first.alias("start"), last.alias("end"), (~near).sum().alias("outside")
    )


def events_per_minute(events: pl.LazyFrame, every: str = "1m", *, limit: int = 9) -> pl.LazyFrame:
    """How much happened, by event type: the `limit` most frequent types, and the rest as `OTHER`.

    Returns:
        One row a (bucket, event type), quiet buckets included, ordered so: `start`, `event_type`, `events`,
        `per_minute` (a rate: the events of a wider bucket divided by its minutes).
    """
    counts = _counts_of_largest(events, every, "event_type", limit)
    return counts.with_columns((pl.col("events") / (width_seconds(every) / 60)).alias("per_minute"))


def error_overview(
    events: pl.LazyFrame,
    every: str | None = None,
    by: str | Iterable[str] = (),
    *,
    limit: int | None = None,
    fill: bool = False,
    work: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """`error_rates` with both denominators side by side.

    Returns:
        The columns of `error_rates` with `rate_of_events` and `rate_of_finished` in place of `error_rate`.
        Over time ordered by time, else by failures, the most first and `OTHER` last. With `limit`, only for a
        single column in `by`: its largest values by events, the rest as `OTHER`. With `fill`, and no `by`, a bucket
        without events has a row, too: its rates are null, so that a line drawn through them breaks.
    """
    keys = names(by)
    if limit is not None and len(keys) != 1:
        raise InvalidOption("limit", limit, "None unless `by` is one column")
    groups = ["start", *keys] if every else keys
    counted = ["events", "finished", "failures", "soft_failures"]
    counts = error_rates(events, every, keys, work=work).select(*groups, *counted)
    if limit is not None:
        counts = _rolled_up(counts, keys[0], "events", limit).group_by(groups).agg(pl.col(counted).sum())
    if every and not keys and fill:
        buckets = counts_over_time(events, every, fill=True).select("start")
        counts = buckets.join(counts, on="start", how="left").with_columns(pl.col(counted).fill_null(0))
    shares = {"rate_of_events": "events", "rate_of_finished": "finished"}
    rates = counts.with_columns(
        (pl.col("failures") / pl.when(pl.col(of) > 0).then(of)).alias(name) for name, of in shares.items()
    )
    if every or not keys:
        return rates.sort(groups, nulls_last=True) if groups else rates
    order = [pl.col(keys[0]).cast(pl.String) == OTHER, "failures", "events", *keys]
    return rates.sort(order, descending=[False, True, True, *[False] * len(keys)])


def latency(
    events: pl.LazyFrame,
    by: str | Iterable[str] = ("node", "operation"),
    *,
    limit: int = 40,
    work: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """How long operations took, from `execution_time_ms`: never from the clocks of two events.

    Args:
        events: one row an event, in any order.
        by: columns to tell apart.
        limit: groups that keep their names, those with the most operations; the rest are one row whose first
            column is `OTHER`.

    Returns:
        One row a group with at least one measured operation, slowest `p95_ms` first, `OTHER` last: the columns
        of `by`, `n` (measured operations), `errors` (those of them that failed), `mean_ms`, `p50_ms`, `p95_ms`,
        `p99_ms` (nearest rank), `max_ms`.
    """
    keys = names(by)
    measured = (operations(events, carry=keys) if work is None else work).filter(
        finished() & pl.col("execution_time_ms").is_not_null() & pl.col("execution_time_ms").is_not_nan()
    )
    groups = measured.group_by(keys).agg(pl.len().alias("n")).sort("n", *keys, descending=[True, *[False] * len(keys)])
    kept = groups.head(limit).select(*keys, pl.lit(True).alias("_kept"))
    first, *others = keys
    is_kept = pl.col("_kept").fill_null(False)
    labelled = measured.join(kept, on=keys, how="left", nulls_equal=True).with_columns(
        pl.when(is_kept).then(first).otherwise(pl.lit(OTHER)).alias(first),
        *(pl.when(is_kept).then(column).alias(column) for column in others),
        is_kept.alias("_kept"),
    )
    return (
        labelled.group_by(*keys, "_kept")
        .agg(
            pl.len().alias("n"),
            failed().sum().alias("errors"),
            pl.col("execution_time_ms").mean().alias("mean_ms"),
            *quantile_columns("execution_time_ms", ("0.5", "0.95", "0.99")),
            pl.col("execution_time_ms").max().alias("max_ms"),
        )
        .sort("_kept", "p95_ms", *keys, descending=[True, True, *[False] * len(keys)], nulls_last=True)
        .drop("_kept")
    )


def top_errors(
    events: pl.LazyFrame,
    *,
    limit: int = 20,
    work: pl.LazyFrame | None = None,
    taxonomy: ErrorCodeTaxonomy | None = None,
) -> pl.LazyFrame:
    """What failed most. One failure counts once, however many witnesses told of it.

    Failures are one error when they share code and type; where neither is given, when they share the message. The
    long, the short and the bare spelling are one code where the taxonomy knows a single code by them. A spelling that
    several codes share, or that it does not know, stays apart under what is written.

    Args:
        events: one row an event, in any order; reads what `operations` reads.
        limit: errors that keep their row; the rest are one row.
        work: `operations(events)`, where it is at hand.
        taxonomy: the codes and their spellings; upstream's by default.

    Returns:
        One row an error, the most frequent first, the rest as one last row whose `error_code` is `OTHER`:
        `error_code` (the long form where the taxonomy knows it), `error_type` (null where not given),
        `error_message` (the most frequent one), `messages` (distinct), `failures`, `nodes` (distinct), `node_names`
        (the first five by name), `first_seen`, `last_seen`, `spellings` (the codes as they were written, the most
        frequent first; empty without a code, null for the rest), `share` (of all failures).
    """
    failures = (operations(events) if work is None else work).filter(failed())
    unnamed = pl.col("error_code").is_null() & pl.col("error_type").is_null()
    errors = failures.with_columns(
        pl.when(unnamed).then(pl.col("error_message").fill_null("(no message)")).alias("_message"),
        canonical_code("error_code", taxonomy).alias("_code"),
    )
    key = ["_code", "error_type", "_message"]
    ranked = errors.group_by(key).agg(pl.len().alias("_n")).sort("_n", *key, descending=[True, False, False, False])
    ranked = ranked.with_row_index("_place").with_columns(pl.col("_place").clip(upper_bound=limit))
    is_rest = pl.col("_place") == limit
    written = pl.col("error_code").drop_nulls()
    spellings = written.unique().sort().sort_by(written.sort().unique_counts(), descending=True, maintain_order=True)
    return (
        errors.join(ranked, on=key, nulls_equal=True)
        .group_by("_place")
        .agg(
            pl.when(is_rest.first()).then(pl.lit(OTHER)).otherwise(pl.col("_code").first()).alias("error_code"),
            pl.when(~is_rest.first()).then(pl.col("error_type").first()).alias("error_type"),
            pl.when(~is_rest.first()).then(pl.col("error_message").drop_nulls().mode().sort().first()).alias("error_message"),
            pl.col("error_message").drop_nulls().n_unique().alias("messages"),
            pl.len().alias("failures"),
            pl.col("node").drop_nulls().n_unique().alias("nodes"),
            pl.col("node").drop_nulls().unique().sort().head(5).alias("node_names"),
            pl.col("finished_at").min().alias("first_seen"),
            pl.col("finished_at").max().alias("last_seen"),
            spellings.alias("spellings"),
        )
        .with_columns(pl.when(pl.col("_place") < limit).then("spellings").alias("spellings"))
        .sort("_place")
        .drop("_place")
        .with_columns((pl.col("failures") / pl.col("failures").sum()).alias("share"))
    )


def repairs(events: pl.LazyFrame, *, limit: int = 20) -> pl.LazyFrame:
    """What was mended while reading, by node: the originals are kept beside each event.

    Returns:
        One row a node with any repair, the most first, the rest as `OTHER`: `node`, `events` (all of them),
        `clock` (events whose clock was set right), `clock_offsets_ms` (the distinct offsets, sorted),
        `timestamp_form` (times written in another form, or repaired: the text is kept), `event_type` (types
        that were spelled differently).
    """
    columns = ("node", "clock_offset_ms", "timestamp_original", "event_type_raw")
    require(events, *columns)
    repaired = pl.any_horizontal(pl.col(column).is_not_null() for column in columns[1:])
    offsets = pl.col("clock_offsets_ms")
    by_node = events.group_by("node").agg(
        pl.len().alias("events"),
        pl.col("clock_offset_ms").count().alias("clock"),
        pl.col("clock_offset_ms").drop_nulls().unique().alias("clock_offsets_ms"),
        pl.col("timestamp_original").count().alias("timestamp_form"),
        pl.col("event_type_raw").count().alias("event_type"),
        repaired.sum().alias("_n"),
    )
    nobody = pl.col("node").is_null()  # is not among the others
    named = pl.concat([by_node.filter(nobody), _rolled_up(by_node.filter(~nobody), "node", "_n", limit)])
    return (
        named.group_by("node")
        .agg(
            pl.col("events", "clock").sum(),
            offsets.explode(empty_as_null=False).unique().sort(),
            pl.col("timestamp_form", "event_type", "_n").sum(),
        )
        .filter(pl.col("_n") > 0)
        .sort(pl.col("node") == OTHER, "_n", "node", descending=[False, True, False])
        .drop("_n")
    )


def violations(events: pl.LazyFrame, *, limit: int = 20) -> pl.LazyFrame:
    """Rules of the specification that events break, by their text.

    Returns:
        One row a text, the most frequent first, at most `limit`, the rest as `OTHER`: `violation`, `events`,
        `nodes` (distinct), `example` (an event id).
    """
    require(events, "violations", "node", "event_id")
    broken = events.select("violations", "node", "event_id").filter(pl.col("violations").list.len() > 0)
    each = broken.explode("violations").drop_nulls("violations")
    return (
        largest(each, "violations", limit=limit)
        .group_by(pl.col("violations").alias("violation"))
        .agg(
            pl.col("event_id").n_unique().alias("events"),
            pl.col("node").drop_nulls().n_unique().alias("nodes"),
            pl.col("event_id").min().alias("example"),
        )
        .sort(pl.col("violation") == OTHER, "events", "violation", descending=[False, True, False])
    )


def rejected_reasons(rejected: pl.LazyFrame) -> pl.LazyFrame:
    """Why lines gave no event.

    Returns:
        One row a reason, the most frequent first: `reason`, `lines`, `sources` (distinct), `example` (detail).
    """
    require(rejected, "reason", "detail", "source")
    return (
        rejected.group_by("reason")
        .agg(
            pl.len().alias("lines"),
            pl.col("source").drop_nulls().n_unique().alias("sources"),
            pl.col("detail").min().alias("example"),
        )
        .sort("lines", "reason", descending=[True, False])
    )


def schema_adoption(events: pl.LazyFrame, every: str = "1h", *, limit: int = 8) -> pl.LazyFrame:
    """Which schema versions were spoken when.

    Returns:
        One row a (bucket, version), quiet buckets included, ordered so: `start`, `schema_version` (the rest as
        `OTHER`), `events`, `share` (of the bucket, 0 to 1; null in a quiet bucket).
    """
    counts = _counts_of_largest(events, every, "schema_version", limit)
    of_bucket = pl.col("events").sum().over("start")
    return counts.with_columns((pl.col("events") / pl.when(of_bucket > 0).then(of_bucket)).alias("share"))


def unfinished(
    events: pl.LazyFrame, after: str = "30m", now: datetime | None = None, *, work: pl.LazyFrame | None = None
) -> pl.LazyFrame:
    """Operations that began and never ended.

    Args:
        events: one row an event, in any order.
        after: how long an operation may take, as a Polars duration.
        now: the time to judge from; the last event of the log if None.

    Returns:
        One row an operation that began at least `after` ago, the oldest first: `node`, `operation`,
        `correlation_id`, `timestamp` (of its start), `age_s`. An operation without a correlation id is absent:
        nothing says which end would be its own.
    """
    last: pl.Expr = pl.lit(now) if now is not None else pl.col("timestamp").max()
    clock = events.select(last.alias("_now").cast(pl.Datetime("us", "UTC"))).head(1)
    age = (pl.col("_now") - pl.col("timestamp")).dt.total_microseconds() / 1e6
    return (
        (operations(events) if work is None else work)
        .filter(pl.col("outcome").eq("start") & pl.col("correlation_id").is_not_null())
        .join(clock, how="cross")
        .select("node", "operation", "correlation_id", "timestamp", age.alias("age_s"))
        .filter(pl.col("age_s") >= width_seconds(after))
        .sort("timestamp", "node", "correlation_id")
    )


def unfinished_by_node(
    events: pl.LazyFrame,
    after: str = "30m",
    now: datetime | None = None,
    *,
    limit: int = 20,
    work: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """`unfinished`, counted.

    Returns:
        One row a (node, operation), the most first, nodes beyond `limit` as `OTHER`: `node`, `operation`,
        `unfinished`, `oldest` (start of the oldest), `longest_age_s`.
    """
    return (
        largest(unfinished(events, after, now, work=work), "node", limit=limit)
        .group_by("node", pl.when(pl.col("node") != OTHER).then("operation").alias("operation"))
        .agg(
            pl.len().alias("unfinished"),
            pl.col("timestamp").min().alias("oldest"),
            pl.col("age_s").max().alias("longest_age_s"),
        )
        .sort("unfinished", "node", "operation", descending=[True, False, False], nulls_last=True)
    )


def largest(frame: pl.LazyFrame, column: str, *, limit: int) -> pl.LazyFrame:
    """The rows as they are, with the name of every group beyond the `limit` largest replaced by `OTHER`.

    >>> rows = pl.LazyFrame({"node": ["a", "a", "b", "c"]})
    >>> largest(rows, "node", limit=1).collect()["node"].to_list()
    ['a', 'a', '(other)', '(other)']
    """
    return _rolled_up(frame, column, None, limit)


def _rolled_up(frame: pl.LazyFrame, column: str, weight: str | None, limit: int) -> pl.LazyFrame:
    """`largest`, where each row stands for as many as `weight` says."""
    require(frame, column)
    size = pl.len() if weight is None else pl.col(weight).sum()
    order = frame.group_by(column).agg(size.alias("_n")).sort("_n", column, descending=[True, False])
    rest = order.slice(limit).select(column, pl.lit(OTHER).alias("_other"))
    return (
        frame.join(rest, on=column, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(pl.coalesce("_other", column).alias(column))
        .drop("_other")
    )


def _counts_of_largest(events: pl.LazyFrame, every: str, column: str, limit: int) -> pl.LazyFrame:
    """`counts_over_time`, quiet buckets included, with the values beyond the `limit` most frequent as `OTHER`."""
    counts = _rolled_up(counts_over_time(events, every, column), column, "events", limit)
    counts = counts.group_by("start", column).agg(pl.col("events").sum())
    return with_quiet_buckets(counts, every, column).sort("start", column, nulls_last=True)
