"""What became of the work: started, succeeded, failed softly, failed. A failure is counted once.

**What counts as one operation.** Upstream, one run of a node can be told by two witnesses: the node itself
(NODE_START … NODE_SUCCESS or NODE_FAILURE) and the telemetry around it (TELEMETRY_OPERATION_START …
TELEMETRY_OPERATION_SUCCESS or …_ERROR), under one correlation id. One exception then gives two failure
events, which are one failure. So the events of one node and one correlation id are paired *across* the two
families, never within one:

1. Within (node, correlation id), the ends of each family are ranked: failures first, then by time.
   The k-th end of the node family and the k-th end of the telemetry family are the k-th operation. A node
   that runs n times under one correlation id (retries, nested calls, several telemetry operations in one
   run) therefore has n operations, where n is the larger of the two families' ends, and as many failures as
   the family that saw more of them.
2. The k-th start of each family, by time, belongs to the k-th operation, ordered by its first end. Starts
   that are left over are operations that have not finished.
3. Requests (announce, discovery, introspection, proxy, scenario) are answered by another node: they are
   paired within (correlation id, family), whoever sends them. Each is an operation of its own.
4. Without a correlation id nothing says what belongs together: each event stands for itself.

Which start belongs to which of several ends under one key is settled only as far as counting needs it; the
spans of `frames.spans` do the finer pairing, by operation and by duration.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.windows import bucket

Denominator = Literal["events", "finished"]

_END_OUTCOMES = ("success", "soft_failure", "failure")
_SEVERITY = {"start": 0, "success": 1, "soft_failure": 2, "failure": 3}
_TOLD = ("error_type", "error_code", "error_message")
_READ = (
    "event_id", "timestamp", "family", "outcome", "node", "correlation_id", "operation", "execution_time_ms", *_TOLD,
)
_SEPARATOR = "\x1f"


def started() -> pl.Expr:
    """True for an event that begins something: NODE_START, TELEMETRY_OPERATION_START, requests."""
    return pl.col("outcome") == "start"


def finished() -> pl.Expr:
    """True for an event that ends something, well or badly.

    >>> pl.DataFrame({"outcome": ["start", "failure", "other"]}).select(finished())["outcome"].to_list()
    [False, True, False]
    """
    return pl.col("outcome").is_in(_END_OUTCOMES)


def failed() -> pl.Expr:
    """True for an event, or a row of `operations`, that failed. A soft failure has not."""
    return pl.col("outcome") == "failure"


def soft_failed() -> pl.Expr:
    """True for a success whose result says error, warning or failure."""
    return pl.col("outcome") == "soft_failure"


def operations(events: pl.LazyFrame, *, carry: str | Iterable[str] = ()) -> pl.LazyFrame:
    """One row an operation, however many witnesses told of it (the module says what counts as one).

    Args:
        events: one row an event, in any order; reads the columns `event_id`, `timestamp`, `family`, `outcome`,
            `node`, `correlation_id`, `operation`, `execution_time_ms`, `error_type`, `error_code`, `error_message`.
            Events whose outcome is "other" take no part.
        carry: further columns to keep, such as a dimension: the first value that a witness gives.

    Returns:
        One row an operation, in no order:

        - `node`: who did the work; for a request, who told of its outcome.
        - `correlation_id`: null where the events had none.
        - `timestamp`: of the first witness, `finished_at`: of the first end, null while unfinished.
        - `outcome`: the worst that a witness says: failure > soft_failure > success > start.
        - `witnesses`: events that told of its end, 1 or 2; 0 while unfinished.
        - `operation`, and the columns of `carry`: the first value that a witness gives, telemetry before node.
        - `error_type`, `error_code`, `error_message`: from the witnesses that tell of the worst outcome,
          telemetry before node; null for a success.
        - `execution_time_ms`: as telemetry measured it, else as the node did, else null.
    """
    kept = [column for column in names(carry) if column not in (*_READ, "finished_at", "witnesses")]
    require(events, *_READ, *kept)
    told = events.filter(pl.col("outcome").is_in(list(_SEVERITY))).select(*_READ, *kept, _key().alias("_key"))
    ends = _ended(told.filter(finished()), kept)
    starts = _started(told.filter(started()), kept)
    joined = ends.join(starts, on=["_key", "_place"], how="full", coalesce=True, suffix="_of_start")
    first_given = {c: pl.coalesce(c, f"{c}_of_start") for c in ("node", "correlation_id", "operation", *kept)}
    return joined.select(
        first_given["node"],
        first_given["correlation_id"],
        pl.min_horizontal("timestamp", "finished_at").alias("timestamp"),
        "finished_at",
        pl.col("outcome").fill_null("start"),
        pl.col("witnesses").fill_null(0),
        first_given["operation"],
        *_TOLD,
        "execution_time_ms",
        *(first_given[column] for column in kept),
    )


def operations_of(spans: pl.LazyFrame) -> pl.LazyFrame:
    """The operations that spans are: the shape of `operations`, for events that were paired into spans already.

    Spans are paired more finely: also by input state and order where there is no correlation id. So an operation
    without one has both its start and its end here. `execution_time_ms` is by the clocks where nobody measured it; null
    where only the input state or the order brought two events together and their clocks alone say how long it took: two
    that lack their metadata may lie days apart. `finished_at` is that of the witness that the span is named after.

    Args:
        spans: one row a span, as `build_spans` makes them; reads `start`, `end`, `duration_ms`, `outcome`, `node`,
            `correlation_id`, `operation`, `witnesses`, `paired_by`, `error_type`, `error_code`, `error_message`; keeps
            none else.

    Returns:
        One row a span that started, succeeded or failed, in no order, with the columns of `operations`.
    """
    read = ("start", "end", "duration_ms", "outcome", "node", "correlation_id", "operation", "witnesses", "paired_by")
    require(spans, *read, *_TOLD)
    ended = pl.col("outcome").is_in(_END_OUTCOMES)
    by_clocks = (pl.col("duration_ms") * 1000).round() == (pl.col("end") - pl.col("start")).dt.total_microseconds()
    is_guess = (pl.col("paired_by").is_in(["input_state", "order"]) & by_clocks).fill_null(False)
    return spans.filter(pl.col("outcome").is_in(list(_SEVERITY))).select(
        "node",
        "correlation_id",
        pl.min_horizontal("start", "end").alias("timestamp"),
        pl.when(ended).then("end").alias("finished_at"),
        "outcome",
        pl.col("witnesses").cast(pl.UInt32),
        "operation",
        *_TOLD,
        pl.when(~is_guess).then("duration_ms").alias("execution_time_ms"),
    )


def error_rates(
    events: pl.LazyFrame,
    every: str | None = None,
    by: str | Iterable[str] = (),
    denominator: Denominator = "events",
    *,
    work: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """Failed operations as a share of all events, or of finished operations; one failure counts once.

    Args:
        events: one row an event, in any order; reads what `operations` reads and the columns of `by`.
        every: bucket width as a Polars duration; None for the whole time. A failure falls into the bucket in
            which it was first told of.
        by: columns to tell apart.
        denominator: "events" (upstream's dashboards) or "finished" (operations that ended).
        work: `operations(events, carry=by)` or `operations_of(spans)`, where it is at hand: several questions then
            pair the events once.

    Returns:
        One row a (bucket, by) with any event, ordered so: `start` where `every` is given, the columns of `by`,
        `events`, `finished` (operations), `failures` and `soft_failures` (operations), and `error_rate`,
        0 to 1, null where the denominator is 0. A bucket without events has no row: silence is not a rate of zero.
    """
    if denominator not in ("events", "finished"):
        raise InvalidOption("denominator", denominator, '"events" or "finished"')
    keys = names(by)
    groups = ["start", *keys] if every else keys
    require(events, *_READ, *keys)
    ended = (operations(events, carry=keys) if work is None else work).filter(finished())
    counted = events.filter(pl.col("timestamp").is_not_null())
    if every:
        ended = ended.with_columns(bucket(every, "finished_at"))
        counted = counted.with_columns(bucket(every))
    of_events = pl.len().alias("events")
    of_operations = [
        pl.len().alias("finished"),
        failed().sum().alias("failures"),
        soft_failed().sum().alias("soft_failures"),
    ]
    if groups:
        all_events = counted.group_by(groups).agg(of_events)
        outcomes = ended.group_by(groups).agg(of_operations)
        rates = all_events.join(outcomes, on=groups, how="full", coalesce=True, nulls_equal=True)
    else:
        rates = pl.concat([counted.select(of_events), ended.select(of_operations)], how="horizontal")
    counts = [pl.col(c).fill_null(0).cast(pl.UInt32) for c in ("events", "finished", "failures", "soft_failures")]
    share = pl.col("failures") / pl.when(pl.col(denominator) > 0).then(pl.col(denominator))
    rates = rates.select(*groups, *counts).with_columns(share.alias("error_rate"))
    return rates.sort(groups, nulls_last=True) if groups else rates


def _key() -> pl.Expr:
    """What events of one operation have in common: see rules 1, 3 and 4 of the module."""
    is_work = pl.col("family").is_in(["node", "telemetry"])
    work = pl.concat_str(pl.lit("work"), pl.col("node").fill_null(""), "correlation_id", separator=_SEPARATOR)
    request = pl.concat_str("family", "correlation_id", separator=_SEPARATOR)
    alone = pl.concat_str(pl.lit("event"), "event_id", separator=_SEPARATOR)
    return pl.when(pl.col("correlation_id").is_null()).then(alone).when(is_work).then(work).otherwise(request)


def _ended(ends: pl.LazyFrame, kept: list[str]) -> pl.LazyFrame:
    """One row an operation that ended, with its place by time within its key."""
    severity = pl.col("outcome").replace_strict(_SEVERITY, return_dtype=pl.Int8).alias("_severity")
    in_rank = ends.with_columns(severity).sort(failed(), "timestamp", "event_id", descending=[True, False, False])
    paired = _paired(in_rank, "_place")
    worst = pl.max_horizontal("_severity", "_severity_2")
    tells = (worst >= _SEVERITY["soft_failure"]) & (pl.col("_severity") == worst)
    tells_too = (worst >= _SEVERITY["soft_failure"]) & (pl.col("_severity_2") == worst)
    given = ("node", "correlation_id", "operation", "execution_time_ms", *kept)
    operation = paired.select(
        "_key",
        "_place",
        *(pl.coalesce(column, f"{column}_2") for column in given),
        *(pl.coalesce(pl.when(tells).then(c), pl.when(tells_too).then(f"{c}_2")).alias(c) for c in _TOLD),
        pl.min_horizontal("timestamp", "timestamp_2").alias("finished_at"),
        worst.replace_strict({v: k for k, v in _SEVERITY.items()}, return_dtype=pl.String).alias("outcome"),
        (pl.col("event_id").is_not_null().cast(pl.UInt32) + pl.col("event_id_2").is_not_null()).alias("witnesses"),
    )
    in_time = operation.sort("finished_at", "_place")
    return in_time.with_columns(pl.int_range(pl.len()).over("_key").alias("_place"))


def _started(starts: pl.LazyFrame, kept: list[str]) -> pl.LazyFrame:
    """One row an operation that began, with its place by time within its key."""
    return _paired(starts.sort("timestamp", "event_id"), "_place").select(
        "_key",
        "_place",
        pl.min_horizontal("timestamp", "timestamp_2").alias("timestamp"),
        *(pl.coalesce(column, f"{column}_2") for column in ("node", "correlation_id", "operation", *kept)),
    )


def _paired(in_rank: pl.LazyFrame, rank: str) -> pl.LazyFrame:
    """The k-th of telemetry beside the k-th of any other family, whose columns end in `_2`."""
    is_telemetry = pl.col("family") == "telemetry"
    ranked = in_rank.with_columns(pl.int_range(pl.len()).over("_key", is_telemetry).alias(rank))
    return ranked.filter(is_telemetry).join(
        ranked.filter(~is_telemetry), on=["_key", rank], how="full", coalesce=True, suffix="_2"
    )
