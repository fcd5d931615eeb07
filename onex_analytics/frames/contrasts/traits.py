"""Columns as traits: which values are common enough to be tested, where numbers are cut, what falls away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.clusters import cluster_codes
from onex_analytics.frames.contrasts.counting import superiority_votes, votes_by_code

MOST_VALUES = 50
"""Whole numbers with more distinct values than this are quantities, with fewer they are names."""
CUTS = (0.01, *(x / 20 for x in range(1, 20)), 0.99)
"""Where a quantity may be cut: shares of its rows, whatever their target."""
COARSE_CUTS = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Where it may be cut within a combination."""
OUTCOMES = frozenset({
    "status", "state", "outcome", "success", "result_status", "error_code", "error_type", "error_message", "severity",
    "recoverable", "level", "event_type", "event_type_raw",
})  # fmt: skip
DURATIONS = frozenset({"duration_ms", "execution_time_ms", "end"})
_FAMILIES = {"its outcome": OUTCOMES, "its duration": DURATIONS}


@dataclass(frozen=True)
class Votes:
    """How much each row counts, and which rows are of the target."""

    of_row: NDArray[np.float64]
    target: NDArray[np.bool_]
    total: float
    hits: float
    fewest: float
    """votes below which a pattern is not tested"""


@dataclass(frozen=True)
class Item:
    """One thing a row can be: a value of a column, or a quantity at or above, or below, a cut."""

    text: str
    low: int
    high: int
    """codes low ≤ code < high"""
    direction: int = 0
    """+1: at or above a cut, −1: below it, 0: a value"""
    coarse: bool = True


@dataclass(frozen=True)
class Trait:
    """A column that takes part."""

    name: str
    codes: NDArray[np.int64]
    size: int
    items: tuple[Item, ...]
    p: float | None = None
    """of a quantity: Mann–Whitney"""
    cliffs_delta: float | None = None


def reads_target(name: str, target_reads: frozenset[str]) -> str | None:
    """Why a column falls away because of what the target is made of, or None."""
    if name in target_reads:
        return "the target is made of it"
    for what, family in _FAMILIES.items():
        if name in family and target_reads & family:
            return f"it tells {what}, and so does the target"
    return None


def unreadable(dtype: pl.DataType) -> str | None:
    """Why no column of this type can take part, or None."""
    if dtype.is_numeric() or dtype in (pl.String, pl.Boolean, pl.Categorical, pl.Enum):
        return None
    return f"a {dtype} is neither a name nor a number"


def trait(column: pl.Series, votes: Votes, *, named: bool) -> Trait | str:
    """The column as a trait, or why it falls away; `named` columns were asked for, and stay if at all possible."""
    dtype = column.dtype
    is_number = dtype.is_numeric()
    if dtype.is_float():
        column = column.fill_nan(None)
        if column.n_unique() <= 1:
            return "it is the same in every row"
        return _quantity(column, votes, named=named)
    codes, distinct = cluster_codes(column.hash())
    if distinct <= 1:
        return "it is the same in every row"
    if distinct - (column.null_count() > 0) >= len(column) - column.null_count() > 1 and not named:
        return "it is different in every row"
    if is_number and distinct > MOST_VALUES:
        return _quantity(column, votes, named=named)
    return _names(column, codes.astype(np.int64), distinct, votes, named=named)


