"""From steps to runs: which label sets a rule evaluates, and whether its condition holds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from onex_analytics.alerting.cells.runs import FALSE, KEPT, TRUE, Float64, Int8, Int64
from onex_analytics.alerting.conditions import When

_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_WITHOUT_DATA = {"ok": FALSE, "keep": KEPT, "alert": TRUE}


def truth(when: When, value: Float64, n: Int64) -> Int8:
    """Whether the condition holds.

    Without data it is what `no_data` says, however few events there are; otherwise it is false below `min_count`.
    """
    holds = _COMPARED[when.op](value, when.threshold)
    if when.min_count:
        holds = holds & (n >= when.min_count)
    found: Int8 = holds.view(np.int8) if when.op != "!=" and when.no_data == "ok" else np.where(
        np.isnan(value), np.int8(_WITHOUT_DATA[when.no_data]), holds.view(np.int8)
    )  # fmt: skip
    return found


def last_ticks(bounds: Int64, first: Int64, tick: int) -> Int64:
    """The last tick of each run: the one before the label set's next run, or the closed tick."""
    last = np.empty_like(first)
    np.subtract(first[1:], 1, out=last[:-1])
    ends = bounds[1:][np.diff(bounds) > 0] - 1
    last[ends] = tick
    return last


def only(bounds: Int64, kept: np.ndarray, *columns: np.ndarray) -> tuple[np.ndarray, ...]:
    """The rows of the label sets that are kept, with their bounds."""
    lengths = np.diff(bounds)
    rows = np.repeat(kept, lengths)
    return np.concatenate([[0], np.cumsum(lengths[kept])]), *(column[rows] for column in columns)
