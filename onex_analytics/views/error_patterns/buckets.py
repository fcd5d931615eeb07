"""Counts of groups in buckets of time, few enough to draw: what has no place of its own is added to another."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from onex_analytics.views.durations import told
from onex_analytics.views.groups import keys_of, name_of
from onex_analytics.views.panels import bucket_width

Row = Mapping[str, Any]

MEASURES = {"start", "end", "events", "finished", "failures", "soft_failures", "error_rate", "low", "high"}
"""The columns that `error_rates` makes itself; the others are those of `by`."""


class Line(NamedTuple):
    """A group: its name, its count over the whole time, and by column the rows that are drawn there."""

    name: str
    n: int
    cells: dict[int, list[Row]]

    @property
    def first(self) -> int:
        """The column in which it is seen first."""
        return min(self.cells)


@dataclass(frozen=True, slots=True)
class Buckets:
    """The lines that count anything, the fullest first, over columns [start, end) of time."""

    columns: list[tuple[datetime, datetime]]
    lines: list[Line]
    of: Collection[str]
    joined: int  # buckets of the frame in one column
    silent: int  # groups that count nothing
    untimed: int  # counts that have no start

    @classmethod
    def of_rates(cls, rates: pl.DataFrame, of: Collection[str], most_columns: int) -> Buckets:
        """The rows of `error_rates` by group and column; where there are more buckets, so many are joined evenly."""
        keys = keys_of(rates, MEASURES)
        rows = rates.to_dicts()
        timed = [row for row in rows if row["start"] is not None]
        starts = sorted({row["start"] for row in timed})
        width = width_of(timed)
        many = (starts[-1] - starts[0]) // width + 1 if starts else 0
        joined = max(math.ceil(many / most_columns), 1)
        columns = _columns(starts, width, joined)
        place_of = {start: place for place, (start, _) in enumerate(columns)}
        lines: dict[tuple[Any, ...], Line] = {}
        for row in timed:
            n = sum(row[column] for column in of)
            key = tuple(row[name] for name in keys)
            line = lines.get(key) or Line(name_of(row, keys), 0, {})
            lines[key] = line._replace(n=line.n + n)
            if n:
                start = row["start"]
                if joined > 1:
                    start -= (start - starts[0]) % (joined * width)
                line.cells.setdefault(place_of[start], []).append(row)
        counting = sorted((line for line in lines.values() if line.n), key=lambda line: (-line.n, line.name))
        untimed = sum(row[column] for row in rows if row["start"] is None for column in of)
        return cls(columns, counting, of, joined, len(lines) - len(counting), untimed)

    @property
    def n(self) -> int:
        """All that is drawn."""
        return sum(line.n for line in self.lines)

    @property
    def width(self) -> str:
        """How long a column is."""
        start, end = self.columns[0]
        return told((end - start) / timedelta(milliseconds=1))

    def count(self, line: Line, column: int) -> int:
        """What a line counts in a column."""
        return sum(row[name] for row in line.cells.get(column, ()) for name in self.of)

    def parted(self, most: int) -> tuple[list[Line], list[Line], Line | None]:
        """The lines that are drawn as they are, those that are not, and these as one; None where there are none."""
        own, others = self.lines[:most], self.lines[most:]
        if not others:
            return own, others, None
        cells: dict[int, list[Row]] = {}
        for line in others:
            for column, rows in line.cells.items():
                cells.setdefault(column, []).extend(rows)
        return own, others, Line("other", sum(line.n for line in others), cells)


def width_of(timed: Sequence[Row]) -> timedelta:
    """How long buckets are: the shortest of them; where the rows have no `end`, the least distance of two."""
    lengths = [row["end"] - row["start"] for row in timed if row.get("end") is not None]
    return min(lengths) if lengths else bucket_width(sorted({row["start"] for row in timed}))


def _columns(
    starts: Sequence[datetime], width: timedelta, joined: int
) -> list[tuple[datetime, datetime]]:  # fmt: skip
    if not starts:
        return []
    if joined > 1:
        step = joined * width
        many = (starts[-1] - starts[0]) // step + 1
        return [(starts[0] + place * step, starts[0] + (place + 1) * step) for place in range(many)]
    # months differ: one reaches to the next
    following = [*starts[1:], None]
    return [
        (start, end if end is not None and end - start < 1.5 * width else start + width)
        for start, end in zip(starts, following, strict=True)
    ]
