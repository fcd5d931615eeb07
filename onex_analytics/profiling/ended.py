"""How long a span took, or why that cannot be told: the one rule that comparisons share with the latency tables."""

from __future__ import annotations

import polars as pl

UNTIMED_STATES = ("negative_duration", "duplicate_start", "duplicate_end")
"""States of a span whose duration says nothing, or was told of already."""


def is_timed() -> pl.Expr:
    """True for a span that ended and whose duration is a number that is not negative."""
    took = pl.col("duration_ms")
    known = took.is_not_null() & took.is_finite() & (took >= 0)
    return (known & ~pl.col("state").is_in(["open", *UNTIMED_STATES])).fill_null(False)


def is_open() -> pl.Expr:
    """True for a span that began and never ended, whatever its place in the tree.

    >>> columns = {"state": ["open", "orphan"], "start": [1, 1], "end": [None, 2], "duration_ms": [None, 9.0]}
    >>> spans = pl.DataFrame(columns)
    >>> spans.select(is_open(), is_timed()).rows()
    [(True, False), (False, True)]
    """
    unended = pl.col("end").is_null() & pl.col("duration_ms").is_null() & pl.col("start").is_not_null()
    return ((pl.col("state") == "open") | unended & ~pl.col("state").is_in(UNTIMED_STATES)).fill_null(False)
