"""The two sides of a comparison as numbers: how long spans took and whose they are, laid out group by group.

Rows stream through; of a span its group, its duration and the number of its trace are kept, 16 bytes. The ids of traces
are texts, and many: within a batch the spans of a trace lie near each other, and equal ids are known by a look at where
their texts lie (see `frames.grouping`), so that only a few are hashed. One pass over those hashes then finds which
traces go on from batch to batch, and numbers traces in the order they came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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
_ALONE = np.uint64(0)
_ODD, _ODD_TOO = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F)
_LOWER, _UPPER = np.uint64(0xFFFF_FFFF), np.uint64(0xFFFF_FFFF << 32)
_OPEN_STATE, _UNTIMED_STATE = 1, 2
_KIND_OF_STATE: dict[str | None, int] = dict.fromkeys((*UNTIMED_STATES, None), _UNTIMED_STATE) | {"open": _OPEN_STATE}


@dataclass(frozen=True, slots=True)
class Part:
    """Some spans of a side: group, milliseconds (infinite while open, NaN where left out), trace of those in here."""

    side: int
    codes: Codes
    ms: Floats
    traces: Codes
    words: Words
    """64 bits for each trace in here, `_ALONE` for a span that has none"""


@dataclass(frozen=True, slots=True)
class Sides:
    """The rows of both sides, batch by batch."""

    grouping: Grouping
    parts: list[Part] = field(default_factory=list)
    further_open: list[Part] = field(default_factory=list)
    """Spans without an end that `parts` took for spans without a duration."""


class Laid(NamedTuple):
    """Spans segment by segment: 2g the baseline of the group at place g, 2g + 1 its candidate."""

    ms: Floats
    trace: Numbers
    starts: Counts
    left_out: Counts


def read(sides: Sequence[pl.LazyFrame], keys: list[str]) -> Sides:
    """Both sides, whose frames have the columns of `keys`, `READS`, `start` and `end`."""
    found = Sides(Grouping(keys))
    for side, spans in enumerate(sides):
        untimed: list[bool] = []

        def take(frame: pl.DataFrame, side: int = side, untimed: list[bool] = untimed) -> None:
            ms, some_without = _milliseconds(frame)
            found.parts.append(Part(side, found.grouping.codes(frame), ms, *_traces(frame[TRACE])))
            if some_without:
                untimed.append(True)

        streamed(spans.select(dict.fromkeys([*keys, *READS]).keys()), take)
        if untimed:  # whether these never ended their end tells, which for most spans nobody need read

            def take_open(frame: pl.DataFrame, side: int = side) -> None:
                ms = np.full(frame.height, np.inf)
                part = Part(side, found.grouping.codes(frame), ms, *_traces(frame[TRACE]))
                found.further_open.append(part)

            disguised = pl.col("duration_ms").is_null() & is_open() & pl.col("state").ne_missing("open")
            streamed(spans.filter(disguised).select(dict.fromkeys([*keys, TRACE]).keys()), take_open)
    return found


def laid_out(sides: Sides, codes: Codes) -> Laid:
    """The spans by group, those of `codes` in that order, in each as they came."""
    parts = [*sides.parts, *sides.further_open]
    segments = 2 * len(codes)
    place = np.zeros(int(codes.max(initial=-1)) + 1, np.int32)
    place[codes] = np.arange(len(codes), dtype=np.int32)
    begins = np.cumsum([0, *(len(part.words) for part in parts)])
    firsts = first_places(np.concatenate([part.words for part in parts]) if parts else np.zeros(0, np.uint64))
    rows = np.cumsum([0, *(len(part.codes) for part in parts)])
    cuts = np.searchsorted(rows, np.linspace(0, rows[-1], workers() + 1)).clip(0, len(parts))
    counts, left_out = (np.zeros((workers(), segments), np.int64) for _ in range(2))

    def count(worker: int) -> None:
        for part in parts[cuts[worker]:cuts[worker + 1]]:
            _count(part.codes, part.ms, place, part.side, counts[worker], left_out[worker])

    in_threads(count)
    starts = np.zeros(segments + 1, np.int64)
    np.cumsum(counts.sum(axis=0), out=starts[1:])
    cursors = starts[:-1] + np.cumsum(counts, axis=0) - counts
    ms, trace = np.empty(starts[-1]), np.empty(starts[-1], np.uint32)

    def lay(worker: int) -> None:
        for number in range(cuts[worker], cuts[worker + 1]):
            part, traces = parts[number], firsts[begins[number]:begins[number + 1]]
            _lay(part.codes, part.ms, part.traces, traces, place, part.side, cursors[worker], ms, trace)

    in_threads(lay)
    dropped = left_out.sum(axis=0)
    for part in sides.further_open:
        np.subtract.at(dropped, 2 * place[part.codes] + part.side, 1)
    return Laid(ms, trace, starts, dropped)


def first_places(words: Words) -> Numbers:
    """For each word the first place at which it stands, on all cores; `_ALONE` is alone wherever it stands."""
    firsts = np.empty(len(words), np.uint32)
    shares = workers()

    def find(share: int) -> None:
        size = 1 << max(2 * _share_size(words, share, shares), 256).bit_length()
        _first_places(words, share, shares, np.zeros(size, np.uint64), firsts)  # NumPy asks for huge pages, Numba not

    in_threads(find)
    return firsts


def _milliseconds(frame: pl.DataFrame) -> tuple[Floats, bool]:
    """Milliseconds, infinite while open, NaN where left out; and whether some without a duration are not said open."""
    took = frame["duration_ms"].to_numpy()  # a null is NaN
    states, of_state = numbered_words(frame["state"], _KIND_OF_STATE)
    ms = np.empty(len(took))
    return ms, bool(_judge(took, states, of_state, ms)) and frame["duration_ms"].null_count() > 0


def _traces(ids: pl.Series) -> tuple[Codes, Words]:
    """The trace of each row as a number of this batch, and 64 bits for each number."""
    words = words_of(ids)
    if words is None:
        words = ids.hash().to_numpy()
    nulls = ids.is_null().to_numpy() if ids.null_count() else np.zeros(0, np.bool_)
    numbers, firsts = np.empty(len(ids), np.int32), np.empty(len(ids), np.int32)
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
    words: Words, width: int, nulls: NDArray[np.bool_], slots: Words, numbers: Codes, firsts: Codes
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
def _share_size(words: Words, share: int, shares: int) -> int:
    mine = 0
    for i in range(words.shape[0]):
        mine += _share(words[i], shares) == share
    return mine


@lean
def _first_places(words: Words, share: int, shares: int, slots: Words, firsts: Numbers) -> None:
    """`first_places` of one share of the words: each worker has a table of its own, and none waits for another.

    A slot holds the upper half of a word and, beside it, one more than its place: it is half as large as with all of
    the word, and the word itself is looked at only where the upper half is the same.
    """
    mask = np.uint64(slots.shape[0] - 1)
    shift = np.uint64(64)
    while mask >> (np.uint64(64) - shift) != 0:
        shift -= np.uint64(1)
    for i in range(words.shape[0]):
        word = words[i]
        if _share(word, shares) != share:
            continue
        if word == _ALONE:
            firsts[i] = i
            continue
        mixed = _mixed(word)
        slot = mixed >> shift
        tag = word & _UPPER
        while True:
            held = slots[slot]
            if held == 0:
                slots[slot] = tag | np.uint64(i + 1)
                firsts[i] = i
                break
            if held & _UPPER == tag and words[(held & _LOWER) - np.uint64(1)] == word:
                firsts[i] = (held & _LOWER) - np.uint64(1)
                break
            slot = (slot + np.uint64(1)) & mask


@njit(nogil=True, cache=True, inline="always")
def _mixed(word: np.uint64) -> np.uint64:
    return (word ^ (word >> np.uint64(32))) * _ODD


@njit(nogil=True, cache=True, inline="always")
def _share(word: np.uint64, shares: int) -> int:
    return np.int64((_mixed(word) >> np.uint64(20)) & np.uint64(0xFFFF)) % shares


@lean
def _count(codes: Codes, ms: Floats, place: Codes, side: int, counts: Counts, left_out: Counts) -> None:
    for i in range(codes.shape[0]):
        segment = np.uint64(2 * place[np.uint64(codes[i])] + side)
        if ms[i] >= 0:
            counts[segment] += 1
        else:
            left_out[segment] += 1


@lean
def _lay(
    codes: Codes, ms: Floats, traces: Codes, numbers: Numbers, place: Codes, side: int, cursors: Counts,
    ms_out: Floats, trace_out: Numbers,
) -> None:  # fmt: skip
    for i in range(codes.shape[0]):
        if ms[i] >= 0:
            segment = np.uint64(2 * place[np.uint64(codes[i])] + side)
            to = np.uint64(cursors[segment])
            cursors[segment] += 1
            ms_out[to] = ms[i]
            trace_out[to] = numbers[np.uint64(traces[i])]
