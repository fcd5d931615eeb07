"""Keeping a store: fewer and larger files, what may go, what it holds, and another try for what was rejected."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from onex_analytics.sources.block import block_of_bytes, block_of_texts
from onex_analytics.sources.canonical import Gate
from onex_analytics.sources.units import Unit
from onex_analytics.store.appending import Appender
from onex_analytics.store.dimensions import exchange
from onex_analytics.store.report import IngestReport
from onex_analytics.store.storage import LAYOUT, StoredFile, Table

COMPACT_ROWS = 1_500_000
"""Rows of a compacted file, at most; it is sorted in memory."""
_RETRY_ROWS = 20_000


def compact(table: Table) -> dict[str, Any]:
    """Rewrite runs of small files as one file sorted by time; returns files and bytes before and after."""
    table.refresh()
    before = table.files()
    group: list[StoredFile] = []
    for file in [*before, None]:
        full = file is None or (group and sum(f.rows for f in group) + file.rows > COMPACT_ROWS)
        if full:
            if len(group) > 1:
                rows = table.scan(group).collect().sort("timestamp", maintain_order=True)
                exchange(table, group, rows, "compact")
                del rows
            group = []
        if file is not None:
            group.append(file)
    after = table.files()
    return {
        "files_before": len(before), "files_after": len(after), "bytes_before": sum(f.size_bytes for f in before),
        "bytes_after": sum(f.size_bytes for f in after), "version": table.delta.version(),
    }


def vacuum(tables: list[Table], *, full: bool, keep_hours: float) -> dict[str, Any]:
    """Delete files that nothing needs any more."""
    deleted = 0
    for table in tables:
        if table.exists():
            table.refresh()
            deleted += len(table.delta.vacuum(
                retention_hours=int(keep_hours), dry_run=False, enforce_retention_duration=False, full=full,
            ))
    return {"files_deleted": deleted}


def retain(table: Table, before: datetime) -> dict[str, Any]:
    """Forget the events before a time."""
    table.refresh()
    dropped = 0
    for file in table.files(until=before):
        rows = table.scan([file]).collect()
        kept = rows.filter(pl.col("timestamp") >= before)
        if kept.height < rows.height and exchange(table, [file], kept, "retain"):
            dropped += rows.height - kept.height
    return {"events_dropped": dropped, "before": before.isoformat(), "version": table.delta.version()}


def history(table: Table) -> pl.DataFrame:
    """Commits as a frame, the newest first."""
    rows = []
    for commit in table.history():
        said = commit.get("onex") or {}
        rows.append({
            "version": commit["version"], "at": commit["timestamp"] * 1000,
            "operation": said.get("operation") or ("append" if "unit" in said else str(commit["operation"]).lower()),
            "source": said.get("source"), "read": said.get("read"), "stored": said.get("stored"), "duplicate": said.get("duplicate"),
            "rejected": sum(said["reasons"].values()) if "reasons" in said else None,
        })
    schema = {
        "version": pl.Int64, "at": pl.Int64, "operation": pl.String, "source": pl.String, "read": pl.Int64, "stored": pl.Int64,
        "duplicate": pl.Int64, "rejected": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema).with_columns(pl.col("at").cast(pl.Datetime("us", "UTC")))


def info(uri: str, events: Table, rejected: Table, dimensions: dict[str, str]) -> dict[str, Any]:
    """A store at a glance."""
    events.refresh()
    files = events.files()
    span = events.scan(files).select(
        first=pl.col("timestamp").min(), last=pl.col("timestamp").max(), nodes=pl.col("node").n_unique(),
        event_types=pl.col("event_type").n_unique(),
    ).collect().row(0, named=True) if files else {"first": None, "last": None, "nodes": 0, "event_types": 0}
    return {
        "uri": uri, "layout": LAYOUT, "version": events.delta.version(), "events": sum(f.rows for f in files), "files": len(files),
        "bytes": sum(f.size_bytes for f in files), "rejected": sum(f.rows for f in rejected.files()) if rejected.exists() else 0,
        **span, "dimensions": dimensions,
    }


def retry_rejected(events: Table, rejected: Table, gate: Gate) -> IngestReport:
    """Read rejected lines again; conflicts and damage of streams stay."""
    began = time.perf_counter()
    events.refresh()
    rejected.refresh()
    appender = Appender(events, rejected, gate)
    counts = Counter[str]()
    read = stored = duplicate = size = units = 0
    final = ("conflict", "corrupt_compression")
    for file in rejected.files():
        rows = rejected.scan([file]).collect().with_row_index("row")
        tried = rows.filter(~pl.col("reason").is_in(final))
        counts.update(rows.filter(pl.col("reason").is_in(final))["reason"].to_list())
        read += rows.height - tried.height
        moved: list[int] = []
        for (source,), part in tried.partition_by("source", as_dict=True, maintain_order=True).items():
            for piece in part.iter_slices(_RETRY_ROWS):
                unit = _unit_of(str(source), piece, file)
                outcome, still = appender.try_again(unit)
                read, stored, duplicate = read + piece.height, stored + outcome.stored, duplicate + outcome.duplicate
                size, units = size + unit.size_bytes, units + 1
                counts.update(outcome.reasons)
                moved += [row for row, bad in zip(piece["row"].to_list(), still, strict=True) if not bad]
        if moved:
            exchange(rejected, [file], rows.filter(~pl.col("row").is_in(moved)).drop("row"), "retry rejected")
    return IngestReport(
        read=read, stored=stored, duplicate=duplicate, rejected=counts.total(), rejected_by_reason=dict(counts), repaired={},
        violations={}, files=len(rejected.files()), bytes=size, seconds=time.perf_counter() - began,
        version=events.delta.version(), units=units, units_skipped=0,
    )


def _unit_of(source: str, rows: pl.DataFrame, file: StoredFile) -> Unit:
    raws = rows["raw"].to_list()
    like = block_of_bytes(b"", source)
    like.lines, like.offsets = rows["line"].to_numpy(), rows["source_offset"].to_numpy()
    block = block_of_texts(raws, like, np.arange(rows.height), None)
    return Unit(f"retry-{Path(file.path).stem}-{rows['row'][0]}", source, [block], sum(map(len, raws)))
