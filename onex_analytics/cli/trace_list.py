"""Which traces there are: one row each, and the one that an id, or its beginning, means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl


def slowest_traces(spans: pl.LazyFrame, limit: int) -> pl.LazyFrame:
    """The traces that lasted longest, from their first sign of life to their last, by the clocks.

    Args:
        spans: one row a span, with the columns of `model.SPANS`, in any order.
        limit: at most so many; 0 for all.

    Returns:
        One row a trace, longest first, then by id: `trace_id`, `root` (the name of its earliest span without a parent,
        else of its earliest span), `node` (of that span), `start` (UTC), `duration_ms` (at least 0, null where no time
        is known), `spans`, `errors` (spans with status "error"), `open` (spans without an end).
    """
    import polars as pl

    from onex_analytics.frames.durations import milliseconds

    first, last = pl.col("start").min(), pl.max_horizontal(pl.col("start").max(), pl.col("end").max())
    traces = spans.group_by("trace_id").agg(
        pl.coalesce(first, pl.col("end").min()).alias("start"),
        milliseconds((last - first).dt.total_microseconds()).alias("duration_ms"),
        pl.len().alias("spans"),
        (pl.col("status") == "error").sum().alias("errors"),
        (pl.col("state") == "open").sum().alias("open"),
    )
    order = traces.sort("duration_ms", "trace_id", descending=[True, False], nulls_last=True)
    kept = order.head(limit) if limit else order
    has_parent = pl.col("parent_span_id").is_not_null()
    roots = (
        spans.join(kept.select("trace_id"), on="trace_id", how="semi", nulls_equal=True)
        .select("trace_id", "name", "node", "start", "span_id", has_parent.alias("below"))
        .sort("below", "start", "span_id", nulls_last=True)
        .unique("trace_id", keep="first", maintain_order=True)
        .select("trace_id", pl.col("name").alias("root"), "node")
    )
    whole = kept.join(roots, on="trace_id", how="left", nulls_equal=True)
    columns = ("trace_id", "root", "node", "start", "duration_ms", "spans", "errors", "open")
    return whole.select(columns).sort("duration_ms", "trace_id", descending=[True, False], nulls_last=True)


def whole_id(spans: pl.LazyFrame, given: str) -> str:
    """The id of the one trace whose id is, or begins with, `given`."""
    import polars as pl

    ids = spans.select("trace_id").filter(pl.col("trace_id").str.starts_with(given)).unique()
    found: list[str] = ids.sort("trace_id").head(4).collect()["trace_id"].to_list()
    if given in found or len(found) == 1:
        return given if given in found else found[0]
    if not found:
        raise InvalidOption("TRACE_ID", given, "a trace that is there, as `onex-analytics traces list` names them")
    raise InvalidOption("TRACE_ID", given, f"the beginning of one trace only, not of {', '.join(found)}")
