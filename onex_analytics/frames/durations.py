"""Durations in milliseconds, the same number for the same time wherever it stands."""

from __future__ import annotations

import polars as pl


def milliseconds(microseconds: pl.Expr) -> pl.Expr:
    """Whole microseconds as milliseconds, rounded correctly: 700 of them are 0.7; null stays null.

    Polars divides by a constant by multiplying with what is one over it, but for a frame (or a batch of one) that has a
    single row: 700 / 1000 is then 0.7000000000000001 in most rows and 0.7 in some, so that times that are equal
    were no ties, and a threshold of 0.7 ms was missed by what took just so long.

    >>> pl.DataFrame({"us": [700, 1400, None]}).select(milliseconds(pl.col("us"))).to_series().to_list()
    [0.7, 1.4, None]
    """
    thousand = microseconds * 0 + 1000  # a column, not a constant
    return microseconds / thousand
