"""What a rule saw over time: the least and the greatest value in each bucket, and up to which threshold it fired there.

A stretch of equal values covers many buckets. Ranges are therefore not written out: each is the union of two ranges
whose length is a power of two, which are pushed down to single buckets at the end (a sparse table, backwards).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onex_analytics.alerting.levels import Levels, Runs, label_texts

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]

MOST_BUCKETS = 400
MOST_LABEL_SETS = 8


@dataclass(frozen=True, eq=False)
class ValueBands:
    """Values by bucket: of all label sets together (the first row), then of those that fire at the most thresholds."""

    begin: int                # of the first bucket, in microseconds
    width: int
    names: tuple[str, ...]
    label_sets: int           # in all
    low: Float64              # by band and bucket; NaN where no value counts
    high: Float64
    level: Float64            # a score: it fires where this exceeds the threshold's

    @classmethod
    def of(cls, runs: Runs, levels: Levels, min_count: int) -> ValueBands:
        """Bands of a rule's values and its firing levels."""
        span = max(levels.end - levels.begin, 0)
        width = (span // MOST_BUCKETS // runs.interval + 1) * runs.interval
        buckets = span // width + 1
        of_run = np.repeat(np.arange(len(runs.labels)), np.diff(runs.bounds))
        counts = ~np.isnan(runs.value) & (runs.n >= min_count)
        first, last = (
            np.clip((ticks * runs.interval + runs.offset - levels.begin) // width, 0, buckets - 1)
            for ticks in (runs.first, runs.last)
        )
        lasts = levels.until > levels.at
        begins = np.clip((levels.at - levels.begin) // width, 0, buckets - 1)
        ends = np.clip((levels.until - 1 - levels.begin) // width, 0, buckets - 1)
        worst = np.full(len(runs.labels), -np.inf)
        np.maximum.at(worst, levels.label_set, levels.level)
        shown = np.argsort(-worst, kind="stable")[:MOST_LABEL_SETS]
        every = np.ones(of_run.size, np.bool_), np.ones(levels.label_set.size, np.bool_)
        parts = [every] if len(runs.labels) == 1 else [every, *((of_run == k, levels.label_set == k) for k in shown)]
        low, high, level = [], [], []
        for own, its in parts:
            mine, ours = own & counts, its & lasts
            high.append(greatest(first[mine], last[mine], runs.value[mine], buckets))
            low.append(-greatest(first[mine], last[mine], -runs.value[mine], buckets))
            level.append(greatest(begins[ours], ends[ours], levels.level[ours], buckets))
        texts = [_name(labels) for labels in label_texts(runs.labels.gather(shown))]
        names = tuple(texts) if len(runs.labels) == 1 else ("", *texts)
        found = (np.array(band).reshape(len(parts), buckets) for band in (low, high, level))
        return cls(levels.begin, width, names, len(runs.labels), *found)


def greatest(first: Int64, last: Int64, values: Float64, buckets: int) -> Float64:
    """By bucket the greatest of the values whose range [first, last] holds it; −∞ where none does.

    >>> greatest(np.array([0, 1]), np.array([2, 3]), np.array([5.0, 7.0]), 5).tolist()
    [5.0, 7.0, 7.0, 7.0, -inf]
    """
    power = np.frexp((last - first + 1).astype(np.float64))[1] - 1
    table = np.full((int(power.max(initial=0)) + 1, buckets), -np.inf)
    np.maximum.at(table, (power, first), values)
    np.maximum.at(table, (power, last - (1 << power.astype(np.int64)) + 1), values)
    for above in range(len(table) - 1, 0, -1):
        half = 1 << (above - 1)
        np.maximum(table[above - 1], table[above], out=table[above - 1])
        np.maximum(table[above - 1][half:], table[above][:-half], out=table[above - 1][half:])
    found: Float64 = table[0]
    return found


def _name(labels: dict[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in labels.items()) or "all events"
