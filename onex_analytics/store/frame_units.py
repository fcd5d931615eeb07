"""Frames as a source: each row becomes a line again and passes the same gate as everything else."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from onex_analytics.sources.units import Unit


def frame_units(frame: pl.DataFrame | pl.LazyFrame) -> Iterator[Unit]:
    """Units of a frame with the columns of `model.EVENTS`, or of a raw event (`event_id`, `timestamp`, …)."""
    from onex_analytics.sources.tables import units_of_frame

    return units_of_frame(frame)
