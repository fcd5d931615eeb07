"""Spans of a few lines, and frames of spans that Hypothesis draws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import strategies as st

from onex_analytics.model.shapes import UTC_MICROSECONDS

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHAPE = {
    "trace_id": pl.String, "span_id": pl.String, "parent_span_id": pl.String, "name": pl.String,
    "start": UTC_MICROSECONDS, "end": UTC_MICROSECONDS, "service": pl.String,
}  # fmt: skip
Row = tuple[str, str | None, str, int | None, int | None]


def spans(*rows: Row, trace: str = "t", service: str | None = "web") -> pl.DataFrame:
    """Spans as (span_id, parent, name, start, end), times in microseconds."""
    return pl.DataFrame(
        [(trace, i, parent, name, _at(start), _at(end), service) for i, parent, name, start, end in rows],
        schema=SHAPE, orient="row",
    )  # fmt: skip


def _at(us: int | None) -> datetime | None:
    return None if us is None else NOON + timedelta(microseconds=us)


PAGE = spans(
    ("a", None, "page", 0, 100), ("b", "a", "query", 10, 50), ("c", "a", "render", 30, 90), ("d", "c", "font", 40, 60)
)
"""Two siblings that overlap, and one below the second."""

TIMES = st.none() | st.integers(0, 12)
ROWS = st.tuples(
    st.sampled_from(["t", "u"]), st.sampled_from("abcdef"), st.sampled_from([None, *"abcdef"]),
    st.sampled_from(["x", 'y "q"\\', "z;é\n"]), TIMES, TIMES, st.sampled_from([None, "web", "db"]),
)  # fmt: skip
ANY_SPANS = st.lists(ROWS, max_size=12).map(
    lambda rows: pl.DataFrame(
        [(*row[:4], _at(row[4]), _at(row[5]), row[6]) for row in rows], schema=SHAPE, orient="row"
    )
)
"""Any frame: duplicate ids, cycles, orphans, open spans, ends without starts, negative durations."""
