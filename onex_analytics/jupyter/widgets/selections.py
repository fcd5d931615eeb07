"""What a brush and filters choose: a stretch of time, in round buckets, and values of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import EllipsisType
from typing import Any

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames import bucket, fitting_width
from onex_analytics.frames.windows import width_seconds

Value = str | int | float | bool | datetime | None | EllipsisType
"""A value of a column; None: no value; `...`: every value that is not listed."""

_FINE_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True)
class Selection:
    """The events of [since, until) that have one of the listed values in each of the listed columns.

    No `since`, no `until`: no bound. `filters` lists, by column, the values that count; None stands for no value, `...`
    for all values that are too rare to be listed.
    """

    since: datetime | None = None
    until: datetime | None = None
    filters: Mapping[str, Sequence[Value]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        told = {
            name: (values,) if isinstance(values, str) else tuple(dict.fromkeys(values))
            for name, values in self.filters.items()
        }
        object.__setattr__(self, "filters", told)

    @property
    def is_bounded(self) -> bool:
        return self.since is not None or self.until is not None


@dataclass(frozen=True)
class Column:
    """The values of a column that can be chosen: the most frequent, none at all, and all others."""

    name: str
    values: tuple[Any, ...]      # the listed ones, the most frequent first
    has_nulls: bool
    others: int                  # distinct values that are not listed
    kind: pl.DataType            # of the values
    is_category: bool = False    # in the log; its values are texts here

    @property
    def places(self) -> tuple[Value, ...]:
        """What can be chosen, in the order of the list."""
        none: tuple[Value, ...] = (None,) if self.has_nulls else ()
        rest: tuple[Value, ...] = (...,) if self.others else ()
        return (*self.values, *none, *rest)

    def read(self) -> pl.Expr:
        """The column, a category as its text."""
        return pl.col(self.name).cast(pl.String) if self.is_category else pl.col(self.name)

    def typed(self, chosen: Sequence[Value]) -> list[Any]:
        """The chosen values that are values.

        Raises:
            InvalidOption: one of them is of another type.
        """
        plain = [value for value in chosen if value is not None and value is not ...]
        try:
            return pl.Series(plain, dtype=self.kind, strict=True).to_list() if plain else []
        except (TypeError, pl.exceptions.PolarsError) as problem:
            wanted = f"values of type {self.kind}, None, or `...` for all that are not listed"
            raise InvalidOption(self.name, plain, wanted) from problem

    def has(self, chosen: Sequence[Value]) -> pl.Expr:
        """True for a row with one of the chosen values."""
        here = self.read()
        plain = [value for value in chosen if value is not None and value is not ...]
        found = here.is_in(plain).fill_null(False) if plain else pl.lit(False)
        if None in chosen:
            found = found | here.is_null()
        if ... in chosen:
            found = found | (~here.is_in(list(self.values)).fill_null(True) if self.values else here.is_not_null())
        return found


@dataclass(frozen=True)
class Period:
    """A time that is shown, cut into round buckets: [begin + i · width, begin + (i + 1) · width)."""

    begin: datetime
    width: timedelta
    buckets: int
    every: str = "1s"            # the width as a Polars duration

    @property
    def end(self) -> datetime:
        return self.edge(self.buckets)

    def edge(self, number: int) -> datetime:
        """When a bucket begins."""
        return self.begin + self.width * number

    def place(self, moment: datetime) -> int | None:
        """The bucket that begins at this moment, or the end; None where it lies on no edge that is shown."""
        number, rest = divmod(moment - self.begin, self.width)
        return number if not rest and 0 <= number <= self.buckets else None

    @classmethod
    def of(cls, first: datetime, last: datetime, most: int) -> Period:
        """Round buckets from one moment to another, both inside; about `most` of them at most.

        >>> from datetime import UTC
        >>> noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
        >>> Period.of(noon, noon + timedelta(minutes=90), 240).width
        datetime.timedelta(seconds=30)
        """
        span = last - first
        fine = [f"{ms}ms" for ms in _FINE_MS if span <= timedelta(milliseconds=ms) * most]
        every = fine[0] if fine else fitting_width(span, most)
        begin: datetime = pl.DataFrame({"timestamp": [first]}).select(bucket(every)).item()
        width = timedelta(seconds=width_seconds(every))
        return cls(begin, width, (last - begin) // width + 1, every)
