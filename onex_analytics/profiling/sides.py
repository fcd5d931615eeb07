"""The two sides of a comparison as numbers: how long spans took and whose they are, laid out group by group.

Rows stream through; of a span its duration and the number of its trace are kept, 12 bytes, laid out by group while the
batch is in a cache. What is compared at a time is then put together from stretches of all batches, in memory that is
used again: the system clears each page that it gives, which takes longer than to fill it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from threading import get_ident
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.grouping import Codes, Grouping, in_threads, streamed
from onex_analytics.machine import lean
from onex_analytics.profiling.ended import is_open
from onex_analytics.profiling.measuring import numbered_words
from onex_analytics.profiling.standing import REPEATED
from onex_analytics.profiling.trace_numbers import Counts, Numbers, Words, first_places, numbered_traces

Floats = NDArray[np.float64]

TRACE = "_trace"
READS = (TRACE, "duration_ms", "state")

_MANY_WAYS = 1 << 16
_NEVER = int(np.iinfo(np.int64).min)
_OPEN_STATE, _REPEATED_STATE = 1, 2
_KIND_OF_STATE: dict[str | None, int] = dict.fromkeys(REPEATED, _REPEATED_STATE) | {"open": _OPEN_STATE}


@dataclass(frozen=True, slots=True)
class Part:
    """Some spans, segment by segment, in each as they came: milliseconds (infinite while open), and trace."""

    segments: Codes
    """those in here, ascending: twice a group's code, one more for the candidate"""
    begins: Counts
    """where the spans of each begin; and where the last one's end"""
    left_out: Counts
    """how many of each segment are not among them"""
    ms: Floats
    traces: Numbers
    """numbers of this part, until a layout makes them numbers that all parts share"""
    words: Words
    """64 bits for each trace in here, none of them set for a span that has none"""


@dataclass(frozen=True, slots=True)
class Sides:
    """The rows of both sides, batch by batch."""

    grouping: Grouping
    parts: list[Part] = field(default_factory=list)


class Laid(NamedTuple):
    """Spans segment by segment: 2g the baseline of the group at place g, 2g + 1 its candidate."""

    ms: Floats
    trace: Numbers
    starts: Counts
    left_out: Counts


class Layout:
    """The spans of all groups, to be had some groups at a time; a group's place is that among `codes`, which ascend.

    It takes the parts over: their traces get numbers that all share, in place, once, while they are read in order.
    """

    def __init__(self, sides: Sides, codes: Codes) -> None:
        self._parts = sides.parts
        begins = np.cumsum([0, *(len(part.words) for part in self._parts)])
        words = [part.words for part in self._parts]
        firsts = first_places(np.concatenate(words) if words else np.zeros(0, np.uint64))
        queue = iter(list(zip(self._parts, pairwise(begins), strict=True)))

        def share(_: int) -> None:
            for part, (begin, end) in queue:
                _shared(part.traces, firsts[begin:end])

        in_threads(share)
        self._places = [_places(codes, part.segments) for part in self._parts]
        self.sizes = np.zeros(2 * len(codes), np.int64)
        """how many spans each segment has"""
        self._left_out = np.zeros(2 * len(codes), np.int64)
        for part, at in zip(self._parts, self._places, strict=True):
            self.sizes[at] += np.diff(part.begins)  # a part has a segment once
            self._left_out[at] += part.left_out

    def laid(self, first: int, last: int, ms: Floats, trace: Numbers) -> Laid:
        """The groups at places from `first` to before `last`, written into `ms` and `trace`."""
        segments = slice(2 * first, 2 * last)
        starts = np.concatenate([[0], np.cumsum(self.sizes[segments])])
        cursors = starts[:-1].copy()
        for part, places in zip(self._parts, self._places, strict=True):
            _gather(part.ms, part.traces, part.begins, places, 2 * first, cursors, ms, trace)
        return Laid(ms[:starts[-1]], trace[:starts[-1]], starts, self._left_out[segments])


class Room:
    """Arrays that one thread writes over again and again."""

    def __init__(self) -> None:
        self._floats, self._numbers = np.empty(0), np.empty(0, np.uint32)

    def floats(self, size: int) -> Floats:
        if len(self._floats) < size:
            self._floats = np.empty(size)
        return self._floats[:size]

    def numbers(self, size: int) -> Numbers:
        if len(self._numbers) < size:
            self._numbers = np.empty(size, np.uint32)
        return self._numbers[:size]


