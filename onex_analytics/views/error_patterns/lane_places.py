"""Where the spans and errors of one trace stand: a lane for each node, and in it what overlaps below each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from onex_analytics.exceptions import MissingColumns

Row = Mapping[str, Any]
NAME, SUB, GAP = 18.0, 16.0, 8.0
"""Pixels: a lane's title, a line of bars, and the room between lanes."""
_TALLEST = 900.0
_SHIFTS = (0.0, -5.0, 5.0)
_NEAR = 0.012  # of the figure's width
_FOLDED = object()
_MILLISECOND = timedelta(milliseconds=1)


class Mark(NamedTuple):
    """An error that has a time."""

    row: Row
    group: str
    at_ms: float
    y: float
    shift: float
    """How far it was moved there, that it does not hide another: negative is up."""


@dataclass(slots=True)
class Lane:
    """A node, its spans and its errors; `y` is where it begins."""

    name: str
    lines: list[Row] = field(default_factory=list)
    errors: list[tuple[Row, float]] = field(default_factory=list)
    subs: list[int] = field(default_factory=list)
    deep: int = 1
    y: float = 0.0

    @property
    def first_ms(self) -> float:
        """When it is first heard of."""
        return min([*(float(line["offset_ms"]) for line in self.lines), *(at for _, at in self.errors)])

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.y + NAME + self.deep * SUB

    def pack(self) -> None:
        """Give each span the uppermost line on which it overlaps no other."""
        self.lines.sort(key=lambda line: (line["offset_ms"], -line["length_ms"]))
        ends: list[float] = []
        for line in self.lines:
            free = (sub for sub, end in enumerate(ends) if end <= line["offset_ms"])
            sub = next(free, len(ends))
            ends[sub : sub + 1] = [float("inf") if line["open"] else line["until_ms"]]
            self.subs.append(sub)
        self.deep = max(len(ends), 1)

    def middle(self, sub: int) -> float:
        """Where a line of its bars is."""
        return self.y + NAME + (min(sub, self.deep - 1) + 0.5) * SUB

    def place_of(self, at_ms: float) -> float:
        """The height of an error: that of the span in which it lies, a failed one and one that ends then first."""
        if not self.lines:
            return self.middle(0)

        def distance(place: int) -> tuple[float, bool, float]:
            line = self.lines[place]
            outside = max(line["offset_ms"] - at_ms, at_ms - line["until_ms"], 0.0)
            return outside, not line["errors"], abs(line["until_ms"] - at_ms)

        return self.middle(self.subs[min(range(len(self.lines)), key=distance)])


@dataclass(frozen=True, slots=True)
class Places:
    """The lanes from the top, those that share the last one, and the errors by time."""

    lanes: list[Lane]
    others: int
    marks: list[Mark]
    untimed: int
    piled: int  # spans for which their lane has no line of their own
    low_ms: float
    high_ms: float

    @classmethod
    def of_trace(cls, rows: pl.DataFrame, errors: pl.DataFrame, by: str, most: int) -> Places:
        """Those of the waterfall and of the errors of one trace, by node, and errors named by a column."""
        if missing := [name for name in ("timestamp", "node", by) if name not in errors.columns]:
            raise MissingColumns(missing, errors.columns)
        lines, found = rows.to_dicts(), errors.to_dicts()
        timed = sorted((row for row in found if row["timestamp"] is not None), key=lambda row: row["timestamp"])
        lanes: dict[Any, Lane] = {}
        for line in lines:
            key, name = (_FOLDED, "spans shown as one") if line["folded"] else (line["node"], line["node"] or "–")
            lanes.setdefault(key, Lane(name)).lines.append(line)
        began = _began(lines, timed)
        for row in timed:
            at = (row["timestamp"] - began) / _MILLISECOND
            lanes.setdefault(row["node"], Lane(row["node"] or "–")).errors.append((row, at))
        drawn, others = _fewer(list(lanes.values()), most)
        for lane in drawn:
            lane.pack()
        piled = _stack(drawn)
        times = [at for lane in drawn for _, at in lane.errors] + [line["until_ms"] for line in lines]
        low, high = min([0.0, *times]), max([0.0, *times])
        near = (high - low or 1.0) * _NEAR
        return cls(drawn, others, _marks(drawn, by, near), len(found) - len(timed), piled, low, high)


def group_of(row: Row, by: str) -> str:
    """What an error is called: by the column, else by its type or its message."""
    named = (row.get(name) for name in (by, "error_code", "error_type", "error_message"))
    return str(next((name for name in named if name), "no code, type or message"))


def _began(lines: Sequence[Row], errors: Sequence[Row]) -> datetime | None:
    """When the waterfall's milliseconds begin: where most of its spans say. Without spans, with the first error."""
    said = Counter(
        line["start"] - timedelta(milliseconds=line["offset_ms"]) for line in lines if line["start"] is not None
    ) or Counter(line["end"] - timedelta(milliseconds=line["until_ms"]) for line in lines if line["end"] is not None)
    first = said.most_common(1)[0][0] if said else errors[0]["timestamp"] if errors else None
    return first if isinstance(first, datetime) else None


def _fewer(lanes: list[Lane], most: int) -> tuple[list[Lane], int]:
    """By time, the lanes with the most errors, then spans; the others as one at the end, and how many those are."""
    ranked = sorted(lanes, key=lambda lane: (-len(lane.errors), -len(lane.lines), lane.first_ms))
    own, others = sorted(ranked[:most], key=lambda lane: lane.first_ms), ranked[most:]
    if others:
        own.append(Lane("other", [line for lane in others for line in lane.lines],
                        [error for lane in others for error in lane.errors]))  # fmt: skip
    return own, len(others)


def _stack(lanes: Sequence[Lane]) -> int:
    """Set the lanes below each other, as deep as the figure's height allows; how many spans share a line for that."""
    needed = [lane.deep for lane in lanes]
    for lane in lanes:
        lane.deep = 1
    spare = int((_TALLEST - len(lanes) * (NAME + GAP)) / SUB) - len(lanes)
    for _ in range(min(spare, sum(needed) - len(lanes))):
        piled = [sum(sub >= lane.deep for sub in lane.subs) for lane in lanes]
        lanes[piled.index(max(piled))].deep += 1
    y = 0.0
    for lane in lanes:
        lane.y = y
        y = lane.bottom + GAP
    return sum(sub >= lane.deep for lane in lanes for sub in lane.subs)


def _marks(lanes: Sequence[Lane], by: str, near_ms: float) -> list[Mark]:
    """The errors by time; those that would hide each other are moved up and down a little."""
    found = []
    for lane in lanes:
        last: dict[float, tuple[float, int]] = {}
        for row, at in sorted(lane.errors, key=lambda error: error[1]):
            y = lane.place_of(at)
            before, shifts = last.get(y, (float("-inf"), 0))
            shifts = shifts + 1 if at - before < near_ms else 0
            last[y] = at, shifts
            shift = _SHIFTS[shifts % len(_SHIFTS)]
            found.append(Mark(row, group_of(row, by), at, y + shift, shift))
    return sorted(found, key=lambda mark: mark.at_ms)
