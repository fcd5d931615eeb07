"""What of some spans can be measured, group by group: the numbers behind the latency tables.

A span is measured where it has ended and its duration is a number that is not negative. What is left out is counted:
open spans, negative durations, and what is unmeasured (no duration, one that is not finite, or a second start or end
of work that was told of already). Every row is one of the four.

Rows stream through: of each batch only a group number, a duration and a kind are kept, 13 bytes a span, and a weight
where one is not 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.grouping import Codes, Grouping, distinct, in_threads, streamed, uniform, workers
from onex_analytics.frames.selection import Counts, Values
from onex_analytics.machine import lean

Kinds = NDArray[np.uint8]

READS = ("duration_ms", "state", "status", "adjusted_count")

_ENDED, _STILL_OPEN, _BACKWARDS, _TOLD_ALREADY = range(4)
_KIND_OF_STATE: dict[str | None, int] = {
    "open": _STILL_OPEN, "negative_duration": _BACKWARDS,
    "duplicate_start": _TOLD_ALREADY, "duplicate_end": _TOLD_ALREADY,
}  # fmt: skip
_MEASURED, _ERROR, _OPEN, _NEGATIVE, _UNMEASURED = range(5)
_ONE = (1.0, None)
_MOST_GROUPS_TWICE = 1 << 18


@dataclass(frozen=True, slots=True)
class Part:
    """Some spans: group, duration, kind, and weight (None where each is 1)."""

    codes: Codes
    values: Values
    kinds: Kinds
    weights: Values | None


@dataclass(frozen=True, slots=True)
class Measurement:
    """Spans as numbers, in no order."""

    grouping: Grouping
    parts: list[Part] = field(default_factory=list)

    @property
    def codes(self) -> list[Codes]:
        return [part.codes for part in self.parts]

    @property
    def values(self) -> list[Values]:
        return [part.values for part in self.parts]

    @property
    def weights(self) -> list[Values] | None:
        """The weights of all, None where all are 1."""
        if all(part.weights is None for part in self.parts):
            return None
        return [np.ones(len(part.codes)) if part.weights is None else part.weights for part in self.parts]


@dataclass(frozen=True, slots=True)
class Tally:
    """Per group. The measured ones: `n`, and weighed: `weight`, `weighted_errors`, `mean`, `std`; `least`, `most`."""

    n: Counts
    errors: Counts
    open: Counts
    negative: Counts
    unmeasured: Counts
    weight: Values
    weighted_errors: Values
    mean: Values
    std: Values
    least: Values
    most: Values


def measured(spans: pl.LazyFrame, by: Iterable[str]) -> Measurement:
    """The spans as numbers; reads the columns of `by` and `READS`, batch by batch, on all cores."""
    keys = list(by)
    measurement = Measurement(Grouping(keys))
    columns = list(dict.fromkeys([*keys, *READS]))
    streamed(spans.select(columns), lambda frame: measurement.parts.append(_part(frame, measurement.grouping)))
    return measurement


def tallied(measurement: Measurement) -> Tally:
    """Count and add up each group; from then on the codes of spans that are not measured are −1."""
    size = max((int(part.codes.max()) + 1 for part in measurement.parts), default=0)
    tellers = 1 if size > _MOST_GROUPS_TWICE else max(min(workers(), len(measurement.parts)), 1)
    counts = np.zeros((tellers, size, 5), np.int64)
    sums = np.zeros((tellers, size, 5))
    sums[:, :, 3], sums[:, :, 4] = np.inf, -np.inf
    ones = np.ones(0)
    queue = iter(measurement.parts)

    def count(teller: int) -> None:
        for part in queue:
            weights = ones if part.weights is None else part.weights
            _count(part.codes, part.values, part.kinds, weights, counts[teller], sums[teller])

    in_threads(count, tellers)
    total, (weight, weighted_errors, added) = counts.sum(axis=0), sums.sum(axis=0)[:, :3].T
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = added / weight
    squares = np.zeros((tellers, size, 2))
    again = iter(measurement.parts)

    def spread(teller: int) -> None:
        for part in again:
            weights = ones if part.weights is None else part.weights
            _spread(part.codes, part.values, weights, mean, squares[teller])

    in_threads(spread, tellers)
    off, square = squares.sum(axis=0).T
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = mean + off / weight  # what rounding lost in the first pass
        variance = (square - off * off / weight) / (weight - 1)
    n, errors, still_open, negative, unmeasured = total.T
    least, most = sums[:, :, 3].min(axis=0, initial=np.inf), sums[:, :, 4].max(axis=0, initial=-np.inf)
    std = np.sqrt(np.where(weight > 1, variance.clip(0), np.nan))
    return Tally(n, errors, still_open, negative, unmeasured, weight, weighted_errors, mean, std, least, most)


def _part(frame: pl.DataFrame, grouping: Grouping) -> Part:
    durations = frame["duration_ms"].to_numpy()  # a null is NaN
    kinds = np.empty(len(durations), np.uint8)
    states, statuses = numbered_words(frame["state"], _KIND_OF_STATE), numbered_words(frame["status"], {"error": 1})
    _judge(durations, *states, *statuses, kinds)
    return Part(grouping.codes(frame), durations, kinds, weights_of(frame))


def without_unended(codes: Codes, frame: pl.DataFrame) -> Codes:
    """The codes, in place −1 where the span is open, or was told of already; reads `state`."""
    states, of_state = numbered_words(frame["state"], _KIND_OF_STATE)
    left_out = (of_state == _STILL_OPEN) | (of_state == _TOLD_ALREADY)
    if not len(states) and left_out[0]:
        codes[:] = -1
    elif len(states) and left_out.any():
        _leave_out(codes, states, left_out)
    return codes


def weights_of(frame: pl.DataFrame) -> Values | None:
    """What the spans stand for, None where all stand for one; an `adjusted_count` that says nothing is 1, a negative
    one is 0."""
    counts = frame["adjusted_count"]
    if counts.min() in _ONE and counts.max() in _ONE:
        return None
    return counts.fill_null(1.0).fill_nan(1.0).clip(0.0).to_numpy()


def numbered_words(words: pl.Series, meaning: Mapping[str | None, int]) -> tuple[Codes, Kinds]:
    """The words as numbers, and what each number means, 0 for a word without meaning; no numbers where all are one."""
    if uniform(words):
        return np.zeros(0, np.int32), np.array([meaning.get(words[0], 0)], np.uint8)
    if (found := distinct(words)) is None:
        told = {word: number for word, number in meaning.items() if word is not None}
        numbers = words.replace_strict(told, default=0, return_dtype=pl.Int32)
        numbers = numbers.zip_with(words.is_not_null(), pl.Series([meaning.get(None, 0)], dtype=pl.Int32)).to_numpy()
        return numbers, np.arange(max(meaning.values()) + 1, dtype=np.uint8)
    codes, firsts = found
    return codes, np.array([meaning.get(word, 0) for word in words[firsts]], np.uint8)


@lean
def _judge(
    values: Values, states: Codes, of_state: Kinds, statuses: Codes, of_status: Kinds, kinds: Kinds
) -> None:
    some_states, some_statuses = states.shape[0] > 0, statuses.shape[0] > 0
    for i in range(kinds.shape[0]):
        state = of_state[states[i] if some_states else 0]
        value = values[i]
        kind = np.uint8(_MEASURED)
        if state == _STILL_OPEN:
            kind = np.uint8(_OPEN)
        elif state == _TOLD_ALREADY:
            kind = np.uint8(_UNMEASURED)
        elif value < 0:
            kind = np.uint8(_NEGATIVE)
        elif not value < np.inf:
            kind = np.uint8(_NEGATIVE) if state == _BACKWARDS else np.uint8(_UNMEASURED)
        elif of_status[statuses[i] if some_statuses else 0] == 1:
            kind = np.uint8(_ERROR)
        kinds[i] = kind


@lean
def _leave_out(codes: Codes, states: Codes, left_out: NDArray[np.bool_]) -> None:
    for i in range(codes.shape[0]):
        if left_out[states[i]]:
            codes[i] = -1


@lean
def _count(
    codes: Codes, values: Values, kinds: Kinds, weights: Values, counts: NDArray[np.int64], sums: Values
) -> None:
    weighed = weights.shape[0] > 0
    for i in range(codes.shape[0]):
        code = codes[i]
        kind = kinds[i]
        if kind > _ERROR:
            counts[code, kind] += 1
            codes[i] = -1
            continue
        value = values[i]
        weight = weights[i] if weighed else 1.0
        counts[code, 0] += 1
        sums[code, 0] += weight
        sums[code, 2] += weight * value
        if kind == _ERROR:
            counts[code, 1] += 1
            sums[code, 1] += weight
        if value < sums[code, 3]:
            sums[code, 3] = value
        if value > sums[code, 4]:
            sums[code, 4] = value


@lean
def _spread(codes: Codes, values: Values, weights: Values, mean: Values, squares: Values) -> None:
    weighed = weights.shape[0] > 0
    for i in range(codes.shape[0]):
        if codes[i] >= 0:
            off = values[i] - mean[codes[i]]
            weight = weights[i] if weighed else 1.0
            squares[codes[i], 0] += weight * off
            squares[codes[i], 1] += weight * off * off
