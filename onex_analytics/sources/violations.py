"""Which rules of the specification each event breaks: `model.validation`, for a whole block at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.model.event_types import OnexEventType
from onex_analytics.model.rules import (
    ALSO_SPELLED,
    METADATA_MAX_BYTES,
    REQUIRED_METADATA,
    STATE_MAX_BYTES,
    STATE_MAX_DEPTH,
    STATES,
)  # fmt: skip
from onex_analytics.sources.identifiers import are_uuids
from onex_analytics.sources.numbers import IS_NUMBER, IS_TEXT, IS_WRONG
from onex_analytics.sources.paths import PathTable
from onex_analytics.sources.scan import ABSENT, ESCAPED, FALSE, NULL, OBJECT, STRING, TRUE, Scan
from onex_analytics.sources.spans import slot_spans

Mask = NDArray[np.bool_]
_KNOWN_TYPES = frozenset(OnexEventType.__members__)
_REQUIRED_KEYS = tuple(dict.fromkeys(key for keys in REQUIRED_METADATA.values() for key in keys))


class Number(NamedTuple):
    """One number field of the metadata, as it was spelled."""

    name: str
    values: NDArray[np.float64]
    states: NDArray[np.uint8]


class Violations(NamedTuple):
    """The column, and how it is made up: a code a line, and the lists by code (one of them empty)."""

    column: pl.Series | pl.Expr
    codes: NDArray[np.intp]
    lists: list[list[str]]


def violation_column(
    buffer: NDArray[np.uint8], found: Scan, paths: PathTable, types: tuple[NDArray[np.int32], list[str]],
    numbers: list[Number], odd_version: Mask,
) -> Violations:  # fmt: skip
    """The column `violations` of a block.

    Args:
        types: codes of the event types, and the types by code.
        numbers: the number fields that the block has.
        odd_version: rows whose schema version is none.
    """
    kind, used = found.kind, found.used
    codes, names = types
    checks: list[tuple[str, Mask]] = []

    def check(words: str, mask: Mask) -> None:
        if mask.any():
            checks.append((words, mask))

    for name in ("event_id", "correlation_id"):
        spans = slot_spans(found, paths[name])
        if used[paths[name]]:
            check(f"{name}: not a UUID", (spans.kind > NULL) & ~are_uuids(buffer, spans))
    check("event_type: unknown", _of_types(codes, [t not in _KNOWN_TYPES for t in names]))
    check("schema_version: not a version", odd_version)
    metadata = kind[paths["metadata"]]
    usable = (metadata == ABSENT) | (metadata == NULL) | (metadata == OBJECT)
    check("metadata: not an object", ~usable)
    for key in _REQUIRED_KEYS:
        asked = _of_types(codes, [key in REQUIRED_METADATA.get(t, ()) for t in names])
        for spelling in (key, *ALSO_SPELLED.get(key, ())):
            asked &= kind[paths[f"metadata.{spelling}"]] <= NULL
        check(f"metadata.{key}: missing", asked & usable)
    for number in numbers:
        check(f"metadata.{number.name}: not a number", number.states == IS_WRONG)
    for number in numbers:
        check(f"metadata.{number.name}: a number as text", number.states == IS_TEXT)
    for number in numbers:
        stands = (number.states == IS_NUMBER) | (number.states == IS_TEXT)
        with np.errstate(invalid="ignore"):
            check(f"metadata.{number.name}: negative", stands & (number.values < 0))
    success = kind[paths["metadata.success"]]
    check("metadata.success: not a boolean", (success > NULL) & (success != TRUE) & (success != FALSE))
    for state in STATES:
        check(f"metadata.{state}: over 100 KB", _sizes(found, paths[f"metadata.{state}"]) > STATE_MAX_BYTES)
    for i, state in enumerate(STATES):
        contains = kind[paths[f"metadata.{state}"]] >= OBJECT
        check(f"metadata.{state}: deeper than 10", contains & (found.depth[i] > STATE_MAX_DEPTH))
    check("metadata: over 1 MiB", _sizes(found, paths["metadata"]) >= METADATA_MAX_BYTES)
    return _as_lists(checks, codes.size)


def _of_types(codes: NDArray[np.int32], flags: list[bool]) -> Mask:
    return np.array([*flags, False], np.bool_).take(codes, mode="wrap")


def _sizes(found: Scan, slot: int) -> NDArray[np.int32]:
    """Bytes of the JSON text of a slot; 0 where it is absent or null."""
    kind = found.kind[slot]
    quotes = 2 * ((kind == STRING) | (kind == ESCAPED))
    return np.where(kind > NULL, found.length[slot] + quotes, 0)


def _as_lists(checks: list[tuple[str, Mask]], lines: int) -> Violations:
    """Lists of the words whose mask is true. Few combinations occur, so each is made once."""
    if not checks:
        return Violations(pl.lit([], dtype=pl.List(pl.String)), np.zeros(lines, np.intp), [[]])
    bits = np.zeros(lines, np.uint64)
    for i, (_, mask) in enumerate(checks):
        bits |= mask.astype(np.uint64) << np.uint64(i)
    rows = np.flatnonzero(bits)
    distinct, few = np.unique(bits[rows], return_inverse=True)
    codes = np.zeros(lines, np.intp)
    codes[rows] = few + 1
    distinct = np.concatenate([[np.uint64(0)], distinct])
    lists = [[words for i, (words, _) in enumerate(checks) if (int(b) >> i) & 1] for b in distinct]
    column = pl.Series("violations", lists, dtype=pl.List(pl.String)).gather(codes)
    return Violations(column, codes, lists)
