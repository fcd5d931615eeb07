"""The payloads of many events: what `events.payload_of` gives for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.wire_json import WIRE_READ, WIRE_WRAPPED, wire_texts
from onex_analytics.sizing.writing_kernels import write_events

Ints = NDArray[np.int64]
_NO_MEMBERS = np.empty((0, 4), np.int64)


@dataclass(frozen=True)
class Payloads:
    """The payloads of events one behind the other: that of row i is `text[ends[i]:ends[i + 1]]`."""

    text: NDArray[np.uint8]
    ends: Ints

    def __len__(self) -> int:
        return int(self.ends.size) - 1

    def __getitem__(self, row: int) -> bytes:
        return self.text[self.ends[row] : self.ends[row + 1]].tobytes()

    def texts(self) -> pl.Series:
        """Each as text."""
        buffers = [None, pa.py_buffer(self.ends), pa.py_buffer(self.text)]
        return pl.Series("payload", pa.Array.from_buffers(pa.large_string(), len(self), buffers))


def payloads_of(frame: pl.DataFrame) -> Payloads:
    """The payloads of rows of the canonical frame.

    Args:
        frame: reads the columns of `model.wire_json.WIRE_READ`.

    Raises:
        InvalidOption: the metadata or `extra` of a row is no JSON.
    """
    begins, raw = text_bytes(wire_texts(frame.select(WIRE_READ)))
    wrapped = (frame["wire_fields"] // WIRE_WRAPPED == 1).fill_null(False).to_numpy()
    text, ends = np.empty(int(begins[-1] - begins[0]) + 16, np.uint8), np.zeros(frame.height + 1, np.int64)
    wrong, _ = write_events(raw, begins, wrapped, text, ends, _NO_MEMBERS)
    if wrong >= 0:
        refuse(frame, wrong)
    return Payloads(text[: ends[-1]], ends)


def text_bytes(texts: pl.Series) -> tuple[Ints, NDArray[np.uint8]]:
    """Where each text begins, with the end of the last behind, and the bytes of them all; a null is an empty text."""
    column = texts.to_frame().to_arrow(compat_level=pl.CompatLevel.oldest()).column(0).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.large_string())
    _, offsets, data = column.buffers()
    begins = np.zeros(1, np.int64)
    if len(column):
        begins = np.frombuffer(offsets, np.int64, len(column) + 1, column.offset * 8)
    return begins, np.frombuffer(data or b"", np.uint8)


def refuse(frame: pl.DataFrame, row: int) -> NoReturn:
    """Say which event is no JSON."""
    found = frame.row(row, named=True)
    told = {name: str(found[name])[:80] for name in ("event_id", "metadata", "extra") if found[name] is not None}
    raise InvalidOption("an event", told, "metadata that is JSON, and extra that is a JSON object")
