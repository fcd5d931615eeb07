"""What events have in common, as numbers: the arrays that pairing works on.

Ids become 64-bit hashes within one call, where they only tell equal from unequal: nothing that is decided, ordered or
kept depends on them. Two of ten million ids share a hash with a chance of 3 in a million.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.spans.grouping import combined_key, spread_key
from onex_analytics.frames.spans.pairing import END, NO_TIME, NODE, PROFILE, PROFILED, REQUEST, START, TELEMETRY, Rows
from onex_analytics.frames.spans.telling import LONGEST_MS
from onex_analytics.machine import lean
from onex_analytics.model.event_types import FAMILIES, OUTCOMES

PAIRING_COLUMNS = (
    "event_id", "timestamp", "family", "outcome", "node", "correlation_id", "trace_id", "operation",
    "execution_time_ms", "span_id", "input_hash",
)  # fmt: skip
"""What pairing reads of an event."""

_ROLES = np.array([{"start": START, "other": 255}.get(outcome, END) for outcome in OUTCOMES], np.uint8)
_KIND_OF = {"node": NODE, "telemetry": TELEMETRY, "profile": PROFILED}
_KINDS = np.array([_KIND_OF.get(family, REQUEST) for family in (*FAMILIES, "other")], np.uint8)
_SEVERITY = np.array([("start", "success", "soft_failure", "failure", "other").index(o) for o in OUTCOMES], np.uint8)
_PROFILE_FAMILY, _OTHER_FAMILY = FAMILIES.index("profile"), len(FAMILIES)
_NO_OUTCOME = OUTCOMES.index("other")
_NO_ROLE = 255
_SLICE = 1 << 16
_ALONE = np.uint64(0x5851F42D4C957F2D)
_HASHED = ("correlation_id", "node", "operation", "span_id", "trace_id")
_NUMBERS = ("input_hash", "timestamp", "execution_time_ms")


class Events(NamedTuple):
    """The events that take part, as numbers, and where each stands in the frame."""

    rows: Rows
    place: NDArray[np.uint32]
    family: NDArray[np.uint8]        # a place in `FAMILIES`
    measured_ms: NDArray[np.float64]  # NaN for none


def numbered(events: pl.DataFrame, threads: int = 1) -> Events:
    """The arrays that pairing works on, of the events that begin, end or profile something.

    Slice by slice, so that what Polars makes on the way is small and stays in the cache: memory that is touched for the
    first time costs more than what is written there.
    """
    families, outcomes = _coded(events, threads)
    role = np.empty(events.height, np.uint8)
    place = np.empty(events.height + 1, np.uint32)
    n = _taking_part(families, outcomes, _ROLES, place, role)
    out = Events(
        Rows(
            np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty(n, np.int64), role[:n],
            np.empty(n, np.uint8), np.empty(n, np.bool_), np.empty(n, np.uint64), np.zeros(n, np.uint64),
            np.empty(n, np.int64), np.empty(n, np.uint8),
        ),
        place[:n], np.empty(n, np.uint8), np.empty(n, np.float64),
    )  # fmt: skip
    begins = range(0, events.height, _SLICE)
    cuts = [*np.searchsorted(out.place, np.array(begins, np.uint32)).tolist(), n]
    null_hash = np.uint64(pl.Series([None], dtype=pl.String).hash()[0])
    nothing = frozen(np.full(min(events.height, _SLICE), null_hash, np.uint64))
    hashed_ones = [name for name in _HASHED if events[name].null_count() < events.height]
    asked = [
        *(pl.col(name).hash() for name in hashed_ones),
        pl.col("input_hash").cast(pl.UInt64).fill_null(0),
        pl.col("timestamp").cast(pl.Int64).fill_null(NO_TIME),
        pl.col("execution_time_ms").cast(pl.Float64).fill_null(float("nan")),
    ]

    def fill(number: int) -> None:
        begin, first, stop = begins[number], cuts[number], cuts[number + 1]
        if first == stop:
            return
        part = events.slice(begin, _SLICE).select(asked)
        given = [frozen(part[name].to_numpy()) if name in part.columns else nothing for name in (*_HASHED, *_NUMBERS)]
        _fill(
            out.place, begin, *given, families, outcomes, _KINDS, _SEVERITY, null_hash, first, stop,
            *out.rows, out.family, out.measured_ms,
        )  # fmt: skip

    in_threads(fill, range(len(begins)), threads)
    return out


def _coded(events: pl.DataFrame, threads: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The codes of families and outcomes."""
    families, outcomes = np.empty(events.height, np.uint8), np.empty(events.height, np.uint8)
    family_hashes, outcome_hashes = (pl.Series(words).hash().to_numpy() for words in (FAMILIES, OUTCOMES))

    def code(begin: int) -> None:
        part = events.slice(begin, _SLICE).select(pl.col("family", "outcome").hash())
        end = begin + part.height
        _code(frozen(part["family"].to_numpy()), family_hashes, _OTHER_FAMILY, families[begin:end])
        _code(frozen(part["outcome"].to_numpy()), outcome_hashes, _NO_OUTCOME, outcomes[begin:end])

    in_threads(code, range(0, events.height, _SLICE), threads)
    return frozen(families), frozen(outcomes)


