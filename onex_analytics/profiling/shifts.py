"""When a series changed its level, and by how much."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.statistics import q_values, seeded, two_sided
from onex_analytics.profiling.energy import split_p

Floats: TypeAlias = NDArray[np.float64]
Method = Literal["edivisive", "welch"]

METHODS: tuple[Method, ...] = ("edivisive", "welch")
WEAK = 0.2
"""p up to which a split of a window is looked at once more."""
FARTHEST = 300
"""Points before and after a change that the strict test of "edivisive" looks at."""
_WEAK_PERMUTATIONS, _ENOUGH_WEAK, _ENOUGH = 99, 30, 10


def change_points(
    series: pl.LazyFrame | pl.DataFrame,
    value: str = "p50_ms",
    method: Method = "edivisive",
    *,
    time: str = "start",
    by: str | Iterable[str] = (),
    window: int = 60,
    min_segment: int = 5,
    min_effect: float = 0.1,
    alpha: float = 0.05,
    permutations: int = 999,
    seed: int = 0,
) -> pl.LazyFrame:
    """When a time series changed its level, such as the p50 of every five minutes.

    Windows of the series are split where the energy statistic is largest, again and again, as long as a lenient test
    passes (weak points). Then, over the whole series, each point is held against all values between its neighbours:
    the weakest falls while it fails the strict test (`alpha`, shared among all stretches of the series that were looked
    at) or changes too little, and its neighbours are tried anew.
    Values are taken for independent of each other: a daily rhythm is a change too, unless it is taken out before.
    Reads the columns it needs into memory.

    Args:
        series: one row a point in time, in any order, such as `latency_timeseries` gives; reads `time`, `value` and
            the columns of `by`. Rows whose value or time is null are no points; they are counted (see `left_out`).
        value: the column that may change its level.
        method: "edivisive" takes the values in random order and asks how often their best split is as good: any
            distribution will do. "welch" takes Welch's t-test, multiplied by the number of places where the stretch
            could have been split: faster, finer p-values, for means of values that are roughly normal.
        time, by: the column of time; columns that tell several series apart.
        window: points of a window; windows overlap by half.
        min_segment: points between two changes, at least 2.
        min_effect: smallest change that counts: 0.1 means a ratio of at least 1.1 or at most 1/1.1.
        alpha: the share of false findings among all findings that is accepted, over all series.
        permutations: random orders for the strict test of "edivisive"; more are tried where many series are tested,
            because p cannot be smaller than 1/(permutations + 1).
        seed: settles the random orders; a series' numbers do not depend on its neighbours.

    Returns:
        One row a change point, ordered by `by` and time: the columns of `by`; `index`: place of the first point of
        the new level, from 0, among the points of its series in order of time; the column `time` of that point;
        `before`, `after`: mean of the value since the change before, and until the change after; `ratio`: after over
        before, null where before is 0; `n_before`, `n_after`: points of the two means; `p`, and `q` after
        Benjamini–Hochberg over all `n_tests` (every stretch of every series that was looked at);
        `left_out`: rows of the series that are no points. A series without a change has no row.

    Raises:
        MissingColumns: a column is absent. InvalidOption: an argument lies outside what is allowed.

    Sources: Matteson and James, JASA 109 (2014) 334 (E-divisive); Fleming, Kołaczkowski et al., "Hunter: using change
    point detection to hunt for performance regressions", ICPE 2023 (windows, weak points merged by the strict test).

    >>> from datetime import datetime, timedelta
    >>> noon = datetime(2026, 11, 1, 12)
    >>> series = pl.DataFrame({
    ...     "start": [noon + timedelta(minutes=i) for i in range(80)],
    ...     "p50_ms": [(20.0 if i >= 50 else 10.0) + i * 7 % 5 for i in range(80)],
    ... })
    >>> change_points(series).select("index", "start", "before", "after").collect().row(0)
    (50, datetime.datetime(2026, 11, 1, 12, 50), 12.0, 22.0)
    """
    keys = names(by)
    if method not in METHODS:
        raise InvalidOption("method", method, " or ".join(METHODS))
    if min_segment < 2 or window < 2 * min_segment:
        raise InvalidOption("window", window, f"at least twice min_segment ({min_segment}), which is at least 2")
    if not min_effect >= 0:
        raise InvalidOption("min_effect", min_effect, "0 or more, such as 0.1")
    if not 0 < alpha < 1:
        raise InvalidOption("alpha", alpha, "a share above 0 and below 1, such as 0.05")
    if permutations < 99:
        raise InvalidOption("permutations", permutations, "at least 99, such as 999")
    seeded(seed)
    lazy = series.lazy()
    require(lazy, time, value, *keys)
    found = lazy.collect_schema()
    schema = pl.Schema({
        **{key: found[key] for key in keys}, "index": pl.UInt32(), time: found[time], "before": pl.Float64(),
        "after": pl.Float64(), "ratio": pl.Float64(), "n_before": pl.UInt32(), "n_after": pl.UInt32(),
        "p": pl.Float64(), "q": pl.Float64(), "n_tests": pl.UInt32(), "left_out": pl.UInt32(),
    })  # fmt: skip

    def result() -> pl.DataFrame:
        rows = lazy.select(*keys, time, pl.col(value).cast(pl.Float64).alias("_value")).sort(*keys, time).collect()
        parts = rows.partition_by(keys, maintain_order=True) if keys else [rows]
        whole = [_Series.of(part, time, repr(part.select(keys).head(1).rows())) for part in parts]
        splitters = [_Splitter(s.values, method, min_segment, seed, s.name) for s in whole]
        weak = [splitter.weak_points(window) for splitter in splitters]
        n_tests = sum(splitter.tried for splitter in splitters)
        tries = max(permutations, int(np.ceil(2 * n_tests / alpha)))
        told = []
        for one, splitter, points in zip(whole, splitters, weak, strict=True):
            for point, p in splitter.merged(points, alpha / max(splitter.tried, 1), min_effect, tries):
                told.append((one, splitter, point, p))
        q = q_values([p for *_, p in told], n_tests)
        out = [_row(*finding, float(x), keys, time, n_tests) for finding, x in zip(told, q, strict=True) if x <= alpha]
        return pl.DataFrame(out, schema=schema, orient="row")

    return pl.defer(result, schema=schema)


@dataclass(frozen=True)
class _Series:
    """One series in order of time, its points only."""

    frame: pl.DataFrame
    values: Floats
    name: str
    left_out: int

    @classmethod
    def of(cls, part: pl.DataFrame, time: str, name: str) -> _Series:
        points = part.filter(pl.col("_value").is_finite() & pl.col(time).is_not_null())
        return cls(points, points["_value"].to_numpy(), name, part.height - points.height)


@dataclass(frozen=True)
class _Point:
    """A change at `index`, held against the values of [low, high)."""

    low: int
    index: int
    high: int


class _Splitter:
    """Splits one series, and judges a split, by one method."""

    def __init__(self, values: Floats, method: Method, least: int, seed: int, name: str) -> None:
        self.values, self.method, self.least, self.tried = values, method, least, 0
        self._chance = seed, name

    def _seed(self, low: int, high: int) -> int:
        """Another one for each stretch, the same in every run."""
        seed, name = self._chance
        return int(seeded(seed, name, low, high).integers(1 << 62))

    def weak_points(self, window: int) -> list[int]:
        """Where windows of the series split, by a lenient test."""
        found: set[int] = set()
        start, n = 0, len(self.values)
        while start < n:
            end = min(start + window, n)
            inside = self._divided(start, end)
            found.update(inside)
            if end == n:
                break
            start = max([start + window // 2, *inside])
        return sorted(found)

    def _divided(self, start: int, end: int) -> list[int]:
        open_, found = [(start, end)], []
        while open_:
            low, high = open_.pop()
            if high - low < 2 * self.least:
                continue
            self.tried += 1
            index, p = self._judged(low, high, -1, _WEAK_PERMUTATIONS, _ENOUGH_WEAK)
            if index >= 0 and p <= WEAK:
                found.append(index)
                open_ += [(low, index), (index, high)]
        return found

    def merged(self, points: list[int], alpha: float, min_effect: float, tries: int) -> list[tuple[_Point, float]]:
        """Those of `points` that stand between their neighbours, each moved once to the best place between them."""
        kept = self._standing(points, alpha, min_effect, tries)
        moved = []
        for point, _ in kept:
            best = self._judged(point.low, point.high, -1, 0, 1)[0]
            moved.append(best if best >= 0 else point.index)
        if sorted(set(moved)) == [point.index for point, _ in kept]:
            return kept
        return self._standing(sorted(set(moved)), alpha, min_effect, tries)

    def _standing(self, points: list[int], alpha: float, min_effect: float, tries: int) -> list[tuple[_Point, float]]:
        known: dict[_Point, float] = {}
        while points:
            edges = [0, *points, len(self.values)]
            held = [_Point(*edges[i:i + 3]) for i in range(len(points))]
            for point in held:
                if point not in known:
                    known[point] = self._judged(point.low, point.high, point.index, tries, _ENOUGH)[1]
            weakest = max(held, key=lambda point: (known[point], -self._effect(point)))
            if known[weakest] <= alpha:
                weakest = min(held, key=self._effect)
                if self._effect(weakest) >= min_effect:
                    return [(point, known[point]) for point in held]
            points = [point for point in points if point != weakest.index]
        return []

    def means(self, point: _Point) -> tuple[float, float]:
        return (
            float(self.values[point.low:point.index].mean()), float(self.values[point.index:point.high].mean()),
        )  # fmt: skip

    def _effect(self, point: _Point) -> float:
        """How far the ratio of the two means lies from 1, the larger of the two ways round."""
        before, after = (abs(mean) for mean in self.means(point))
        low, high = sorted((before, after))
        return float("inf") if low == 0 < high else high / low - 1 if high > 0 else 0.0

    def _judged(self, low: int, high: int, at: int, tries: int, enough: int) -> tuple[int, float]:
        """The best split of [low, high), and p of the split at `at` (−1: of the best)."""
        if at >= 0 and self.method == "edivisive":
            low, high = max(low, at - FARTHEST), min(high, at + FARTHEST)
        stretch = self.values[low:high]
        if len(stretch) < 2 * self.least or (at >= 0 and min(at - low, high - at) < self.least):
            return -1, 1.0
        ranks = np.unique(stretch, return_inverse=True)[1].astype(np.int64) + 1
        by_chance = tries if self.method == "edivisive" else 0
        best, p = split_p(
            stretch, ranks, self.least, at - low if at >= 0 else -1, by_chance, enough, self._seed(low, high)
        )
        if self.method == "welch":
            place = at - low if at >= 0 else best
            p = min(1.0, _welch_p(stretch[:place], stretch[place:]) * (len(stretch) - 2 * self.least + 1))
        return (best + low if best >= 0 else -1), float(p)


def _welch_p(a: Floats, b: Floats) -> float:
    of_a, of_b = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    if of_a + of_b == 0:
        return 1.0 if a.mean() == b.mean() else 0.0
    df = (of_a + of_b) ** 2 / (of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1))
    return float(two_sided((a.mean() - b.mean()) / np.sqrt(of_a + of_b), df))


def _row(
    one: _Series, splitter: _Splitter, point: _Point, p: float, q: float, keys: list[str], time: str, n_tests: int
) -> tuple[object, ...]:
    before, after = splitter.means(point)
    ratio = after / before if before else None
    at = one.frame.row(point.index, named=True)
    return (
        *(at[key] for key in keys), point.index, at[time], before, after, ratio, point.index - point.low,
        point.high - point.index, p, q, n_tests, one.left_out,
    )  # fmt: skip
