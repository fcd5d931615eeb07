"""The one rank convention of the package: nearest rank, ⌈q·n⌉, counted from 1, reckoned exactly.

`ceil(0.07 * 100)` is 8 in floating point, because `0.07 * 100` is a little more than 7. Here a share is
read as it is written: 0.07 is seven hundredths, and the rank among 100 values is 7. The result is always
a value that occurred, and equals `quantile_disc` of DuckDB and `percentile_disc` of PostgreSQL wherever
those two do not stumble over the same floats.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import polars as pl

from onex_analytics.exceptions import InvalidOption

Share = float | int | str | Decimal | Fraction
Method = Literal["nearest_rank", "onex"]

_MOST_ROWS = 2**32
METHODS: tuple[Method, ...] = ("nearest_rank", "onex")


def exact_share(q: Share) -> Fraction:
    """The share exactly as written, from 0 to 1; anything else raises `InvalidOption`.

    >>> exact_share(0.07), exact_share("0.999")
    (Fraction(7, 100), Fraction(999, 1000))
    """
    try:
        share = q if isinstance(q, Fraction) else Fraction(str(q))
    except (ValueError, ZeroDivisionError):
        raise InvalidOption("q", q, "a share from 0 to 1, such as 0.95") from None
    if not 0 <= share <= 1:
        raise InvalidOption("q", q, "a share from 0 to 1, such as 0.95")
    return share


def index_of(q: Share, n: int, method: Method = "nearest_rank") -> int:
    """Zero-based place of the quantile among `n` sorted values, `n` at least 1.

    `nearest_rank`: ⌈q·n⌉ − 1, and the minimum for q = 0. `onex`: the debugging guide's
    `int(n * p / 100)`, one place higher wherever q·n is whole, clipped to the maximum.

    >>> index_of(0.07, 100), index_of(0, 100), index_of(0.5, 4), index_of(0.5, 4, "onex")
    (6, 0, 1, 2)
    """
    a, b = exact_share(q).as_integer_ratio()
    if _known(method) == "onex":
        return min(n * a // b, n - 1)
    return max(-(-n * a // b) - 1, 0)


def quantile_of(values: Iterable[float | None], q: Share, method: Method = "nearest_rank") -> float | None:
    """The quantile of plain values: slow, obvious, and what `quantile` is tested against.

    Nulls and NaN are not values and are left out; None where nothing is left.

    >>> quantile_of([4, 1, None, 3, 2], 0.5)
    2
    """
    kept = sorted(value for value in values if value is not None and value == value)
    return kept[index_of(q, len(kept), method)] if kept else None


def quantile(column: str | pl.Expr, q: Share, method: Method = "nearest_rank") -> pl.Expr:
    """An aggregation: the value at share `q` of a numeric column, named like the column.

    Nulls and NaN are not values and are left out; null where nothing is left. Infinities are values.
    The result has the column's type: it is one of the values, never between two. Use it in `select`,
    `agg` or `over`. Cost: one sort a group.

    >>> pl.DataFrame({"ms": [30.0, 10.0, None, 20.0]}).select(quantile("ms", 0.5)).item()
    20.0
    """
    return _value_at(_values(column), q, method)


def quantile_columns(
    column: str | pl.Expr, shares: Iterable[Share], method: Method = "nearest_rank", *, suffix: str = "_ms"
) -> list[pl.Expr]:
    """Several quantiles of one column, each named by its percentage: `p50_ms`, `p95_ms`, `p99_9_ms`.

    >>> pl.DataFrame({"ms": [30.0, 10.0, 20.0]}).select(quantile_columns("ms", [0.5, 0.999])).row(0, named=True)
    {'p50_ms': 20.0, 'p99_9_ms': 30.0}
    """
    values = _values(column)
    return [_value_at(values, q, method).alias(quantile_name(q) + suffix) for q in shares]


def quantile_name(q: Share) -> str:
    """`p` and the percentage, with an underscore for the decimal point.

    >>> quantile_name(0.5), quantile_name(0.999), quantile_name("0.07")
    ('p50', 'p99_9', 'p7')
    """
    percent = exact_share(q) * 100
    text = f"{percent.numerator}" if percent.denominator == 1 else f"{float(percent):.12g}".replace(".", "_")
    return f"p{text}"


def _values(column: str | pl.Expr) -> pl.Expr:
    values = pl.col(column) if isinstance(column, str) else column
    return values.filter(values.is_not_null() & values.is_not_nan()).sort()


def index_column(n: pl.Expr, q: Share, method: Method = "nearest_rank") -> pl.Expr:
    """`index_of` for a column of counts: the zero-based place of the quantile, 0 where the count is 0.

    >>> pl.DataFrame({"n": [100, 4, 0]}).select(index_column(pl.col("n"), 0.07)).to_series().to_list()
    [6, 0, 0]
    """
    below, above = _neighbours(exact_share(q))
    n = n.cast(pl.Int128)  # a share of ten digits times a count outgrows 64 bits
    if _known(method) == "onex":
        a, b = below.as_integer_ratio()
        index = pl.min_horizontal(n * a // b, n - 1)
    else:
        a, b = above.as_integer_ratio()
        index = (n * a + (b - 1)) // b - 1
    return index.clip(lower_bound=0).cast(pl.Int64)


def _value_at(values: pl.Expr, q: Share, method: Method) -> pl.Expr:
    return values.get(index_column(values.len(), q, method), null_on_oob=True)


def _neighbours(share: Fraction) -> tuple[Fraction, Fraction]:
    """The nearest fractions at or below, and at or above `share` whose denominators a row count can reach.

    For every count n up to `_MOST_ROWS`, ⌊below·n⌋ = ⌊share·n⌋ and ⌈above·n⌉ = ⌈share·n⌉: no fraction m/n lies
    between. They are the last convergent of the continued fraction and the semiconvergent on its other side.
    """
    if share.denominator <= _MOST_ROWS:
        return share, share
    p0, q0, p1, q1 = 0, 1, 1, 0
    n, d = share.as_integer_ratio()
    while q0 + (term := n // d) * q1 <= _MOST_ROWS:
        p0, q0, p1, q1 = p1, q1, p0 + term * p1, q0 + term * q1
        n, d = d, n - term * d
    steps = (_MOST_ROWS - q0) // q1
    first, second = Fraction(p0 + steps * p1, q0 + steps * q1), Fraction(p1, q1)
    return min(first, second), max(first, second)


def _known(method: str) -> str:
    if method not in METHODS:
        raise InvalidOption("method", method, " or ".join(METHODS))
    return method
