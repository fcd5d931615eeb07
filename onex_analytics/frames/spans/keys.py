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
from numba import njit
from numpy.typing import NDArray

from onex_analytics.frames.spans.grouping import combined_key, spread_key
from onex_analytics.frames.spans.pairing import END, NODE, PROFILE, PROFILED, REQUEST, START, TELEMETRY, Rows
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
_LONGEST_MS = 1e12


class Events(NamedTuple):
    """The events that take part, as numbers, and where each stands in the frame."""

    rows: Rows
    place: NDArray[np.uint32]
    family: NDArray[np.uint8]        # a place in `FAMILIES`
    pool: NDArray[np.uint64]         # node and family: where the order decides


def numbered(events: pl.DataFrame, threads: int = 1) -> Events:
    """The arrays that pairing works on, of the events that begin, end or profile something."""
    read: dict[str, Callable[[], NDArray[np.generic]]] = {
        "family": lambda: _coded(events["family"], FAMILIES, _OTHER_FAMILY),
        "outcome": lambda: _coded(events["outcome"], OUTCOMES, _NO_OUTCOME),
        "time": lambda: _microseconds(events["timestamp"]),
        "took": lambda: _took(events["execution_time_ms"]),
        "input": lambda: _unsigned(events["input_hash"]),
        "trace": lambda: hashed(events["trace_id"] if _has_span_ids(events) else events["span_id"]),
    }  # fmt: skip
    for name in ("correlation_id", "node", "operation", "span_id"):
        read[name] = lambda name=name: hashed(events[name])  # type: ignore[misc]
    found: dict[str, NDArray[Any]] = {}

    def keep(name: str) -> None:
        found[name] = read[name]()

    in_threads(keep, list(read), threads)
    role = _ROLES[found["outcome"]]
    role[(found["family"] == _PROFILE_FAMILY) & (role == 255)] = PROFILE
    place = np.flatnonzero(role != 255).astype(np.uint32)
    n = place.size
    out = Events(
        Rows(
            np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty(n, np.int64), role[place],
            np.empty(n, np.uint8), np.empty(n, np.bool_), np.empty(n, np.uint64), np.empty(n, np.uint64),
            np.empty(n, np.int64), np.empty(n, np.uint8),
        ),
        place, np.empty(n, np.uint8), np.empty(n, np.uint64),
    )  # fmt: skip
    given = (
        found["correlation_id"], found["node"], found["operation"], found["span_id"], found["trace"], found["input"],
        found["time"], found["took"], found["family"], found["outcome"],
    )  # fmt: skip
    cuts = np.linspace(0, n, threads + 1).astype(np.int64)

    def fill(part: int) -> None:
        _fill(place, *given, _KINDS, _SEVERITY, cuts[part], cuts[part + 1], out.rows, out.family, out.pool)

    in_threads(fill, list(range(threads)), threads)
    return out


@njit(nogil=True, cache=True)
def _fill(  # type: ignore[no-untyped-def]
    place, correlations, nodes, operations, spans, traces, inputs, times, tooks, families, outcomes, kinds, severities,
    begin, end, rows, family, pool,
):
    """The keys of some events; see `building` for which events have one in common."""
    for at in range(begin, end):
        i = place[at]
        family[at] = families[i]
        family_key = np.uint64(families[i]) + np.uint64(1)
        kind = kinds[families[i]]
        correlation = correlations[i]
        if correlation == 0 and spans[i] != 0:
            correlation = combined_key(traces[i], spans[i])
        correlated = correlation != 0
        exact = combined_key(combined_key(operations[i], spans[i]), combined_key(inputs[i], family_key))
        pool[at] = combined_key(nodes[i], family_key)
        if correlated:
            whose = family_key if kind == REQUEST else nodes[i]
            rows.key[at] = spread_key(combined_key(correlation, whose))
        else:
            rows.key[at] = spread_key(combined_key(pool[at], exact))
        rows.exact[at] = exact
        rows.time[at] = times[i]
        rows.family[at] = kind
        rows.correlated[at] = correlated
        rows.operation[at] = operations[i]
        rows.span[at] = spans[i]
        rows.took[at] = tooks[i]
        rows.severity[at] = 1 if rows.role[at] == PROFILE else severities[outcomes[i]]


def _has_span_ids(events: pl.DataFrame) -> bool:
    return events["span_id"].null_count() < events.height


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


def usable_ms(name: str = "execution_time_ms") -> pl.Expr:
    """A duration that one can reckon with: not negative, not NaN, below 30 years; else null."""
    column = pl.col(name)
    return pl.when((column >= 0) & (column < _LONGEST_MS)).then(column)


def _took(column: pl.Series) -> NDArray[np.int64]:
    if column.null_count() == len(column):
        return np.full(len(column), -1, np.int64)
    frame = column.to_frame("execution_time_ms")
    return frame.select((usable_ms() * 1000).round().cast(pl.Int64).fill_null(-1)).to_series().to_numpy(writable=True)


def _microseconds(column: pl.Series) -> NDArray[np.int64]:
    numbers = column.cast(pl.Int64)
    return numbers.fill_null(np.iinfo(np.int64).min).to_numpy() if numbers.null_count() else numbers.to_numpy()


def _unsigned(column: pl.Series) -> NDArray[np.uint64]:
    return column.cast(pl.UInt64).fill_null(0).to_numpy()


def _coded(column: pl.Series, words: tuple[str, ...], other: int) -> NDArray[np.uint8]:
    places = column.cast(pl.Enum(words), strict=False).to_physical()
    return places.cast(pl.UInt8).fill_null(other).to_numpy()
