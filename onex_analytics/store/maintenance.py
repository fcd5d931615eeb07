"""Keeping a store: fewer and larger files, what may go, what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import polars as pl

from onex_analytics.model.shapes import UTC_MICROSECONDS
from onex_analytics.store.dimensions import exchange, own_schema
from onex_analytics.store.failures import in_our_words
from onex_analytics.store.selection import Selection
from onex_analytics.store.storage import LAYOUT, StoredFile, Table

COMPACT_ROWS = 1_500_000
"""Rows of a compacted file, at most; it is sorted in memory. Files of more than half of it stay as they are."""

HISTORY = pl.Schema({
    "version": pl.Int64(), "at": UTC_MICROSECONDS, "operation": pl.String(), "source": pl.String(), "read": pl.Int64(),
    "stored": pl.Int64(), "duplicate": pl.Int64(), "rejected": pl.Int64(),
})  # fmt: skip
"""One row a commit."""


def compact(table: Table) -> dict[str, Any]:
    """Rewrite runs of small files as one file sorted by time; returns files and bytes before and after."""
    table.refresh()
    before = table.files()
    for schema, files in _alike(table, before):
        rows = table.read(files, schema).sort("timestamp", maintain_order=True)
        exchange(table, files, rows, "compact")
        del rows
    table.refresh()
    after = table.files()
    return {
        "files_before": len(before), "files_after": len(after), "bytes_before": sum(f.size_bytes for f in before),
        "bytes_after": sum(f.size_bytes for f in after), "version": table.delta.version(),
    }  # fmt: skip


def _alike(table: Table, files: list[StoredFile]) -> Iterator[tuple[dict[str, pl.DataType], list[StoredFile]]]:
    """Groups of two and more small files with the same columns, in order of time."""
    groups: dict[tuple[str, ...], list[StoredFile]] = {}
    small = [file for file in files if file.rows <= COMPACT_ROWS // 2]
    for file in small if len(small) > 1 else ():
        schema = own_schema(table, file)
        group = groups.setdefault(tuple(schema), [])
        if group and sum(f.rows for f in group) + file.rows > COMPACT_ROWS:
            yield schema, group
            group = groups[tuple(schema)] = []
        group.append(file)
    for group in groups.values():
        if len(group) > 1:
            yield own_schema(table, group[0]), group


def vacuum(tables: list[Table], *, full: bool, keep_hours: float) -> dict[str, Any]:
    """Delete files that nothing needs any more."""
    deleted = 0
    for table in tables:
        if table.exists():
            table.refresh()
            with in_our_words(table.uri):
                deleted += len(table.delta.vacuum(
                    retention_hours=int(keep_hours), dry_run=False, enforce_retention_duration=False, full=full,
                ))  # fmt: skip
            table.refresh()
    return {"files_deleted": deleted}


def retain(table: Table, before: datetime) -> dict[str, Any]:
    """Forget the events before a time."""
    table.refresh()
    dropped = 0
    for file in table.files(Selection(until=before)):
        rows = table.read([file], own_schema(table, file))
        kept = rows.filter(pl.col("timestamp") >= before)
        if kept.height < rows.height and exchange(table, [file], kept, "retain"):
            dropped += rows.height - kept.height
    return {"events_dropped": dropped, "before": before.isoformat(), "version": table.delta.version()}


def history(table: Table) -> pl.DataFrame:
    """Commits as a frame, the newest first."""
    table.refresh()
    rows = []
    for commit in table.history():
        said = commit.get("onex") or {}
        operation = "append" if "unit" in said else str(commit.get("operation") or "other").lower()
        rows.append({
            **{name: said.get(name) for name in HISTORY},
            "version": commit["version"], "at": commit["timestamp"] * 1000,
            "operation": said.get("operation") or operation,
            "rejected": sum(said["reasons"].values()) if "reasons" in said else None,
        })  # fmt: skip
    return pl.DataFrame(rows, schema={**HISTORY, "at": pl.Int64()}).with_columns(pl.col("at").cast(HISTORY["at"]))


def info(uri: str, events: Table, rejected: Table, dimensions: dict[str, str]) -> dict[str, Any]:
    """A store at a glance."""
    events.refresh()
    files = events.files()
    span = events.scan(files).select(
        first=pl.col("timestamp").min(), last=pl.col("timestamp").max(), nodes=pl.col("node").n_unique(),
        event_types=pl.col("event_type").n_unique(),
    )  # fmt: skip
    with in_our_words(uri):
        found = span.collect().row(0, named=True)
    if rejected.exists():
        rejected.refresh()
    return {
        "uri": uri, "layout": LAYOUT, "version": events.delta.version(), "events": sum(f.rows for f in files),
        "files": len(files), "bytes": sum(f.size_bytes for f in files),
        "rejected": sum(f.rows for f in rejected.files()) if rejected.exists() else 0,
        **found, "dimensions": dimensions,
    }  # fmt: skip
