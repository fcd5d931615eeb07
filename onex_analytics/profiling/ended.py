"""Which spans never ended, where times are read: the one rule of comparisons, concurrency and waterfalls."""

from __future__ import annotations

import polars as pl

_ENDED = ("negative_duration", "duplicate_start", "duplicate_end")
"""States of a span that ended, or of which another tells."""


def is_open() -> pl.Expr:
    """True for a span that began and never ended, whatever its place in the tree.

    >>> columns = {"state": ["open", "orphan"], "start": [1, 1], "end": [None, 2], "duration_ms": [None, 9.0]}
    >>> pl.DataFrame(columns).select(is_open()).to_series().to_list()
    [True, False]
    """
    unended = pl.col("end").is_null() & pl.col("duration_ms").is_null() & pl.col("start").is_not_null()
    return ((pl.col("state") == "open") | unended & ~pl.col("state").is_in(_ENDED)).fill_null(False)
