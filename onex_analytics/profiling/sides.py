"""The two sides of a comparison as numbers: how long spans took and whose they are, laid out group by group.

Rows stream through; of a span its duration and the number of its trace are kept, 12 bytes, laid out by group while the
batch is in a cache. What is compared at a time is then put together from stretches of all batches, in memory that is
used again: the system clears each page that it gives, which takes longer than to fill it. The ids of traces are texts,
and many: within a batch the spans of a trace lie near each other, and equal ids are known by a look at where their
texts lie (see `frames.grouping`), so that only a few are hashed. One pass over those hashes then finds which traces go
on from batch to batch, and numbers traces in the order they came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import get_ident
from typing import NamedTuple

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from onex_analytics.frames.compiling import lean
from onex_analytics.frames.grouping import Codes, Grouping, in_threads, streamed, words_of, workers
from onex_analytics.profiling.ended import UNTIMED_STATES, is_open
from onex_analytics.profiling.measuring import numbered_words

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]
Numbers = NDArray[np.uint32]
Counts = NDArray[np.int64]

TRACE = "_trace"
READS = (TRACE, "duration_ms", "state")

_NEAR = 1 << 11
_MANY_WAYS = 1 << 16
_HEAP = 1 << 15
_ALONE = np.uint64(0)
_ODD, _ODD_TOO = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F)
_OPEN_STATE, _UNTIMED_STATE = 1, 2
_KIND_OF_STATE: dict[str | None, int] = dict.fromkeys((*UNTIMED_STATES, None), _UNTIMED_STATE) | {"open": _OPEN_STATE}


@dataclass(frozen=True, slots=True)
class Part:
    """Some spans of a side, by group, in each as they came: milliseconds (infinite while open), and trace."""

    side: int
    codes: Codes
    """the groups in here, ascending"""
    begins: Counts
    """where the spans of each begin; and where the last one's end"""
    left_out: Counts
    """how many of each group are not among them"""
    ms: Floats
    traces: Numbers
    """numbers of this part"""
    words: Words
    """64 bits for each trace in here, `_ALONE` for a span that has none"""


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
    """The spans of all groups, to be had some groups at a time; a group's place is that among `codes`, which ascend."""

    def __init__(self, sides: Sides, codes: Codes) -> None:
        self._parts, self._codes = sides.parts, codes
        self._begins = np.cumsum([0, *(len(part.words) for part in self._parts)])
        words = [part.words for part in self._parts]
        self._firsts = first_places(np.concatenate(words) if words else np.zeros(0, np.uint64))
        self.sizes = np.zeros(2 * len(codes), np.int64)
        """how many spans each segment has"""
        self._left_out = np.zeros(2 * len(codes), np.int64)
        for part in self._parts:
            at = 2 * np.searchsorted(codes, part.codes) + part.side
            self.sizes[at] += np.diff(part.begins)  # a part has a group once
            self._left_out[at] += part.left_out

    def laid(self, first: int, last: int, ms: Floats, trace: Numbers) -> Laid:
        """The groups at places from `first` to before `last`, written into `ms` and `trace`."""
        codes, segments = self._codes[first:last], slice(2 * first, 2 * last)
        starts = np.concatenate([[0], np.cumsum(self.sizes[segments])])
        cursors = starts[:-1].copy()
        for number, part in enumerate(self._parts):
            here = slice(*np.searchsorted(part.codes, [codes[0], codes[-1] + 1]))
            segment = 2 * np.searchsorted(codes, part.codes[here]) + part.side
            begins = part.begins[here.start:here.stop + 1]
            firsts = self._firsts[self._begins[number]:self._begins[number + 1]]
            _gather(part.ms, part.traces, begins, segment, firsts, cursors, ms, trace)
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


def read(sides: Sequence[pl.LazyFrame], keys: list[str]) -> Sides:
    """Both sides, whose frames have the columns of `keys`, `READS`, `start` and `end`."""
    found = Sides(Grouping(keys))
    rooms: dict[int, Room] = {}
    for side, spans in enumerate(sides):
        untimed: list[bool] = []

        def take(frame: pl.DataFrame, side: int = side, untimed: list[bool] = untimed) -> None:
            room = rooms.setdefault(get_ident(), Room())
            ms, some_without = _milliseconds(frame, room.floats(frame.height))
            found.parts.append(_part(side, found.grouping.codes(frame, lasting=False), ms, frame[TRACE], room))
            if some_without:
                untimed.append(True)

        streamed(spans.select(dict.fromkeys([*keys, *READS]).keys()), take)
        if untimed:  # whether these never ended their end tells, which for most spans nobody need read

            def take_open(frame: pl.DataFrame, side: int = side) -> None:
                codes, ms = found.grouping.codes(frame), np.full(frame.height, np.inf)
                part = _part(side, codes, ms, frame[TRACE], Room())
                found.parts.append(replace(part, left_out=-np.diff(part.begins)))  # where they were counted at first

            disguised = pl.col("duration_ms").is_null() & is_open() & pl.col("state").ne_missing("open")
            streamed(spans.filter(disguised).select(dict.fromkeys([*keys, TRACE]).keys()), take_open)
    return found


