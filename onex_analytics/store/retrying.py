"""Another try for what was rejected: after a fix of the reader, or with less strictness."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl

from onex_analytics.sources.block import block_of_bytes, block_of_texts
from onex_analytics.sources.canonical import Gate
from onex_analytics.sources.units import Unit
from onex_analytics.store.appending import Appender
from onex_analytics.store.dimensions import exchange
from onex_analytics.store.failures import retry_lost
from onex_analytics.store.report import IngestReport, Tally
from onex_analytics.store.storage import StoredFile, Table

FINAL = ("conflict", "corrupt_compression")
"""Reasons that no other reading changes."""
_ROWS = 20_000


def retry_rejected(events: Table, rejected: Table, gate: Gate) -> IngestReport:
    """Read rejected lines again; those that now give an event move over, in the same way as they would have come.

    Events are committed before their lines go, so that a kill loses nothing and the same call finishes the work.
    """
    began = time.perf_counter()
    appender = Appender(events, rejected, gate)
    total = Tally()
    for file in rejected.files():
        rows = rejected.read([file]).with_row_index("row")
        tried = rows.filter(~pl.col("reason").is_in(FINAL))
        kept = rows.filter(pl.col("reason").is_in(FINAL))["reason"].to_list()
        total.add(Tally(read=len(kept), reasons=Counter(kept)))
        moved: list[int] = []
        for (source,), part in tried.partition_by("source", as_dict=True, maintain_order=True).items():
            for piece in part.iter_slices(_ROWS):
                outcome, still = _again(appender, _unit_of(str(source), piece, file))
                total.add(outcome)
                moved += piece["row"].filter(~pl.Series(still)).to_list()
        if moved:
            exchange(rejected, [file], rows.filter(~pl.col("row").is_in(moved)).drop("row"), "retry rejected")
    return total.report(files=0, seconds=time.perf_counter() - began, version=events.delta.version())


def _again(appender: Appender, unit: Unit) -> tuple[Tally, list[bool]]:
    """Store what now can be stored of some lines; says for each line whether it stays rejected."""
    try:
        batches = [appender.gate.read(block) for block in unit.blocks]
        events = appender.events_of(batches)
        tally, refused = retry_lost(appender.events.uri, lambda: _commit(appender, unit, events))
    finally:
        appender.sweep()
    tally.reasons.update(reason for batch in batches for reason in batch.rejected["reason"].to_list())
    bad = {*refused, *(line for batch in batches for line in batch.rejected["line"].to_list())}
    return tally, [int(line) in bad for block in unit.blocks for line in block.lines]


def _commit(appender: Appender, unit: Unit, events: pl.DataFrame) -> tuple[Tally, list[int]]:
    parted, events = appender.part(events)
    tally = Tally(
        read=len(unit), stored=parted.fresh.height, duplicate=parted.duplicates, size_bytes=unit.size_bytes, units=1
    )
    if parted.conflicts:
        tally.reasons["conflict"] += len(parted.conflicts)
    if parted.fresh.height:
        said = {"operation": "retry rejected", "source": unit.source, "stored": parted.fresh.height}
        appender.store_fresh(parted, None, said)
    return tally, events["source_line"].gather(parted.conflicts).to_list()


def _unit_of(source: str, rows: pl.DataFrame, file: StoredFile) -> Unit:
    """The rejected lines as a unit again; each has a number of its own here, its place stays that of its source."""
    raws = rows["raw"].to_list()
    like = block_of_bytes(b"", source)
    like.lines, like.offsets = rows["row"].to_numpy().astype(np.int64), rows["source_offset"].to_numpy()
    block = block_of_texts(raws, like, np.arange(rows.height), None)
    return Unit(f"retry-{Path(file.path).stem}-{rows['row'][0]}", source, [block], sum(map(len, raws)))
