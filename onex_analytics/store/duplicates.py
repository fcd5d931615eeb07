"""Events that come again: by their id, never by their content; and ids that come again with other content."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from onex_analytics.sources.hashing import xxh64_texts
from onex_analytics.store.known_ids import Hashes, KnownIds

CONTENT = (
    "event_id", "timestamp", "clock_offset_ms", "event_type", "node_id", "correlation_id", "parent_correlation_id",
    "trace_id", "schema_version", "metadata", "extra",
)
"""What is compared. Where a delivery's envelope only adds an id that the other lacks, that is no difference."""
_MAY_BE_ADDED = ("correlation_id", "parent_correlation_id", "trace_id")
_EXACT = ("event_type", "node_id", "schema_version")

Lookup = Callable[[pl.DataFrame], pl.DataFrame]
"""Given suspects (`event_id`, `timestamp`), the stored rows of these ids with the columns of `CONTENT`."""


class Parted(NamedTuple):
    """Positions of the rows of a frame, each on exactly one side."""

    fresh: pl.DataFrame
    duplicates: int
    conflicts: list[int]
    hashes: Hashes


def part_duplicates(events: pl.DataFrame, known: KnownIds, lookup: Lookup) -> Parted:
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
    ordered = np.sort(hashes)
    again = ordered[1:] == ordered[:-1]
    stored = known.contains(ordered)
    if not again.any() and not stored.any():
        return Parted(events, 0, [], hashes)
    suspicious = np.unique(np.concatenate([ordered[1:][again], ordered[stored]]))
    suspects = events.with_row_index("row").filter(pl.Series(np.isin(hashes, suspicious))).select("row", *CONTENT)
    # hashes can collide: from here on ids are compared by their text
    before = lookup(suspects.select("event_id", "timestamp").unique("event_id")) if stored.any() else suspects.drop("row").clear()
    first = suspects.unique("event_id", keep="first", maintain_order=True)
    reference = pl.concat([before.select(CONTENT).unique("event_id"), first.select(CONTENT)]).unique("event_id", keep="first", maintain_order=True)
    is_kept = first.filter(~pl.col("event_id").is_in(before["event_id"].implode()))["row"]
    later = suspects.filter(~pl.col("row").is_in(is_kept.implode()))
    if later.is_empty():
        return Parted(events, 0, [], hashes)
    compared = later.join(reference, on="event_id", how="left", suffix="_stored", maintain_order="left")
    same = compared.select(_same_at_sight()).to_series().to_numpy().copy()
    for at in np.flatnonzero(~same).tolist():
        same[at] = _same_content(compared.row(at, named=True))
    rows = compared["row"].to_numpy()
    keep = np.ones(events.height, np.bool_)
    keep[rows] = False
    return Parted(events.filter(pl.Series(keep)), int(same.sum()), rows[~same].tolist(), hashes[keep])


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

    def at(suffix: str) -> int:
        return round(row[f"timestamp{suffix}"].timestamp() * 1_000_000) + (row[f"clock_offset_ms{suffix}"] or 0) * 1000

    def members(text: str | None) -> Any:
        held = json.loads(text) if text else {}
        return {k: v for k, v in held.items() if k not in ("envelope", "schema_version", "timestamp")} if isinstance(held, dict) else held

    if at("") != at("_stored") or any(row[n] != row[f"{n}_stored"] for n in _EXACT):
        return False
    if any(row[n] is not None and row[f"{n}_stored"] is not None and row[n] != row[f"{n}_stored"] for n in _MAY_BE_ADDED):
        return False
    mine, theirs = (json.loads(text) if text else None for text in (row["metadata"], row["metadata_stored"]))
    return bool(mine == theirs and members(row["extra"]) == members(row["extra_stored"]))
