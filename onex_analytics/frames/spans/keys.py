"""What events have in common, as numbers: the arrays that pairing works on.

Ids become 64-bit hashes within one call, where they only tell equal from unequal: nothing that is decided, ordered or
kept depends on them. Two of ten million ids share a hash with a chance of 3 in a million.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.spans.grouping import combined, spread
from onex_analytics.frames.spans.pairing import END, NODE, PROFILE, PROFILED, REQUEST, START, TELEMETRY, Rows
from onex_analytics.model.event_types import FAMILIES, OUTCOMES

PAIRING_COLUMNS = (
    "event_id", "timestamp", "family", "outcome", "node", "correlation_id", "trace_id", "operation",
    "execution_time_ms", "span_id", "input_hash",
)  # fmt: skip
"""What pairing reads of an event."""

_ROLES = np.array([{"start": START, "other": 255}.get(outcome, END) for outcome in OUTCOMES], np.uint8)
_KINDS = np.array(
    [{"node": NODE, "telemetry": TELEMETRY, "profile": PROFILED}.get(family, REQUEST) for family in FAMILIES] + [REQUEST],
    np.uint8,
)
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


def numbered(events: pl.DataFrame) -> Events:
    """The arrays that pairing works on, of the events that begin, end or profile something."""
    family = _coded(events["family"], FAMILIES, _OTHER_FAMILY)
    outcome = _coded(events["outcome"], OUTCOMES, _NO_OUTCOME)
    role = _ROLES[outcome]
    role[(family == _PROFILE_FAMILY) & (role == 255)] = PROFILE
    place = np.flatnonzero(role != 255).astype(np.uint32)
    everything = place.size == events.height

    def taken(array: NDArray[np.generic]) -> NDArray[np.generic]:
        return array if everything else array[place]

    role, family, severity = taken(role), taken(family), taken(_SEVERITY[outcome])
    severity[role == PROFILE] = 1
    hashes = {name: taken(hashed(events[name])) for name in ("correlation_id", "node", "operation", "span_id")}
    given_input = taken(_unsigned(events["input_hash"]))
    correlation, span = hashes["correlation_id"], hashes["span_id"]
    if span.any():
        trace = taken(hashed(events["trace_id"]))
        correlation = np.where((correlation == 0) & (span != 0), combined(trace, span), correlation)
    correlated = correlation != 0
    kind = _KINDS[family]
    family_key = family.astype(np.uint64) + np.uint64(1)
    is_request = kind == REQUEST
    pool = combined(hashes["node"], family_key)
    exact = combined(combined(hashes["operation"], span), combined(given_input, family_key))
    whose = np.where(is_request, family_key, hashes["node"])
    key = spread(np.where(correlated, combined(correlation, whose), combined(pool, exact)))
    rows = Rows(
        key, exact, taken(_microseconds(events["timestamp"])), role, kind, correlated, hashes["operation"], span,
        taken(_took(events["execution_time_ms"])), severity,
    )  # fmt: skip
    return Events(rows, place, family, pool)


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