def _part(side: int, codes: Codes, ms: Floats, ids: pl.Series, room: Room) -> Part:
    numbers, words = _traces(ids, room)
    ways = int(codes.max()) + 1
    if ways > _MANY_WAYS + len(codes):  # tables of so many groups would take longer than the rows
        present, codes = np.unique(codes, return_inverse=True)
        present, codes, ways = present.astype(np.int32), codes.astype(np.int32), len(present)
    else:
        present = None
    counts = np.zeros((ways, 2), np.int64)
    _count(codes, ms, counts)
    ends = np.cumsum(counts[:, 0])
    by_group, traces = np.empty(ends[-1]), np.empty(ends[-1], np.uint32)
    _lay(codes, ms, numbers, ends - counts[:, 0], by_group, traces)
    if present is None:
        present = np.flatnonzero(counts.any(axis=1)).astype(np.int32)
        ends, counts = ends[present], counts[present]
    begins = np.concatenate([[0], ends])
    return Part(side, present, begins, counts[:, 1].copy(), by_group, traces, words)


def first_places(words: Words) -> Numbers:
    """For each word the first place at which it stands, on all cores; `_ALONE` is alone wherever it stands.

    The words are dealt into heaps first, so that a heap's table fits a cache.
    """
    firsts = np.empty(len(words), np.uint32)
    heaps = 1 << max(len(words) // _HEAP, 1).bit_length()
    cuts = np.linspace(0, len(words), workers() + 1).astype(np.int64)
    counts = np.zeros((workers(), heaps), np.int64)
    in_threads(lambda worker: _count_heaps(words, cuts[worker], cuts[worker + 1], counts[worker]))
    ends = np.cumsum(counts.T).reshape(heaps, workers())  # heap by heap, and in it worker by worker
    cursors = np.ascontiguousarray(ends.T - counts)
    dealt, places = np.empty(len(words), np.uint64), np.empty(len(words), np.uint32)
    in_threads(lambda worker: _deal(words, cuts[worker], cuts[worker + 1], cursors[worker], dealt, places))
    ends = np.concatenate([[0], ends[:, -1]])
    slots = 1 << (2 * int(np.diff(ends).max())).bit_length()
    queue = iter(range(heaps))

    def find(_: int) -> None:
        table = np.zeros(slots, np.uint32)
        for heap in queue:
            here = slice(ends[heap], ends[heap + 1])
            _first_places(dealt[here], places[here], table, firsts)

    in_threads(find)
    return firsts


def _milliseconds(frame: pl.DataFrame, ms: Floats) -> tuple[Floats, bool]:
    """Milliseconds, infinite while open, NaN where left out; and whether some without a duration are not said open.

    They are written into `ms`.
    """
    took = frame["duration_ms"].to_numpy()  # a null is NaN
    states, of_state = numbered_words(frame["state"], _KIND_OF_STATE)
    return ms, bool(_judge(took, states, of_state, ms)) and frame["duration_ms"].null_count() > 0


def _traces(ids: pl.Series, room: Room) -> tuple[Numbers, Words]:
    """The trace of each row as a number of this batch, and 64 bits for each number."""
    words = words_of(ids)
    if words is None:
        words = ids.hash().to_numpy()
    nulls = ids.is_null().to_numpy() if ids.null_count() else np.zeros(0, np.bool_)
    numbers, firsts = room.numbers(len(ids)), np.empty(len(ids), np.int32)
    count = _near(words, len(words) // max(len(ids), 1), nulls, np.zeros((_NEAR, 3), np.uint64), numbers, firsts)
    at = firsts[:count]
    told = ids.gather(pl.Series(at.astype(np.uint32))).hash().to_numpy()
    told = np.where(told == _ALONE, np.uint64(1), told)
    if len(nulls):
        told[nulls[at]] = _ALONE
    return numbers, told


@lean
def _judge(took: Floats, states: Codes, of_state: NDArray[np.uint8], ms: Floats) -> int:
    some_states = states.shape[0] > 0
    without = 0
    for i in range(ms.shape[0]):
        state = of_state[states[i] if some_states else 0]
        value = took[i]
        if state == _OPEN_STATE:
            ms[i] = np.inf
        elif state != _UNTIMED_STATE and value >= 0 and value < np.inf:
            ms[i] = value + 0.0  # −0 is 0
        else:
            ms[i] = np.nan
            without += value != value
    return without


@lean
def _near(
    words: Words, width: int, nulls: NDArray[np.bool_], slots: Words, numbers: Numbers, firsts: Codes
) -> int:
    """Number the rows so that equal numbers are equal words; words that came long before may get another number.

    What was seen of late is looked up in a small table, in which what is new takes the place of what is there.
    """
    shift = np.uint64(64)
    while (np.uint64(slots.shape[0] - 1)) >> (np.uint64(64) - shift) != 0:
        shift -= np.uint64(1)
    last = np.uint64(width - 1)
    some_null = nulls.shape[0] > 0
    count = 0
    a_before = b_before = np.uint64(0)
    number = -1
    for i in range(numbers.shape[0]):
        if some_null and nulls[i]:
            firsts[count] = i
            numbers[i] = count
            count += 1
            number = -1
            continue
        at = np.uint64(i) * np.uint64(width)
        a = words[at]
        b = words[at + last]
        if number < 0 or a != a_before or b != b_before:
            h = (a * _ODD + b * _ODD_TOO) >> shift
            if slots[h, 2] != 0 and slots[h, 0] == a and slots[h, 1] == b:
                number = np.int64(slots[h, 2]) - 1
            else:
                number = count
                firsts[count] = i
                count += 1
                slots[h, 0] = a
                slots[h, 1] = b
                slots[h, 2] = count
            a_before = a
            b_before = b
        numbers[i] = number
    return count


@lean
def _count_heaps(words: Words, first: int, last: int, counts: Counts) -> None:
    for i in range(first, last):
        counts[_heap(words[i], counts.shape[0])] += 1


@lean
def _deal(words: Words, first: int, last: int, cursors: Counts, dealt: Words, places: Numbers) -> None:
    for i in range(first, last):
        heap = _heap(words[i], cursors.shape[0])
        to = np.uint64(cursors[heap])
        cursors[heap] += 1
        dealt[to] = words[i]
        places[to] = i


@lean
def _first_places(words: Words, places: Numbers, table: Numbers, firsts: Numbers) -> None:
    """`first_places` of one heap; a slot of the table holds one more than where in the heap its word is first."""
    table[:] = 0
    mask = np.uint64(table.shape[0] - 1)
    for i in range(words.shape[0]):
        word = words[i]
        if word == _ALONE:
            firsts[places[i]] = places[i]
            continue
        slot = _mixed(word) >> np.uint64(20) & mask
        while True:
            held = table[slot]
            if held == 0:
                table[slot] = i + 1
                firsts[places[i]] = places[i]
                break
            if words[np.uint64(held) - np.uint64(1)] == word:
                firsts[places[i]] = places[np.uint64(held) - np.uint64(1)]
                break
            slot = (slot + np.uint64(1)) & mask


@njit(nogil=True, cache=True, inline="always")
def _mixed(word: np.uint64) -> np.uint64:
    return (word ^ (word >> np.uint64(32))) * _ODD


@njit(nogil=True, cache=True, inline="always")
def _heap(word: np.uint64, heaps: int) -> np.uint64:
    """The upper bits say which; the heap's table takes others."""
    return (_mixed(word) >> np.uint64(44)) & np.uint64(heaps - 1)


@lean
def _count(codes: Codes, ms: Floats, counts: Counts) -> None:
    """By group how many have milliseconds, and how many have not."""
    for i in range(codes.shape[0]):
        counts[np.uint64(codes[i]), np.uint64(not ms[i] >= 0)] += 1


@lean
def _lay(codes: Codes, ms: Floats, traces: Numbers, cursors: Counts, ms_out: Floats, traces_out: Numbers) -> None:
    for i in range(codes.shape[0]):
        if ms[i] >= 0:
            to = np.uint64(cursors[np.uint64(codes[i])])
            cursors[np.uint64(codes[i])] += 1
            ms_out[to] = ms[i]
            traces_out[to] = traces[i]


@lean
def _gather(
    ms: Floats, traces: Numbers, begins: Counts, segments: Counts, numbers: Numbers, cursors: Counts, ms_out: Floats,
    trace_out: Numbers,
) -> None:  # fmt: skip
    """Each group's stretch to the end of what its segment has so far, traces by the numbers that all batches share."""
    for g in range(segments.shape[0]):
        first = begins[g]
        n = begins[g + 1] - first
        to = cursors[segments[g]]
        cursors[segments[g]] = to + n
        for i in range(n):
            ms_out[to + i] = ms[first + i]
        for i in range(n):
            trace_out[to + i] = numbers[np.uint64(traces[first + i])]
