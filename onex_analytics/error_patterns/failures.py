"""What counts as one error: a failure however many witnesses told of it, a soft failure, an error of a log."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.error_patterns.codes import extract_error_codes
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.outcomes import operations
from onex_analytics.frames.spans import build_spans
from onex_analytics.model.error_codes import ErrorCodeTaxonomy
from onex_analytics.model.shapes import UTC_MICROSECONDS

ERRORS = pl.Schema({
    "error_id": pl.String(),                 # event id of the witness that tells most
    "timestamp": UTC_MICROSECONDS,           # when the first witness told of it
    "started_at": UTC_MICROSECONDS,          # when the work that failed began; null of logs and where nothing tells
    "kind": pl.String(),                     # failure, soft_failure, log
    "trace_id": pl.String(),                 # as given, else of the root above, else the correlation or event id
    "node": pl.String(),
    "node_version": pl.String(),
    "operation": pl.String(),
    "error_type": pl.String(),
    "error_code": pl.String(),               # of its field or text: the long form where it is known, else as written
    "code_resolved_by": pl.String(),         # of a code that several share: text, failure, node, nothing; else null
    "error_message": pl.String(),
    "stack_trace": pl.String(),
    "witnesses": pl.UInt32(),                # events that told of the end of the work: 1 or 2
    "adjusted_count": pl.Float64(),          # errors this one stands for; 1.0 unless sampled upstream
})  # fmt: skip
"""One row an error. Further columns that were asked for follow."""

LOG_LEVELS = ("ERROR", "CRITICAL", "FATAL")
"""The levels at which a log entry is an error."""


def errors_of(
    events: pl.LazyFrame | pl.DataFrame,
    *,
    carry: str | Iterable[str] = (),
    spans: pl.LazyFrame | None = None,
    taxonomy: ErrorCodeTaxonomy | None = None,
) -> pl.LazyFrame:
    """One row an error: failures and soft failures counted once, and what logs tell at level ERROR or above.

    What counts as one operation, and so as one failure, is what `frames.operations` says.

    Args:
        events: one row an event, in any order, with the canonical columns.
        carry: further columns to keep, such as a dimension: the first value that a witness gives.
        spans: `build_spans(events)`, where it is at hand: it says of which trace an error without trace id is, and when
            the work that failed began.
        taxonomy: the codes and their spellings; upstream's by default.

    Returns:
        The columns of `ERRORS` and of `carry`, ordered by `timestamp`, then `error_id`.

    Raises:
        MissingColumns: columns of an event are missing.

    >>> from onex_analytics.model.shapes import EVENTS
    >>> told = {"outcome": "failure", "node": "stamper", "correlation_id": "c1", "error_code": "ONEX_SYS_901"}
    >>> two = [{"event_id": "a", "family": "node", **told}, {"event_id": "b", "family": "telemetry", **told}]
    >>> both = pl.LazyFrame(two).match_to_schema(EVENTS, missing_columns="insert")
    >>> errors_of(both).select("kind", "error_code", "witnesses").collect().rows()
    [('failure', 'ONEX_SYS_901_DISK_FULL', 2)]
    """
    rows, further = events.lazy(), [name for name in names(carry) if name not in ERRORS]
    require(rows, *_READ, *further)
    concerned = (
        _concerned(rows)
        .join(_codes(rows, taxonomy), on="event_id", how="left")
        .with_columns(
            pl.col("event_id").alias("error_id"),
            pl.col("metadata").str.json_path_match("$.stack_trace").alias("stack_trace"),
            pl.coalesce("_code", "error_code").alias("error_code"),
        )
    )
    carried = [name for name in further if name != "correlation_id"]  # which operations have by themselves
    kept = ("error_id", "trace_id", "node_version", "stack_trace", "adjusted_count", "code_resolved_by", *carried)
    work = operations(concerned, carry=kept).filter(_went_wrong())
    failures = work.select(
        pl.exclude("timestamp", "finished_at", "outcome"),
        pl.col("finished_at").alias("timestamp"),
        _began().alias("started_at"),
        pl.col("outcome").alias("kind"),
    )
    entries = concerned.filter(_logged()).with_columns(
        pl.lit(None, UTC_MICROSECONDS).alias("started_at"),
        pl.lit("log").alias("kind"),
        pl.lit(1, pl.UInt32).alias("witnesses"),
        pl.coalesce("error_message", *(pl.col("metadata").str.json_path_match(path) for path in _LOGGED_AS)).alias(
            "error_message"
        ),
    )
    found = pl.concat([frame.select("correlation_id", *ERRORS, *carried) for frame in (failures, entries)])
    paired = build_spans(rows) if spans is None else require(spans, *_OF_SPANS, mend=_SPANS_MEND)
    return (
        found.join(_traces(paired), on="correlation_id", how="left")
        .join(_starts(paired), on="error_id", how="left")
        .with_columns(
            pl.coalesce("trace_id", "_trace", "correlation_id", "error_id").alias("trace_id"),
            pl.coalesce(pl.when(pl.col("_start") <= pl.col("timestamp")).then("_start"), "started_at").alias(
                "started_at"
            ),
        )
        .select(*ERRORS, *further)
        .sort("timestamp", "error_id")
    )


_READ = ("event_id", "metadata", "family", "level", "trace_id", "node_version", "adjusted_count", "error_code")
_OF_SPANS = ("correlation_id", "trace_id", "span_id", "start", "end_event_id")
_SPANS_MEND = "Mend: give `build_spans(events)` or `store.spans()` with all columns, or none: they are paired then."
_LONGEST_MS = 366 * 86_400_000.0
_LOGGED_AS = ("$.log_entry.message", "$.message")


def _went_wrong() -> pl.Expr:
    return pl.col("outcome").is_in(["failure", "soft_failure"])


def _logged() -> pl.Expr:
    return (pl.col("family") == "log") & pl.col("level").is_in(LOG_LEVELS)


def _concerned(events: pl.LazyFrame) -> pl.LazyFrame:
    """The events of work that went wrong: those that say so, and all that share a correlation id with one of them."""
    wrong = events.filter(_went_wrong()).select("correlation_id").drop_nulls().unique()
    said = events.filter(_went_wrong() | _logged())
    beside = events.filter(~(_went_wrong() | _logged()).fill_null(False)).join(wrong, on="correlation_id", how="semi")
    return pl.concat([said, beside])


def _codes(events: pl.LazyFrame, taxonomy: ErrorCodeTaxonomy | None) -> pl.LazyFrame:
    """The code of each event that tells of an error, however it is spelled: `event_id`, `_code`, `code_resolved_by`."""
    read = ("event_id", "node", "correlation_id", "error_code", "error_message")
    said = extract_error_codes(events.filter(_went_wrong() | _logged()).select(read), taxonomy)
    codes = said.select("event_id", pl.coalesce("code", "code_text").alias("_code"), "code_resolved_by")
    return codes.unique("event_id").cache()  # several parts of the query ask for it


def _began() -> pl.Expr:
    """When an operation began: as long before its end as was measured, else as its start says."""
    measured = pl.col("finished_at") - pl.duration(microseconds=(pl.col("execution_time_ms") * 1000).round())
    is_sound = pl.col("execution_time_ms").is_between(0, _LONGEST_MS)
    return pl.coalesce(
        pl.when(is_sound).then(measured), pl.when(pl.col("timestamp") < pl.col("finished_at")).then("timestamp")
    )


def _starts(spans: pl.LazyFrame) -> pl.LazyFrame:
    """The start of the span that each event ended."""
    ended = spans.filter(pl.col("end_event_id").is_not_null() & pl.col("start").is_not_null())
    return ended.group_by(pl.col("end_event_id").alias("error_id")).agg(pl.col("start").min().alias("_start"))


def _traces(spans: pl.LazyFrame) -> pl.LazyFrame:
    """The trace of each correlation id; where its spans are of several, that of the first."""
    known = spans.filter(pl.col("correlation_id").is_not_null()).sort("start", "span_id", nulls_last=True)
    return known.group_by("correlation_id").agg(pl.col("trace_id").first().alias("_trace"))
