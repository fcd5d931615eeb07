"""A file of a table in small row groups, so that single rows of it are quickly read."""

from __future__ import annotations

import io
from typing import Literal

import polars as pl
from deltalake.transaction import AddAction

from onex_analytics.store.rest import statistics, to_stored
from onex_analytics.store.storage import Table

Compression = Literal["zstd", "uncompressed"]


def write_grouped(
    table: Table, frame: pl.DataFrame, row_group_rows: int, compression: Compression = "zstd"
) -> AddAction:
    """Write one file; it belongs to the table only once it is committed.

    Raises:
        StoreFull: there is no room for it.
    """
    held = io.BytesIO()
    to_stored(frame).write_parquet(
        held, compression=compression, compression_level=1 if compression == "zstd" else None,
        row_group_size=row_group_rows, statistics=False,
    )  # fmt: skip
    return table.put(held.getbuffer(), statistics(frame))
