"""Events counted by time and by the values of a few columns: all that a brush and filters show is a sum over it.

One pass over the log reads these columns and gives a cube: how many events lie in a bucket of time and have this type,
this node and so on. It has some ten thousand rows, however many events there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames import main_period
from onex_analytics.frames.columns import require
from onex_analytics.jupyter.widgets.selections import Column, Period, Selection, Value

_COARSE = 2_000
_LOW = 5_000
"""Distinct values up to which a column is counted as it is; of others the rare values are put together before."""
_UNTIMED, _BEFORE = -2, -1
_MICROSECOND = timedelta(microseconds=1)


# ---------------------------------------------------------------------- what can be chosen


def columns_of(
    events: pl.LazyFrame, names: Sequence[str], most: int, pinned: Mapping[str, Sequence[Value]]
) -> list[Column]:
    """The most frequent values of each column, those that are pinned among them.

    Raises:
        MissingColumns: a column is not there.
        InvalidOption: it holds lists or structs, which have no values to choose from; or a pinned value is of a type
            that is not the column's.
    """
    schema = require(events, "timestamp", *names).collect_schema()
    if nested := [name for name in names if schema[name].is_nested()]:
        raise InvalidOption("by", nested, "columns of texts, numbers or times")
    blank = [_blank(name, schema[name]) for name in names]
    tables = pl.collect_all([events.group_by(column.read()).agg(pl.len().alias("_n")) for column in blank])
    found = []
    for column, table in zip(blank, tables, strict=True):
        name = column.name
        wanted = column.typed(pinned.get(name, ()))
        ranked = table.drop_nulls(name).sort("_n", name, descending=[True, False])
        frequent = ranked.head(most)
        shown = [*frequent[name], *(value for value in wanted if value not in set(frequent[name]))]
        others = ranked.height - int(ranked[name].is_in(shown).sum()) if shown else ranked.height
        found.append(replace(column, values=tuple(shown), has_nulls=table.height > ranked.height, others=others))
    return found


def _blank(name: str, kind: pl.DataType) -> Column:
    is_category = kind in (pl.Categorical, pl.Enum)
    return Column(name, (), False, 0, pl.String() if is_category else kind, is_category)


# ---------------------------------------------------------------------- which time is shown


def period_of(
    events: pl.LazyFrame, buckets: int, bounds: tuple[datetime | None, datetime | None] | None = None
) -> Period | None:
    """The time in which nearly everything happened (`frames.main_period`), in buckets; None without a time.

    `bounds` are the first and the last time, where they are known already.
    """
    at = pl.col("timestamp")
    first, last = bounds or events.select(at.min().alias("first"), at.max().alias("last")).collect().row(0)
    if first is None or last is None:
        return None
    if not _all_near(events, first, last):
        first, last, _ = main_period(events).collect().row(0)
    return Period.of(first, last, buckets)


def _all_near(events: pl.LazyFrame, first: datetime, last: datetime) -> bool:
    """Whether coarse counts show that nothing lies far outside, so that no quantile needs to be found."""
    width = (last - first) // _COARSE + _MICROSECOND
    place = ((pl.col("timestamp") - first).dt.total_microseconds() // (width // _MICROSECOND)).alias("_place")
    counted = events.select(place).drop_nulls().group_by("_place").agg(pl.len().alias("_n")).sort("_place").collect()
    below = counted["_n"].cum_sum() / counted["_n"].sum()
    low, high = (int(counted.filter(below >= share)["_place"][0]) for share in (0.01, 0.99))
    apart = width * max(high - low - 1, 0) + timedelta(hours=1)
    return first >= first + width * (low + 1) - apart and last <= first + width * high + apart


# ---------------------------------------------------------------------- the cube


@dataclass(frozen=True, eq=False)
class EventCounts:
    """How many events lie in each bucket and have each of the values."""

    period: Period
    columns: tuple[Column, ...]
    total: int
    _bucket: NDArray[np.int64]
    _codes: tuple[NDArray[np.int64], ...]
    _chosen: NDArray[np.bool_]
    _n: NDArray[np.float64]
    _marked: tuple[datetime | None, datetime | None]

    @classmethod
    def of(
        cls, events: pl.LazyFrame, period: Period, columns: Sequence[Column], marked: Selection | None = None
    ) -> EventCounts:  # fmt: skip
        """Count.

        Args:
            events: reads `timestamp` and the columns.
            period: what is shown. Events outside of it, and those without a time, are counted apart.
            columns: with the values that can be chosen.
            marked: a selection whose bounds may lie within buckets, and that is to be counted exactly all the same.
        """
        at = pl.col("timestamp")
        place = (at - period.begin).dt.total_microseconds().floordiv(period.width // _MICROSECOND)
        bucket = place.clip(_BEFORE, period.buckets).fill_null(_UNTIMED).cast(pl.Int32).alias("_bucket")
        bounds = (None, None) if marked is None else (marked.since, marked.until)
        low = pl.lit(True) if bounds[0] is None else at >= bounds[0]
        high = pl.lit(True) if bounds[1] is None else at < bounds[1]
        distinct = {column.name: column.others + len(column.values) for column in columns}
        early = [_code(column) if distinct[column.name] > _LOW else column.read() for column in columns]
        named = [expression.alias(f"_{place}") for place, expression in enumerate(early)]
        keys = [bucket, (low & high).fill_null(False).alias("_chosen"), *named]
        cube = events.group_by(keys).agg(pl.len().alias("_n")).collect()
        late = [
            pl.col(f"_{place}") if distinct[column.name] > _LOW else _code(column, f"_{place}").alias(f"_{place}")
            for place, column in enumerate(columns)
        ]
        cube = cube.with_columns(late) if late else cube
        codes = tuple(cube[f"_{place}"].cast(pl.Int64).to_numpy() for place in range(len(columns)))
        counts = cube["_n"].cast(pl.Float64).to_numpy()
        return cls(period, tuple(columns), int(counts.sum()), cube["_bucket"].cast(pl.Int64).to_numpy(), codes,
                   cube["_chosen"].to_numpy(), counts, bounds)  # fmt: skip

    def knows(self, selection: Selection) -> bool:
        """Whether the selection's bounds are edges that are shown, or those that were marked: it is counted exactly."""
        bounds = (selection.since, selection.until)
        return bounds == self._marked or all(b is None or self.period.place(b) is not None for b in bounds)

    def bars(self, selection: Selection) -> NDArray[np.int64]:
        """Events by bucket under the filters; the time that is selected does not matter."""
        mask = self._filtered(selection) & (self._bucket >= 0) & (self._bucket < self.period.buckets)
        return self._sums(self._bucket, mask, self.period.buckets)

    def values(self, column: int, selection: Selection) -> NDArray[np.int64]:
        """Events by value of a column, within the time and under the filters of all other columns."""
        mask = self._filtered(selection, but=column) & self._timed(selection)
        return self._sums(self._codes[column], mask, len(self.columns[column].places))

    def selected(self, selection: Selection) -> int:
        """Events that are selected."""
        return int(self._n[self._filtered(selection) & self._timed(selection)].sum())

    def outside(self) -> tuple[int, int, int]:
        """Events before what is shown, after it, and without a time."""
        before, after, untimed = (
            int(self._n[self._bucket == at].sum()) for at in (_BEFORE, self.period.buckets, _UNTIMED)
        )
        return before, after, untimed

    def _sums(self, codes: NDArray[np.int64], mask: NDArray[np.bool_], size: int) -> NDArray[np.int64]:
        return np.bincount(codes[mask], self._n[mask], size).astype(np.int64)

    def _timed(self, selection: Selection) -> NDArray[np.bool_]:
        bounds = (selection.since, selection.until)
        if bounds == self._marked:
            return self._chosen if selection.is_bounded else np.ones(self._n.size, np.bool_)
        low, high = (None if bound is None else self.period.place(bound) for bound in bounds)
        mask = self._bucket != _UNTIMED
        if low is not None:
            mask &= self._bucket >= low
        if high is not None:
            mask &= self._bucket < high
        return mask if selection.is_bounded else np.ones(self._n.size, np.bool_)

    def _filtered(self, selection: Selection, but: int | None = None) -> NDArray[np.bool_]:
        mask = np.ones(self._n.size, np.bool_)
        for place, column in enumerate(self.columns):
            chosen = selection.filters.get(column.name)
            if chosen is not None and place != but:
                mask &= np.isin(self._codes[place], [n for n, one in enumerate(column.places) if one in chosen])
        return mask


def _code(column: Column, name: str | None = None) -> pl.Expr:
    """The place of each row's value in the list."""
    here = column.read() if name is None else pl.col(name)
    nobody = len(column.values)
    other = nobody + column.has_nulls
    known = (
        here.replace_strict(list(column.values), range(nobody), default=other, return_dtype=pl.Int64)
        if column.values else pl.lit(other, pl.Int64)
    )  # fmt: skip
    return pl.when(here.is_null()).then(pl.lit(nobody, pl.Int64)).otherwise(known)
