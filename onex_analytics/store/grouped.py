"""A file of a table in small row groups, so that single rows of it are quickly read."""

from __future__ import annotations

import io
import json
import os
import time
import uuid
from pathlib import Path

import polars as pl
from deltalake.transaction import AddAction

from onex_analytics.store.failures import in_our_words
from onex_analytics.store.rest import statistics, to_stored
from onex_analytics.store.storage import Table


def write_grouped(table: Table, frame: pl.DataFrame, row_group_rows: int) -> AddAction:
    """Write one file; it belongs to the table only once it is committed.

    Raises:
        StoreFull: there is no room for it.
    """
    path = f"part-{uuid.uuid4().hex}.parquet"
    held = io.BytesIO()
    to_stored(frame).write_parquet(
        held, compression="zstd", compression_level=1, row_group_size=row_group_rows, statistics=False
    )
    data = held.getbuffer()
    table._staged.add(path)  # swept where it is not committed
    with in_our_words(table.uri):
        if table.is_remote:
            from deltalake.fs import DeltaStorageHandler

            with DeltaStorageHandler(table.uri, table.options).open_output_stream(path) as out:
                out.write(bytes(data))
        else:
            with open(Path(table.address(path)), "xb", buffering=0) as file:
                written = 0
                while written < len(data):
                    written += file.write(data[written:])
                os.fsync(file.fileno())
    return AddAction(path, len(data), {}, int(time.time() * 1000), True, json.dumps(statistics(frame)))
