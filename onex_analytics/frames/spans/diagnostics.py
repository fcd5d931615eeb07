"""What is odd about some spans: counted, with examples; nothing is mended."""

from __future__ import annotations

import polars as pl

from onex_analytics.frames.durations import milliseconds
from onex_analytics.frames.spans.foreign import complete_spans
from onex_analytics.model.shapes import SPAN_STATES

_READ = ("trace_id", "span_id", "parent_span_id", "name", "start", "end", "duration_ms", "state")
_EXAMPLES = 5

FINDINGS = {
    **SPAN_STATES,
    "unknown_state": "its state is none of the words above",
    "child_overflow_ms": "it ends after its parent does: the clocks differ, or nobody waited for it",
    "child_underflow_ms": "it begins before its parent does: the clocks differ",
    "several_roots": "its trace has more than one span that names no parent; the examples are trace ids",
    "no_root": "no span of its trace is without a parent; the examples are trace ids",
    "duplicate_id": "another span of its trace has the same id",
    "null_trace_id": "it has no trace id",
    "null_span_id": "it has no id; the examples are names",
    "null_name": "it has no name",
    "null_start": "nobody knows when it began",
}
"""What is looked for, word by word. The states part the spans; the others are seen beside them."""

DIAGNOSTICS = pl.Schema({
    "finding": pl.String(),                  # a word of `FINDINGS`
    "spans": pl.UInt64(),                    # that it is true of
    "share": pl.Float64(),                   # of all spans, 0 to 1; null where there are none
    "largest": pl.Float64(),                 # ms of overflow and underflow, roots in a trace, spans of one id
    "examples": pl.List(pl.String()),        # up to five ids, the smallest texts
    "meaning": pl.String(),
})
"""One row a finding, also where nothing was found."""


def span_diagnostics(spans: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """Count what is odd about some spans, and name examples. Whatever the frame holds, it is reported, never mended.

    The eight columns that are read are collected inside when the result is: parents are looked up in a hash table.

    Args:
        spans: one row a span, in any order, from anywhere (see `complete_spans`); reads `trace_id`, `span_id`,
            `parent_span_id`, `name`, `start`, `end` and `state`.

    Returns:
        One row a word of `FINDINGS`, in that order: `finding`, `spans` (how many it is true of), `share` (0 to 1),
        `largest` (milliseconds for `child_overflow_ms` and `child_underflow_ms`, roots in one trace for
        `several_roots`, spans of one id for `duplicate_id`, else null), `examples` (up to five span ids), `meaning`.
        The states add up to all spans; one whose parent is not there, or that is its own ancestor, counts as orphan or
        cycle whatever made the frame. Of several spans with one id the one that ended and began first stands for it.

    Raises:
        MissingColumns: one of the six columns that every frame of spans has is absent.

    >>> from datetime import datetime
    >>> noon = datetime(2026, 11, 1, 12)
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t", "t"], "span_id": ["a", "b"], "parent_span_id": [None, "a"], "name": ["x", "y"],
    ...     "start": [noon, noon], "end": [noon.replace(second=1), noon.replace(second=3)],
    ... })
    >>> found = span_diagnostics(spans).filter(pl.col("spans") > 0)
    >>> found.select("finding", "spans", "largest", "examples").collect().rows()
    [('closed', 2, None, ['a', 'b']), ('child_overflow_ms', 1, 2000.0, ['b'])]
    """
    return complete_spans(spans).select(_READ).map_batches(
        _diagnosed, schema=DIAGNOSTICS, streamable=False, projection_pushdown=False, predicate_pushdown=False,
        slice_pushdown=False,
    )  # fmt: skip


def _diagnosed(frame: pl.DataFrame) -> pl.DataFrame:
    from onex_analytics.frames.trees.links import CODE_OF, links

    found = links(frame)
    parent = pl.Series("parent", found.parent)
    has_parent = parent >= 0
    at = pl.when(has_parent).then(parent).otherwise(0).cast(pl.UInt32)
    judged = frame.with_columns(
        has_parent, pl.Series("cyclic", found.left_out == CODE_OF["cycle"]),
        names_absent=pl.Series(found.parent < 0) & pl.col("parent_span_id").is_not_null()
        & pl.col("trace_id").is_not_null(),
        is_root=pl.col("parent_span_id").is_null(),
        overflow=_milliseconds(pl.col("end") - pl.col("end").gather(at)),
        underflow=_milliseconds(pl.col("start").gather(at) - pl.col("start")),
    )  # fmt: skip
    by_trace = pl.col("trace_id")
    judged = judged.rename({"parent": "has_parent"}).with_columns(
        word=pl.when(pl.col("state") != "closed").then("state").when("cyclic").then(pl.lit("cycle"))
        .when("names_absent").then(pl.lit("orphan")).otherwise("state"),
        roots=pl.col("is_root").sum().over(by_trace),
        of_id=pl.when(pl.col("span_id").is_not_null()).then(pl.len().over("trace_id", "span_id")),
    )  # fmt: skip
    word, span_id, trace_id = pl.col("word"), pl.col("span_id"), pl.col("trace_id")
    is_child, has_trace = pl.col("has_parent"), trace_id.is_not_null()
    tests: dict[str, tuple[pl.Expr, pl.Expr | None, pl.Expr]] = {
        state: (word == state, None, span_id) for state in SPAN_STATES
    }
    tests |= {
        "unknown_state": (~word.is_in(list(SPAN_STATES)) | word.is_null(), None, span_id),
        "child_overflow_ms": (is_child & (pl.col("overflow") > 0), pl.col("overflow"), span_id),
        "child_underflow_ms": (is_child & (pl.col("underflow") > 0), pl.col("underflow"), span_id),
        "several_roots": (has_trace & (pl.col("roots") > 1) & pl.col("is_root"), pl.col("roots"), trace_id),
        "no_root": (has_trace & (pl.col("roots") == 0), None, trace_id),
        "duplicate_id": (has_trace & (pl.col("of_id") > 1), pl.col("of_id"), span_id),
        "null_trace_id": (trace_id.is_null(), None, span_id),
        "null_span_id": (span_id.is_null(), None, pl.col("name")),
        "null_name": (pl.col("name").is_null(), None, span_id),
        "null_start": (pl.col("start").is_null(), None, span_id),
    }
    rows = [judged.lazy().select(*_row(name, *test, frame.height)) for name, test in tests.items()]
    return pl.concat(pl.collect_all(rows)).select(DIAGNOSTICS.names())


def _milliseconds(difference: pl.Expr) -> pl.Expr:
    return milliseconds(difference.dt.total_microseconds())


def _row(name: str, true: pl.Expr, size: pl.Expr | None, example: pl.Expr, total: int) -> list[pl.Expr]:
    """One row of the table."""
    true = true.fill_null(False)
    count = true.sum().cast(pl.UInt64)
    return [
        pl.lit(name).alias("finding"),
        count.alias("spans"),
        (count / total if total else pl.lit(None, pl.Float64)).alias("share"),
        (pl.lit(None) if size is None else size.filter(true).max()).cast(pl.Float64).alias("largest"),
        example.filter(true).drop_nulls().unique().bottom_k(_EXAMPLES).sort().implode().alias("examples"),
        pl.lit(FINDINGS[name]).alias("meaning"),
    ]