@lean
def _code(hashes, words, other, out):  # type: ignore[no-untyped-def]
    """The place of each word among some words, all of them told apart by their hashes."""
    for at in range(hashes.size):
        found = other
        for place in range(words.size):
            if hashes[at] == words[place]:
                found = place
                break
        out[at] = found


@lean
def _taking_part(families, outcomes, roles, place, role):  # type: ignore[no-untyped-def]
    """How many events begin, end or profile something; their places and roles."""
    count = 0
    for i in range(families.size):
        found = roles[outcomes[i]]
        if found == _NO_ROLE:
            if families[i] != _PROFILE_FAMILY:
                continue
            found = np.uint8(PROFILE)
        place[count] = i
        role[count] = found
        count += 1
    return count


@lean
def _fill(  # type: ignore[no-untyped-def]
    place, offset, correlations, nodes, operations, spans, traces, inputs, times, measured_ms, families, outcomes,
    kinds, severities, null, begin, end, key, exact, time, role, kind_of, correlated, operation, span, took, severity,
    family, told_ms,
):
    """The keys of some events, from columns of the events from `offset` on; see `building` for those that share one."""
    for at in range(begin, end):
        event = place[at]
        i = event - offset
        family[at] = families[event]
        family_key = np.uint64(families[event]) + np.uint64(1)
        kind = kinds[families[event]]
        node, said, given = _id(nodes[i], null), _id(operations[i], null), _id(spans[i], null)
        correlation = _id(correlations[i], null)
        if correlation == 0 and given != 0:
            correlation = combined_key(_id(traces[i], null), given)
        alike = combined_key(combined_key(said, given), combined_key(inputs[i], family_key))
        if correlation != 0:
            key[at] = spread_key(combined_key(correlation, family_key if kind == REQUEST else node))
        elif inputs[i] != 0:
            trace = combined_key(_id(traces[i], null), family_key)
            key[at] = spread_key(combined_key(combined_key(node, trace), alike))
        else:  # nothing says what belongs together: a key of its own, until the order is looked at
            key[at] = spread_key(combined_key(np.uint64(event) + np.uint64(1), _ALONE))
        exact[at] = alike
        time[at] = times[i]
        kind_of[at] = kind
        correlated[at] = correlation != 0
        operation[at] = said
        if given != 0:  # memory that is zero and hardly touched costs nothing
            span[at] = given
        ms = measured_ms[i]
        told_ms[at] = ms
        took[at] = np.int64(np.rint(ms * 1000)) if ms >= 0 and ms < LONGEST_MS else -1
        severity[at] = 1 if role[at] == PROFILE else severities[outcomes[event]]


@lean
def _id(found, null):  # type: ignore[no-untyped-def]
    return np.uint64(0) if found == null else found


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """The array, not to be written to: whether it came as a copy or not, kernels are compiled for one type."""
    array.flags.writeable = False
    return array


def in_threads(work: Callable[[Any], None], items: Sequence[Any], threads: int) -> None:
    """Do something with each of some items, several at a time where threads are given."""
    if threads == 1 or len(items) < 2:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, items))


def hashed(ids: pl.Series) -> NDArray[np.uint64]:
    """A hash for each id, the same for the same text in any column; 0 for null."""
    if ids.null_count() == len(ids):
        return np.zeros(len(ids), np.uint64)
    out = ids.hash().to_numpy(writable=True)
    if ids.null_count():
        out[ids.is_null().to_numpy()] = 0
    return out

