"""The two sides of a comparison: stretches of time, or values of a column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl

Baseline = Annotated[str, typer.Option(help="Before: FROM..TO in time, or with --column a value of it.")]
Candidate = Annotated[str, typer.Option(help="After: FROM..TO in time, or with --column a value of it.")]
SideColumn = Annotated[
    str | None,
    typer.Option("--column", help='Compare two values of this column, such as node_version; "1.3.*" is any 1.3.'),
]


def sides_of(
    spans: pl.LazyFrame, column: str | None, baseline: str, candidate: str, *, whole_traces: bool = False
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The spans of either side, or the traces that have such a span; a side without any is an error."""
    sides = [_side(spans, column, "--baseline", baseline), _side(spans, column, "--candidate", candidate)]
    if whole_traces:
        sides = [spans.join(side.select("trace_id"), on="trace_id", how="semi", nulls_equal=True) for side in sides]
    return sides[0], sides[1]


def _side(spans: pl.LazyFrame, column: str | None, name: str, text: str) -> pl.LazyFrame:
    """The spans of a side: of a stretch of time, or of a value."""
    import polars as pl

    from onex_analytics.frames import require
    from onex_analytics.store.selection import time_of

    if column is None:
        start, dots, end = text.partition("..")
        if not dots:
            raise InvalidOption(name, text, "FROM..TO such as 2026-11-01..2026-11-03, or a value and --column")
        since, until = time_of(name, start or None), time_of(name, end or None)
        parts = [pl.col("start") >= since] if since is not None else []
        parts += [pl.col("start") < until] if until is not None else []
        side = spans.filter(*parts)
        wanted = "a time in which something began"
    else:
        told = require(spans, column).with_columns(pl.col(column).cast(pl.String).alias("_told"))
        is_meant = pl.col("_told").str.starts_with(text[:-1]) if text.endswith("*") else pl.col("_told") == text
        side = told.filter(is_meant).drop("_told")
        wanted = f"a value of {column}"
    if side.head(1).select("span_id").collect().is_empty():
        if column is not None:
            values = told.select("_told").drop_nulls().unique().sort("_told").head(12).collect()["_told"].to_list()
            wanted += f", such as {', '.join(values)}" if values else ", which has none"
        raise InvalidOption(name, text, wanted)
    return side
