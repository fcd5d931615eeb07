"""Steps: the numbers of every label set, from tick to tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onex_analytics.alerting.cells.runs import Int64
from onex_analytics.alerting.cells.window_kernels import side_by_side


@dataclass(frozen=True)
class Steps:
    """From `ticks[i]` on the columns hold what their row i says, up to the label set's next step.

    The steps of label set k are the rows `bounds[k]` to `bounds[k + 1]`; none before it is born.
    """

    bounds: Int64
    ticks: Int64
    columns: tuple[NDArray[np.generic], ...] = ()


def steps_at(ticks_of: Int64) -> Steps:
    """One step for each label set at its tick; none where that is negative infinity (the least integer)."""
    here = ticks_of != np.iinfo(np.int64).min
    return Steps(np.concatenate([[0], np.cumsum(here)]), ticks_of[here])


def together(parts: Sequence[Steps]) -> tuple[Steps, list[tuple[NDArray[np.generic], ...]]]:
    """All steps as one list, and the columns of each part in its rows: zeros before a part's first step."""
    whole = parts[0]
    rows: list[Int64] = [np.arange(len(whole.ticks))]
    for part in parts[1:]:
        whole, left, right = _pair(whole, part)
        rows = [np.where(left < 0, -1, row[left]) if len(row) else left for row in rows] + [right]
    return whole, [_at(part, row) for part, row in zip(parts, rows, strict=True)]


def _pair(one: Steps, other: Steps) -> tuple[Steps, Int64, Int64]:
    most = len(one.ticks) + len(other.ticks)
    bounds, ticks = np.empty(len(one.bounds), np.int64), np.empty(most, np.int64)
    left, right = np.empty(most, np.int64), np.empty(most, np.int64)
    n = side_by_side(one.bounds, one.ticks, other.bounds, other.ticks, bounds, ticks, left, right)
    return Steps(bounds, ticks[:n]), left[:n], right[:n]


def _at(part: Steps, row: Int64) -> tuple[NDArray[np.generic], ...]:
    none = row < 0
    if not none.any():
        return tuple(column[row] for column in part.columns)
    return tuple(
        np.where(none, _empty(column), np.append(column, _empty(column))[row]) for column in part.columns
    )


def _empty(column: NDArray[np.generic]) -> NDArray[np.generic]:
    """What a column says of a window without events: 0, or no data."""
    return np.array(np.nan if column.dtype.kind == "f" else 0, column.dtype)
