"""Events that come again: by their id, never by their content; and ids that come again with other content."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.sources.hashing import xxh64_texts
from onex_analytics.store.hash_table import Hashes, repeated

CONTENT = (
    "event_id", "timestamp", "clock_offset_ms", "event_type", "node_id", "correlation_id", "parent_correlation_id",
    "trace_id", "span_id", "parent_span_id", "causation_id", "schema_version", "adjusted_count", "replay_id",
    "is_replay", "metadata", "extra",
)  # fmt: skip
"""What is compared. Where a delivery's envelope only adds an id that the other lacks, that is no difference."""
_MAY_BE_ADDED = (
    "correlation_id", "parent_correlation_id", "trace_id", "span_id", "parent_span_id", "causation_id",
)  # fmt: skip
_EXACT = ("event_type", "node_id", "schema_version", "adjusted_count", "replay_id", "is_replay")
_OF_THE_WRAPPING = ("envelope", "schema_version", "timestamp")
"""Members of `extra` that are compared elsewhere, or are no content of the event."""

_DEEP = 10_000
"""Recursion that JSON of 1,000 levels needs, on whatever the caller's stack holds already."""

Lookup = Callable[[pl.DataFrame], pl.DataFrame]
"""Given suspects (`event_id`, `timestamp`), the stored rows of these ids with the columns of `CONTENT`."""


class Known(Protocol):
    """Hashes of ids that may be stored."""

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]: ...


class Parted(NamedTuple):
    """Positions of the rows of a frame, each on exactly one side."""

    fresh: pl.DataFrame
    duplicates: int
    conflicts: list[int]
    hashes: Hashes


def part_duplicates(events: pl.DataFrame, known: Known, lookup: Lookup) -> Parted:
    """Part new events from those whose id is stored already or stands earlier in the same frame.

    Args:
        events: rows of `model.EVENTS`, in the order in which they came; the first of an id wins.
        known: hashes of all stored ids.
        lookup: finds stored rows.

    Returns:
        `fresh` rows in their order and the hashes of their ids; the number of `duplicates` (same id, same
        content); positions of the `conflicts` (same id, other content).
    """
    hashes = xxh64_texts(events["event_id"])
    stored = known.contains(hashes)
    rows = np.flatnonzero(stored | repeated(hashes))
    if not rows.size:
        return Parted(events, 0, [], hashes)
    suspects = events.select(CONTENT)[rows].select(pl.Series("row", rows.astype(np.uint32)), *CONTENT)
    # hashes can collide: from here on ids are compared by their text
    # only what may be stored is looked for: one that merely stands twice here would be sought in every file
    asked = events.select("event_id", "timestamp")[np.flatnonzero(stored)].unique("event_id")
    before = lookup(asked) if asked.height else suspects.drop("row").clear()
    first = suspects.unique("event_id", keep="first", maintain_order=True)
    reference = pl.concat([before.select(CONTENT).unique("event_id"), first.select(CONTENT)])
    reference = reference.unique("event_id", keep="first", maintain_order=True)
    is_kept = first.filter(~pl.col("event_id").is_in(before["event_id"].implode()))["row"]
    later = suspects.filter(~pl.col("row").is_in(is_kept.implode()))
    if later.is_empty():
        return Parted(events, 0, [], hashes)
    compared = later.join(reference, on="event_id", how="left", suffix="_stored", maintain_order="left")
    same = compared.select(_same_at_sight()).to_series().to_numpy().copy()
    differing = np.flatnonzero(~same)
    for at, row in zip(differing.tolist(), _pairs(compared, differing), strict=True):
        same[at] = _same_content(row)
    rows = compared["row"].to_numpy()
    keep = np.ones(events.height, np.bool_)
    keep[rows] = False
    return Parted(_kept(events, keep), int(same.sum()), rows[~same].tolist(), hashes[keep])


def _kept(events: pl.DataFrame, keep: NDArray[np.bool_]) -> pl.DataFrame:
    """The rows that are kept, chunk by chunk: filtered as a whole, a frame is first copied into one chunk."""
    parts, begin = [], 0
    for length in events["event_id"].chunk_lengths():
        mask = keep[begin : begin + length]
        part = events.slice(begin, length)
        parts.append(part if mask.all() else part.filter(pl.Series(mask)))
        begin += length
    return pl.concat(parts) if parts else events


def _pairs(compared: pl.DataFrame, rows: NDArray[np.intp]) -> Iterator[dict[str, Any]]:
    timed = compared[rows].with_columns(came_at=_came_at(), came_at_stored=_came_at("_stored"))
    return timed.iter_rows(named=True)


def _came_at(suffix: str = "") -> pl.Expr:
    """The time as it came, in microseconds: before its clock was repaired."""
    return pl.col(f"timestamp{suffix}").cast(pl.Int64) + pl.col(f"clock_offset_ms{suffix}").fill_null(0) * 1000


def _same_at_sight() -> pl.Expr:
    """True where all texts are equal, which is so for nearly every repeated delivery."""
    same = _came_at() == _came_at("_stored")
    for name in (*_EXACT, *_MAY_BE_ADDED, "metadata", "extra"):
        same &= pl.col(name).eq_missing(pl.col(f"{name}_stored"))
    return same


def _same_content(row: dict[str, Any]) -> bool:
    """Whether two deliveries say the same, however their JSON is spelled and wrapped."""
    if any(row[n] != row[f"{n}_stored"] for n in ("came_at", *_EXACT)):
        return False
    for name in _MAY_BE_ADDED:
        mine, theirs = row[name], row[f"{name}_stored"]
        if mine is not None and theirs is not None and mine != theirs:
            return False
    metadata, extra = ((row[name], row[f"{name}_stored"]) for name in ("metadata", "extra"))
    with _deep():
        if metadata[0] != metadata[1] and _parsed(metadata[0]) != _parsed(metadata[1]):
            return False
        return bool(extra[0] == extra[1] or _members(extra[0]) == _members(extra[1]))


@contextmanager
def _deep() -> Iterator[None]:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _DEEP))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _members(extra: str | None) -> list[Any]:
    return [pair for pair in (_parsed(extra) or ("object", []))[1] if pair[0] not in _OF_THE_WRAPPING]


def _parsed(text: str | None) -> Any:
    """JSON text as what compares by its meaning: members in the order of their keys, numbers by value, and neither
    true nor a repeated key taken for something else."""
    if text is None:
        return None
    return json.loads(text, object_pairs_hook=_object, parse_int=_number, parse_float=_number)


def _object(pairs: list[tuple[str, Any]]) -> tuple[str, list[tuple[str, Any]]]:
    return "object", sorted(pairs, key=lambda pair: pair[0])


def _number(text: str) -> tuple[str, Decimal | str]:
    try:
        return "number", Decimal(text)
    except InvalidOperation:
        return "number", text
