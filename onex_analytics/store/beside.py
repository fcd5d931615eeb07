"""Files beside the rows of a table: small ones, and such of which single columns are looked through as a whole.

They are Arrow IPC files. On a disk of this machine they are mapped into memory: what is not looked at is not read, and
of an uncompressed one nothing is decoded or copied. A compressed one is for rows that are read as a whole: most of
their columns are empty, and a disk takes longer to keep four bytes than a processor to make one of them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Literal

import polars as pl
import pyarrow as pa
from deltalake.transaction import AddAction

from onex_analytics.store.failures import in_our_words
from onex_analytics.store.storage import StoredFile, Table


def write_beside(
    table: Table, frame: pl.DataFrame, compression: Literal["lz4", "uncompressed"] = "uncompressed"
) -> AddAction:
    """Write one file; it belongs to the table only once it is committed.

    Raises:
        StoreFull: there is no room for it.
    """
    held = io.BytesIO()
    frame.rechunk().write_ipc(
        held, compression="zstd" if table.is_remote else compression, record_batch_size=max(frame.height, 1)
    )
    return table.put(held.getbuffer(), {"numRecords": frame.height}, ".arrow")


def read_beside(table: Table, files: Sequence[StoredFile], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The rows of some files, one file after another: a chunk a file, and the columns of `schema`."""
    with in_our_words(table.uri):
        parts = [_read(table, file, [*schema]) for file in files]
    return pl.concat(parts, rechunk=False) if parts else pl.DataFrame(schema=schema)


def _read(table: Table, file: StoredFile, columns: list[str]) -> pl.DataFrame:
    address = table.address(file.path)
    if table.is_remote:
        return pl.read_ipc(address, columns=columns, storage_options=table.options)
    with pa.memory_map(address) as mapped:
        read = pl.from_arrow(pa.ipc.open_file(mapped).read_all().select(columns), rechunk=False)
    assert isinstance(read, pl.DataFrame)
    return read
