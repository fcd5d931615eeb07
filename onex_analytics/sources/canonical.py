"""The gate: a block of lines becomes events (`model.EVENTS`) and rejected rows (`model.REJECTED`); none is lost.

Here a form is judged and named: spellings of types and ids, times, numbers as text, soft failures, violations.
Nothing is guessed; what was normalised keeps its original beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl

from onex_analytics.model.shapes import EVENTS
from onex_analytics.sources.block import Block, Rejections
from onex_analytics.sources.envelopes import MAX_WRAPPINGS, unwrap, wrapped_rows
from onex_analytics.sources.event_rows import EventRows
from onex_analytics.sources.layout import Dimension, event_paths
from onex_analytics.sources.paths import PathTable
from onex_analytics.sources.scan import scan


class Batch(NamedTuple):
    """What became of a block: `read` lines are `events` rows and `rejected` rows together.

    `lines` is the number of the line of each event in its source.
    """

    events: pl.DataFrame
    rejected: pl.DataFrame
    read: int
    lines: pl.Series


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
        frames = self._frames(block, rejections, 0)
        events = pl.concat(frames) if len(frames) > 1 else frames[0] if frames else self.no_events()
        if len(frames) > 1:
            events = events.sort("source_line", maintain_order=True)
            rejections.rows.sort(key=lambda row: row.line)
        rejected = rejections.frame(self.ingested_at)
        return Batch(events.drop("source_line"), rejected, len(block), events["source_line"])

    def schema(self) -> dict[str, pl.DataType]:
        """Columns of the events: `model.EVENTS`, then the dimensions."""
        return {**EVENTS, **{d.name: d.dtype for d in self.dimensions.values()}}

    def no_events(self) -> pl.DataFrame:
        return pl.DataFrame(schema={**self.schema(), "source_line": pl.Int64()})

    def _frames(self, block: Block, rejections: Rejections, wrappings: int) -> list[pl.DataFrame]:
        if len(block) == 0:
            return []
        paths = self.paths
        measured = (paths["metadata.input_state"], paths["metadata.output_state"])
        found = scan(block.buffer, block.starts, block.ends, paths, measured)
        frames = []
        inside = wrapped_rows(found, paths) if wrappings < MAX_WRAPPINGS else np.zeros(len(block), np.bool_)
        if inside.any():
            frames += self._frames(unwrap(block, found, np.flatnonzero(inside), paths), rejections, wrappings + 1)
        if not inside.all():
            rows = EventRows(paths, block, found, ~inside)
            frames.append(
                rows.frame(self.ingested_at, self.dimensions.values(), strict=self.strict, rejections=rejections)
            )
        return frames