def _names(
    column: pl.Series, codes: NDArray[np.int64], distinct: int, votes: Votes, *, named: bool
) -> Trait | str:
    votes_of = by_code(codes, distinct, votes)[0]
    common = np.flatnonzero(votes_of >= votes.fewest)
    if len(common) == 0:
        return "no value of it is common enough to be tested"
    order = common[np.argsort(-votes_of[common], kind="stable")]
    new = np.full(distinct, len(order), dtype=np.int64)
    new[order] = np.arange(len(order))
    codes = new[codes]
    if not named and _pure(*by_code(codes, len(order) + 1, votes)):
        return "its values tell the target in every row"
    first = np.zeros(len(order) + 1, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    values = column.gather(pl.Series(first[:-1].astype(np.uint32))).to_list()
    items = tuple(Item(_said(column.name, value), i, i + 1) for i, value in enumerate(values))
    return Trait(column.name, codes, len(order) + 1, items)


def _quantity(column: pl.Series, votes: Votes, *, named: bool) -> Trait | str:
    present = column.is_not_null().to_numpy()
    whole = column.dtype.is_integer()
    order = column.arg_sort(nulls_last=True).to_numpy()[: int(present.sum())]
    values = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    in_order = values[order]
    if len(in_order) == 0 or in_order[0] == in_order[-1]:
        return "its numbers are all the same" if present.all() else "it is the same wherever it is there"
    won, of_target, of_rest, ties = superiority_votes(in_order, votes.of_row[order], votes.target[order])
    shares = [in_order[min(int(q * len(in_order)), len(in_order) - 1)] for q in CUTS]
    coarse = {in_order[min(int(q * len(in_order)), len(in_order) - 1)] for q in COARSE_CUTS}
    cuts = np.unique([cut for cut in shares if cut > in_order[0]])
    codes = np.searchsorted(cuts, values, side="right")
    size = len(cuts) + 2
    codes[~present] = size - 1
    if of_target > 0 and of_rest > 0:
        theta = won / (of_target * of_rest)
        if not named and _apart(in_order, votes.target[order]):
            return "a cut through its numbers tells the target in every row"
    else:
        theta = None
    if not named and _pure(*by_code(codes, size, votes)):
        return "its values tell the target in every row"
    items = [
        item
        for i, cut in enumerate(cuts)
        for item in (
            Item(f"{column.name}>={_number(cut, whole)}", i + 1, size - 1, 1, cut in coarse),
            Item(f"{column.name}<{_number(cut, whole)}", 0, i + 1, -1, cut in coarse),
        )
    ]
    if not present.all():
        items.append(Item(_said(column.name, None), size - 1, size))
    p = None if theta is None else _mann_whitney_p(theta, of_target, of_rest, ties)
    return Trait(column.name, codes, size, tuple(items), p, None if theta is None else 2 * theta - 1)


def by_code(codes: NDArray[np.int64], size: int, votes: Votes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Votes, and votes of the target, of each code."""
    counted, hits = votes_by_code(codes, votes.of_row, votes.target, size)
    return counted, hits


def _pure(votes: NDArray[np.float64], hits: NDArray[np.float64]) -> bool:
    """Whether every value holds either only rows of the target or none."""
    return bool(np.all((hits < 1e-9) | (hits > votes - 1e-9)))


def _apart(in_order: NDArray[np.float64], target: NDArray[np.bool_]) -> bool:
    """Whether one cut parts the rows of the target from the others."""
    n = int(target.sum())
    for cut in (n, len(target) - n):
        whole = target[:cut].all() or target[cut:].all()
        if whole and target[:cut].any() != target[cut:].any() and in_order[cut - 1] < in_order[cut]:
            return True
    return False


def _mann_whitney_p(theta: float, of_target: float, of_rest: float, ties: float) -> float:
    """Two-sided, by the normal law, with the correction for ties; votes count as values."""
    from onex_analytics.frames.statistics import two_sided

    n = of_target + of_rest
    spread = (n + 1 - ties / (n * (n - 1))) / (12 * of_target * of_rest) if n > 1 else 0.0
    return float(two_sided((theta - 0.5) / spread**0.5)) if spread > 0 else 1.0


def _said(name: str, value: Any) -> str:
    if value is None:
        return f"{name} is null"
    return f"{name}={str(value).lower() if isinstance(value, bool) else value}"


def _number(cut: float, whole: bool) -> str:
    return str(int(cut)) if whole else f"{cut:.6g}"
