"""The gate: a block of lines becomes events (`model.EVENTS`) and rejected rows (`model.REJECTED`); none is lost.

Here a form is judged and named: spellings of types and ids, times, numbers as text, soft failures, violations.
Nothing is guessed; what was normalised keeps its original beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.model.shapes import EVENTS
from onex_analytics.sources.block import Block, Rejections
from onex_analytics.sources.envelopes import MAX_WRAPPINGS, unwrap, wrapped_rows
from onex_analytics.sources.event_rows import EventRows
from onex_analytics.sources.layout import Dimension, event_paths
from onex_analytics.sources.paths import PathTable
from onex_analytics.sources.scan import Room, scan


class Batch(NamedTuple):
    """What became of a block: `read` lines are `events` rows and `rejected` rows together.

    `lines` is the number of the line of each event in its source.
    """

    events: pl.DataFrame
    rejected: pl.DataFrame
    read: int
    lines: pl.Series


_rooms = threading.local()


def _room() -> Room:
    """Where this thread scans blocks, one after the other: no column points into what a scan found."""
    if not hasattr(_rooms, "scan"):
        _rooms.scan = Room()
    room: Room = _rooms.scan
    return room


Part = tuple[pl.DataFrame, NDArray[np.int64]]
"""Events, and the numbers of their lines."""


@dataclass(frozen=True)
class Gate:
    """How lines are read: dimensions to lift, strictness, the time of reading.

    Args:
        ingested_at: aware UTC time written to every row.
        dimensions: declared columns by name.
        strict: reject an event that breaks any rule instead of listing its violations.
    """

    ingested_at: datetime
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    strict: bool = False

    @cached_property
    def paths(self) -> PathTable:
        return event_paths(self.dimensions.values())

    def read(self, block: Block) -> Batch:
        """Judge every line of a block. Events and rejected rows each stand in the order of their lines."""
        rejections = Rejections()
        parts = self._parts(block, rejections, 0)
        if len(parts) > 1:
            lines = np.concatenate([lines for _, lines in parts])
            order = np.argsort(lines, kind="stable")
            events, lines = pl.concat([frame for frame, _ in parts])[order], lines[order]
            rejections.rows.sort(key=lambda row: row.line)
        else:
            events, lines = parts[0] if parts else (self.no_events(), np.empty(0, np.int64))
        return Batch(events, rejections.frame(self.ingested_at), len(block), pl.Series("line", lines))

    def schema(self) -> dict[str, pl.DataType]:
        """Columns of the events: `model.EVENTS`, then the dimensions."""
        return {**EVENTS, **{d.name: d.dtype for d in self.dimensions.values()}}

    def no_events(self) -> pl.DataFrame:
        return pl.DataFrame(schema=self.schema())

    def _parts(self, block: Block, rejections: Rejections, wrappings: int) -> list[Part]:
        if len(block) == 0:
            return []
        paths = self.paths
        measured = (paths["metadata.input_state"], paths["metadata.output_state"])
        # a scan for what envelopes hold takes its own memory: their own scan is still read behind it
        found = scan(block.buffer, block.starts, block.ends, paths, measured, None if wrappings else _room())
        parts = []
        inside = wrapped_rows(found, paths) if wrappings < MAX_WRAPPINGS else np.zeros(len(block), np.bool_)
        if inside.any():
            parts += self._parts(unwrap(block, found, np.flatnonzero(inside), paths), rejections, wrappings + 1)
        if not inside.all():
            rows = EventRows(paths, block, found, ~inside)
            parts.append(
                rows.frame(self.ingested_at, self.dimensions.values(), strict=self.strict, rejections=rejections)
            )
        return parts
