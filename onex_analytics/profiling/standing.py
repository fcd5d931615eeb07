"""How a span stands to a measurement: measured, or why not. The same rules as the kernels of `measuring` and `sides`.

A span is measured where it has ended and its duration is a number that is not negative. Otherwise it is open, negative,
or unmeasured: it has no duration, one that is not finite, or it is a second start or end of work told of already. What
a node measured itself counts whatever its clocks say: work that it timed is known, though a clock was set back.
"""

from __future__ import annotations

import polars as pl

LEFT_OUT = {"open": pl.UInt64(), "negative": pl.UInt64(), "unmeasured": pl.UInt64()}

REPEATED = ("duplicate_start", "duplicate_end")
"""States of a second start or end of work that was told of already."""


def says_open() -> pl.Expr:
    """True for a span whose state says that it has not ended: tables of durations go by that, they read no times."""
    return pl.col("state").eq_missing("open")


def is_repeated() -> pl.Expr:
    """True for a second start or end of work that was told of already."""
    return pl.col("state").is_in(list(REPEATED)).fill_null(False)


def is_measured() -> pl.Expr:
    """True for a span whose duration counts."""
    duration = pl.col("duration_ms")
    is_a_number = duration.is_not_null() & duration.is_finite().fill_null(False) & (duration >= 0).fill_null(False)
    return ~says_open() & ~is_repeated() & is_a_number


def is_negative() -> pl.Expr:
    """True for a span that ends before it starts."""
    duration = pl.col("duration_ms")
    is_no_number = duration.is_null() | duration.is_nan() | duration.is_infinite()
    says_so = pl.col("state").eq_missing("negative_duration") & is_no_number.fill_null(True)
    return ~says_open() & ~is_repeated() & ((duration < 0).fill_null(False) | says_so)


def failed() -> pl.Expr:
    """True for a span with status "error"."""
    return pl.col("status").eq_missing("error")


def weight() -> pl.Expr:
    """What a span stands for: `adjusted_count`, 1 where it says nothing, 0 where it is negative."""
    return pl.col("adjusted_count").fill_null(1.0).fill_nan(1.0).clip(lower_bound=0.0)


def left_out(judged: pl.Expr | None = None) -> list[pl.Expr]:
    """How many spans are open, negative and unmeasured: aggregations, which with the judged ones add up to the rows."""
    taken = is_measured() if judged is None else judged
    unmeasured = ~taken & ~says_open() & ~is_negative()
    counts = {"open": says_open() & ~taken, "negative": is_negative() & ~taken, "unmeasured": unmeasured}
    return [expression.sum().cast(pl.UInt64).alias(name) for name, expression in counts.items()]
