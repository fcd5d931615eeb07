"""What the first report asks of errors: groups, what changed, bursts, what comes together, and what is different."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from onex_analytics import profiling
from onex_analytics.error_patterns import (
    cascades,
    co_occurrence,
    compare_periods,
    contrast,
    detect_bursts,
    errors_of,
    fingerprint,
    group_errors,
)
from onex_analytics.frames import fitting_width
from onex_analytics.frames.error_names import canonical_code
from onex_analytics.looks.explaining import EVENT_FAMILY, explaining
from onex_analytics.views import ErrorChanges, ErrorContrast, ErrorExample, ErrorFrames

MAX_GAP = "1s"
"""How close errors follow each other that belong together, where nodes do not say so."""

_LAST = 0.2
_FEWEST = 20
_SINGLED_OUT = 2
_NOTABLE = ("new", "regressed", "escalating")


def error_look(
    events: pl.LazyFrame, spans: pl.LazyFrame, *, period: pl.DataFrame, moment: datetime | None = None
) -> ErrorFrames:
    """Ask what goes wrong, since when, with what, and what is different about it.

    Args:
        events: the log.
        spans: those of its events, paired.
        period: `frames.main_period`: errors far outside of it are counted, and left out of all that is about time.
        moment: errors before and after it are held against each other, such as a deploy; where it is not given, the
            last fifth of the log is held against what was before. A fleet changes its versions too often for one of
            them to divide the log by itself.
    """
    return error_frames(errors_found(events, spans), spans, period=period, moment=moment)


def errors_found(events: pl.LazyFrame, spans: pl.LazyFrame) -> pl.DataFrame:
    """Every error of a log with its fingerprint, each counted once: what all questions about errors are asked of."""
    return fingerprint(errors_of(events, spans=spans).collect()).collect()


def grouped(errors: pl.DataFrame) -> pl.DataFrame:
    """The groups of `errors_found`, whose titles tell them apart."""
    groups = group_errors(errors)
    said = pl.when(pl.col("title") == "").then(pl.lit("no code, type or message")).otherwise("title")
    shared = pl.format("{} ({})", pl.col("title"), pl.col("fingerprint").str.tail(4))
    return groups.with_columns(said.alias("title")).with_columns(
        pl.when(pl.col("title").is_duplicated()).then(shared).otherwise("title").alias("title")
    )


def error_frames(
    errors: pl.DataFrame, spans: pl.LazyFrame, *, period: pl.DataFrame, moment: datetime | None = None
) -> ErrorFrames:
    """As `error_look`, of errors that are found already."""
    start, end, _ = period.row(0)
    groups = grouped(errors)
    named = errors.join(groups.select("fingerprint", "title"), on="fingerprint", maintain_order="left")
    inside = named.filter(pl.col("timestamp").is_between(start, end)) if start is not None else named.clear()
    began = pl.coalesce("start", "end")
    work = spans.filter(began.is_between(start, end)) if start is not None else spans.filter(False)
    every = fitting_width(end - start, 240) if start is not None else "1m"
    changes = None
    if start is not None and start < end:
        at = end - _LAST * (end - start) if moment is None else moment
        occasion = "the last fifth of the log began" if moment is None else ""
        compared = compare_periods(inside, at, "title", since=start, until=end)
        changes = ErrorChanges(start, at, end, occasion, compared)
    bursts = detect_bursts(inside, every, "title", since=start, until=end)
    n_traces = pl.concat([work.select("trace_id"), inside.lazy().select("trace_id")])
    n_traces = n_traces.drop_nulls().select(pl.all().n_unique())
    return ErrorFrames(
        groups=groups,
        changes=changes,
        bursts=bursts,
        every=every,
        pairs=co_occurrence(inside, "title", n_traces=n_traces.collect().item()),
        chains=cascades(inside, ("node", "title")),
        episodes=cascades(inside, "title", None, max_gap=MAX_GAP),
        max_gap=MAX_GAP,
        contrasts=_contrasts(work, _singled_out(groups, changes, bursts)),
        example=_example(inside, spans),
    )


def _singled_out(groups: pl.DataFrame, changes: ErrorChanges | None, bursts: pl.DataFrame) -> list[str]:
    """The codes of the failures that are worth asking about each by itself: what is new or more frequent first, then
    what came in bursts, then the most frequent."""
    notable = [] if changes is None else changes.changes.filter(pl.col("change").is_in(_NOTABLE))["title"].to_list()
    title, in_bursts = pl.col("title"), bursts["title"].to_list()
    order = pl.when(title.is_in(notable)).then(0).when(title.is_in(in_bursts)).then(1)
    coded = groups.filter((pl.col("fingerprint_basis") == "code") & (pl.col("failures") >= _FEWEST))
    chosen = coded.sort(order.otherwise(2), -pl.col("failures"), "title").head(_SINGLED_OUT)
    return chosen["fingerprint_text"].to_list()


def _contrasts(spans: pl.LazyFrame, codes: Sequence[str]) -> list[ErrorContrast]:
    """What is different about all work that failed, and, value by value, about that which failed with each code."""
    columns = explaining(spans, EVENT_FAMILY)
    failed, code = pl.col("outcome") == "failure", pl.col("_code")
    ended = spans.filter(pl.col("outcome") != "start").select(
        "trace_id", "outcome", *columns, canonical_code().alias("_code")
    ).collect()  # fmt: skip
    found = []
    for one in (None, *codes):
        aim = failed if one is None else failed & (code == one).fill_null(False)
        order = 2 if one is None else 1
        rows = ended.lazy().with_columns(aim.alias("_aim"))
        findings = contrast(rows, pl.col("_aim"), order, columns=columns).collect()
        n = ended.select(aim.sum()).item()
        found.append(ErrorContrast(one, n, findings))
    return found


def _example(errors: pl.DataFrame, spans: pl.LazyFrame) -> ErrorExample | None:
    """The trace in which the most different things go wrong; of several the newest."""
    failed = errors.filter(pl.col("trace_id").is_not_null())
    if failed.is_empty():
        return None
    kinds = pl.struct("node", "title").n_unique().alias("kinds")
    traces = failed.group_by("trace_id").agg(
        kinds, (pl.col("kind") == "failure").sum().alias("failures"), pl.col("timestamp").max().alias("last")
    )
    trace = traces.sort("kinds", "failures", "last", "trace_id", descending=True)["trace_id"][0]
    whole = spans.filter(pl.col("trace_id") == trace)
    return ErrorExample(
        trace_id=trace,
        errors=failed.filter(pl.col("trace_id") == trace).sort("timestamp", "error_id"),
        waterfall=profiling.waterfall(whole, trace_id=trace).collect(),
    )
