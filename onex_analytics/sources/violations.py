"""Which rules of the specification each event breaks: `model.validation`, for a whole block at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.model.event_types import OnexEventType
from onex_analytics.model.rules import METADATA_MAX_BYTES, REQUIRED_METADATA, STATE_MAX_BYTES, STATE_MAX_DEPTH
from onex_analytics.sources.columns import IS_NUMBER, IS_TEXT, IS_WRONG, are_uuids, slot_spans
from onex_analytics.sources.paths import PathTable
from onex_analytics.sources.scan import ABSENT, FALSE, NULL, OBJECT, TRUE, Scan

Mask = NDArray[np.bool_]
_KNOWN_TYPES = frozenset(OnexEventType.__members__)
_STATES = ("input_state", "output_state")


class Number(NamedTuple):
    """One number field of the metadata, as it was spelled."""

    name: str
    values: NDArray[np.float64]
    states: NDArray[np.uint8]


def violation_column(
    buffer: NDArray[np.uint8], found: Scan, paths: PathTable, types: tuple[NDArray[np.int32], list[str]],
    numbers: list[Number], odd_version: Mask,
) -> tuple[pl.Series | pl.Expr, Mask]:
    """The column `violations`, and the rows that have any.

    Args:
        types: codes of the event types, and the types by code.
        numbers: the number fields that the block has.
        odd_version: rows whose schema version is none.
    """
    kind, length = found.kind, found.length
    codes, names = types
    checks: list[tuple[str, Mask]] = []

    def check(words: str, mask: Mask) -> None:
        if mask.any():
            checks.append((words, mask))

    for name in ("event_id", "correlation_id"):
        spans = slot_spans(found, paths[name])
        check(f"{name}: not a UUID", (spans.kind > NULL) & ~are_uuids(buffer, spans))
    check("event_type: unknown", np.isin(codes, [i for i, t in enumerate(names) if t not in _KNOWN_TYPES]))
    check("schema_version: not a version", odd_version)
    metadata = kind[paths["metadata"]]
    usable = (metadata == ABSENT) | (metadata == NULL) | (metadata == OBJECT)
    check("metadata: not an object", ~usable)
    present = {key: kind[paths[f"metadata.{key}"]] > NULL for key in {k for keys in REQUIRED_METADATA.values() for k in keys}}
    if "execution_time_ms" in present:
        present["execution_time_ms"] = present["execution_time_ms"] | (kind[paths["metadata.duration_ms"]] > NULL)
    missing: dict[str, Mask] = {}
    for code, event_type in enumerate(names):
        required = REQUIRED_METADATA.get(event_type, ())
        mine = (codes == code) & usable if required else None
        for key in required:
            mask = mine & ~present[key]
            missing[key] = missing[key] | mask if key in missing else mask
    for keys in REQUIRED_METADATA.values():
        for key in keys:
            if key in missing:
                check(f"metadata.{key}: missing", missing.pop(key))
    for number in numbers:
        check(f"metadata.{number.name}: not a number", number.states == IS_WRONG)
    for number in numbers:
        check(f"metadata.{number.name}: a number as text", number.states == IS_TEXT)
    for number in numbers:
        stands = (number.states == IS_NUMBER) | (number.states == IS_TEXT)
        check(f"metadata.{number.name}: negative", stands & (np.nan_to_num(number.values) < 0))
    success = kind[paths["metadata.success"]]
    check("metadata.success: not a boolean", (success > NULL) & (success != TRUE) & (success != FALSE))
    for state in _STATES:
        slot = paths[f"metadata.{state}"]
        check(f"metadata.{state}: over 100 KB", (kind[slot] > NULL) & (length[slot] > STATE_MAX_BYTES))
    for i, state in enumerate(_STATES):
        check(f"metadata.{state}: deeper than 10", (kind[paths[f"metadata.{state}"]] > NULL) & (found.depth[i] > STATE_MAX_DEPTH))
    check("metadata: over 1 MiB", (metadata > NULL) & (length[paths["metadata"]] >= METADATA_MAX_BYTES))
    return _as_lists(checks, codes.size)


def _as_lists(checks: list[tuple[str, Mask]], lines: int) -> tuple[pl.Series | pl.Expr, Mask]:
    """Lists of the words whose mask is true. Few combinations occur, so each is made once."""
    broken = np.zeros(lines, np.bool_)
    if not checks:
        return pl.lit([], dtype=pl.List(pl.String)), broken
    bits = np.zeros(lines, np.uint64)
    for i, (_, mask) in enumerate(checks):
        bits |= mask.astype(np.uint64) << np.uint64(i)
    broken = bits != 0
    distinct, codes = np.unique(bits, return_inverse=True)
    lists = [[words for i, (words, _) in enumerate(checks) if (int(b) >> i) & 1] for b in distinct]
    return pl.Series("violations", lists, dtype=pl.List(pl.String)).gather(codes), broken