def read(sides: Sequence[pl.LazyFrame], keys: list[str], moment: int | None = None) -> Sides:
    """Both sides, whose frames have the columns of `keys`, `READS`, `start` and `end`.

    Or a single frame, in which the spans that start at `moment` (microseconds) or later are the candidate, and those
    whose start is not known are left out of the baseline.
    """
    found = Sides(Grouping(keys))
    rooms: dict[int, Room] = {}
    times = [] if moment is None else ["start"]

    def taken(frame: pl.DataFrame, side: int, ms: Floats, room: Room) -> Part:
        segments = found.grouping.codes(frame, lasting=False)
        if moment is None:
            segments *= 2
            segments += side
        else:
            _part_in_time(segments, frame["start"].to_physical().fill_null(_NEVER).to_numpy(), moment, ms)
        return _part(segments, ms, frame[TRACE], room)

    for side, spans in enumerate(sides):
        untimed: list[bool] = []

        def take(frame: pl.DataFrame, side: int = side, untimed: list[bool] = untimed) -> None:
            room = rooms.setdefault(get_ident(), Room())
            ms, some_without = _milliseconds(frame, room.floats(frame.height))
            found.parts.append(taken(frame, side, ms, room))
            if some_without:
                untimed.append(True)

        streamed(spans.select(dict.fromkeys([*keys, *READS, *times]).keys()), take)
        if untimed:  # whether these never ended their end tells, which for most spans nobody need read

            def take_open(frame: pl.DataFrame, side: int = side) -> None:
                part = taken(frame, side, np.full(frame.height, np.inf), Room())
                found.parts.append(replace(part, left_out=-np.diff(part.begins)))  # where they were counted at first

            disguised = pl.col("duration_ms").is_null() & is_open() & pl.col("state").ne_missing("open")
            streamed(spans.filter(disguised).select(dict.fromkeys([*keys, TRACE, *times]).keys()), take_open)
    return found


def _places(codes: Codes, segments: Codes) -> Counts:
    """Segments by the places of their groups."""
    return 2 * np.searchsorted(codes, segments >> 1) + (segments & 1)


def _part(segments: Codes, ms: Floats, ids: pl.Series, room: Room) -> Part:
    numbers, words = numbered_traces(ids, room.numbers(len(ids)))
    ways = int(segments.max()) + 1
    if ways > _MANY_WAYS + len(segments):  # tables of so many would take longer than the rows
        present, segments = np.unique(segments, return_inverse=True)
        present, segments, ways = present.astype(np.int32), segments.astype(np.int32), len(present)
    else:
        present = None
    counts = np.zeros((ways, 2), np.int64)
    _count(segments, ms, counts)
    ends = np.cumsum(counts[:, 0])
    laid, traces = np.empty(ends[-1]), np.empty(ends[-1], np.uint32)
    _lay(segments, ms, numbers, ends - counts[:, 0], laid, traces)
    if present is None:
        present = np.flatnonzero(counts.any(axis=1)).astype(np.int32)
        ends, counts = ends[present], counts[present]
    begins = np.concatenate([[0], ends])
    return Part(present, begins, counts[:, 1].copy(), laid, traces, words)


def _milliseconds(frame: pl.DataFrame, ms: Floats) -> tuple[Floats, bool]:
    """Milliseconds, infinite while open, NaN where left out; and whether some without a duration are not said open.

    They are written into `ms`.
    """
    took = frame["duration_ms"].to_numpy()  # a null is NaN
    states, of_state = numbered_words(frame["state"], _KIND_OF_STATE)
    return ms, bool(_judge(took, states, of_state, ms)) and frame["duration_ms"].null_count() > 0


@lean
def _judge(took: Floats, states: Codes, of_state: NDArray[np.uint8], ms: Floats) -> int:
    some_states = states.shape[0] > 0
    without = 0
    for i in range(ms.shape[0]):
        state = of_state[states[i] if some_states else 0]
        value = took[i]
        if state == _OPEN_STATE:
            ms[i] = np.inf
        elif state != _REPEATED_STATE and value >= 0 and value < np.inf:
            ms[i] = value + 0.0  # −0 is 0
        else:
            ms[i] = np.nan
            without += value != value
    return without


@lean
def _part_in_time(codes: Codes, starts: Counts, moment: int, ms: Floats) -> None:
    """Codes of groups into segments, in place: the candidate is what starts from `moment` on."""
    for i in range(codes.shape[0]):
        codes[i] = 2 * codes[i] + (starts[i] >= moment)
        if starts[i] == _NEVER:
            ms[i] = np.nan


@lean
def _count(segments: Codes, ms: Floats, counts: Counts) -> None:
    """By segment how many have milliseconds, and how many have not."""
    for i in range(segments.shape[0]):
        counts[np.uint64(segments[i]), np.uint64(not ms[i] >= 0)] += 1


@lean
def _lay(segments: Codes, ms: Floats, traces: Numbers, cursors: Counts, ms_out: Floats, traces_out: Numbers) -> None:
    for i in range(segments.shape[0]):
        if ms[i] >= 0:
            to = np.uint64(cursors[np.uint64(segments[i])])
            cursors[np.uint64(segments[i])] += 1
            ms_out[to] = ms[i]
            traces_out[to] = traces[i]


@lean
def _shared(traces: Numbers, numbers: Numbers) -> None:
    """The numbers of one batch into those that all batches share, in place."""
    for i in range(traces.shape[0]):
        traces[i] = numbers[np.uint64(traces[i])]


@lean
def _gather(
    ms: Floats, traces: Numbers, begins: Counts, places: Counts, low: int, cursors: Counts, ms_out: Floats,
    trace_out: Numbers,
) -> None:  # fmt: skip
    """The stretches of the segments from place `low` on that have cursors, each to where its cursor stands."""
    for at in range(np.searchsorted(places, low), places.shape[0]):
        segment = places[at] - low
        if segment >= cursors.shape[0]:
            return
        first = begins[at]
        n = begins[at + 1] - first
        to = cursors[segment]
        cursors[segment] = to + n
        for i in range(n):
            ms_out[to + i] = ms[first + i]
        for i in range(n):
            trace_out[to + i] = traces[first + i]
