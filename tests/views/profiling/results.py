"""Results to draw: of spans made by hand, and what all figures have in common."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.theme import description

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
EVIL = '<script>alert("pwned")</script><img src=x>'
LONG = "an_operation_with_a_name_" + "that_goes_on_" * 20 + "to_its_end"


def spans(durations_us: list[int | None], names: list[str] | None = None, every_s: float = 30) -> pl.DataFrame:
    """Spans of traces of their own, one after the other; None has not ended."""
    n = len(durations_us)
    starts = [NOON + timedelta(seconds=every_s * i) for i in range(n)]
    took = [None if us is None else timedelta(microseconds=us) for us in durations_us]
    ends = [None if length is None else at + length for at, length in zip(starts, took, strict=True)]
    times = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        {
            "trace_id": [f"t{i}" for i in range(n)], "span_id": [f"s{i}" for i in range(n)],
            "parent_span_id": [None] * n, "name": names or ["op"] * n, "start": starts, "end": ends,
        },
        schema={"trace_id": pl.String, "span_id": pl.String, "parent_span_id": pl.String, "name": pl.String,
                "start": times, "end": times},
    )  # fmt: skip


def trace(*rows: tuple[str, str | None, float, float | None]) -> pl.DataFrame:
    """One trace "t": id (which is the name), parent, start and end in milliseconds after noon."""
    def at(ms: float | None) -> datetime | None:
        return None if ms is None else NOON + timedelta(milliseconds=ms)

    told = [("t", name, parent, name, at(start), at(end)) for name, parent, start, end in rows]
    return pl.DataFrame(told, schema=spans([]).schema, orient="row")


def is_blank(figure: go.Figure) -> bool:
    """True for a figure that shows nothing but why, and says so in words, too."""
    assert description(figure).startswith("Nothing is drawn: ") or figure.data
    return not figure.data and len(figure.layout.annotations) == 1


def named(figure: go.Figure, name: str) -> go.Scatter:
    """The trace of that name."""
    (found,) = [trace for trace in figure.data if trace.name == name]
    return found
