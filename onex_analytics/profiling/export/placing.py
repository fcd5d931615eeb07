"""Spans in their places: which can be drawn, on which lane, and in which order they begin and end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.spans import complete_spans
from onex_analytics.profiling.export.lanes import FOREVER, lay_out

LEFT_OUT = {
    "no_start": "it has no start, so nobody knows where to draw it",
    "negative_duration": "it ends before it starts",
    "open": "it has no end, and the format cannot say so",
}
"""Why a span is not drawn, word by word."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Spans that can be drawn.

    Args:
        rows: the spans, by group, start and end, with all their columns; `_lane` counts from 0 within the group,
            `_start_us` and `_end_us` (null while open) are whole microseconds.
        order: the begins and ends of all lanes: `row`, `opens`, one lane behind the other, in an order that nests.
        left_out: spans that are not drawn, by a word of `LEFT_OUT`.
    """

    rows: pl.DataFrame
    order: pl.DataFrame
    left_out: dict[str, int]


def placed(spans: pl.LazyFrame | pl.DataFrame, group: list[str], *, with_open: bool) -> Placed:
    """Lay the spans of each group out on lanes."""
    reason = (
        pl.when(pl.col("start").is_null()).then(pl.lit("no_start"))
        .when(pl.col("end") < pl.col("start")).then(pl.lit("negative_duration"))
        .when(pl.col("end").is_null() & (not with_open)).then(pl.lit("open"))
    )  # fmt: skip
    found = complete_spans(spans).with_columns(
        _why=reason, _start_us=pl.col("start").dt.epoch("us"), _end_us=pl.col("end").dt.epoch("us")
    ).collect()  # fmt: skip
    left_out = dict(found.filter(pl.col("_why").is_not_null()).group_by("_why").len().sort("_why").rows())
    rows = found.filter(pl.col("_why").is_null()).drop("_why").with_columns(_end=pl.col("_end_us").fill_null(FOREVER))
    rows = rows.sort(
        *group, "_start_us", "_end", "trace_id", "span_id",
        descending=[*[False] * len(group), False, True, False, False],
    ).with_row_index("_row")  # fmt: skip
    of_id = rows.select("trace_id", parent_span_id="span_id", _above="_row").unique(
        ["trace_id", "parent_span_id"], keep="first", maintain_order=True
    )
    above = rows.select("trace_id", "parent_span_id").join(
        of_id, on=["trace_id", "parent_span_id"], how="left", maintain_order="left"
    )["_above"]
    groups = rows.select(pl.struct(group).rank("dense")).to_series() if rows.height else pl.Series([], dtype=pl.UInt32)
    lane, order, opens = lay_out(
        _whole(groups), _whole(rows["_start_us"]), _whole(rows["_end"]),
        above.cast(pl.Int64).fill_null(-1).to_numpy().copy(),
    )  # fmt: skip
    rows = rows.with_columns(_lane=pl.Series(lane), _group=groups).with_columns(
        (pl.col("_lane") - pl.col("_lane").min().over("_group")).cast(pl.Int64)
    )
    drawn = rows.drop("_row", "_end", "_group")
    return Placed(drawn, pl.DataFrame({"row": order, "opens": opens}), left_out)


def _whole(values: pl.Series) -> NDArray[np.int64]:
    return values.cast(pl.Int64).to_numpy().copy()


def told(left_out: dict[str, int]) -> str:
    """What was left out, as a few words; "" where nothing was.

    >>> told({"open": 3})
    '; left out: 3 open'
    """
    return "; left out: " + ", ".join(f"{n} {word}" for word, n in left_out.items()) if left_out else ""


def member(name: str, value: pl.Expr) -> pl.Expr:
    """A member of a JSON object as text, `"name":value`; null where the value is null."""
    text = pl.struct(value.alias(name)).struct.json_encode()
    return pl.when(value.is_not_null()).then(text.str.slice(1, text.str.len_chars() - 2))
