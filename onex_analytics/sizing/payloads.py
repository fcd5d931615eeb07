"""The payloads of many events: what `events.payload_of` gives for each, and what each of their fields takes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.wire_json import WIRE_READ, WIRE_WRAPPED, wire_texts
from onex_analytics.sizing.writing_kernels import DATA, METADATA, tell_fields, write_events

Ints = NDArray[np.int64]
_NAMES = 1 << 12
_INSIDE = ("", "metadata.", "data.")
BRACES = "(braces)"
"""What the one byte belongs to that opens the object; each member has the comma or brace behind it."""


class Fields(NamedTuple):
    """What each field of many events takes."""

    rows: NDArray[np.uint32]
    names: pl.Series
    sizes: Ints


@dataclass(frozen=True)
class Payloads:
    """The payloads of events one behind the other: that of row i is `text[ends[i]:ends[i + 1]]`."""

    text: NDArray[np.uint8]
    ends: Ints
    members: Ints
    """Of each member its place, its rank in `FIELD_ORDER` (behind it where it is unknown), the bytes of its key with
    quotes, and its own."""

    @property
    def sizes(self) -> pl.Series:
        """The bytes of each."""
        return pl.Series("payload_bytes", np.diff(self.ends))

    def __getitem__(self, row: int) -> bytes:
        return self.text[self.ends[row] : self.ends[row + 1]].tobytes()

    def texts(self) -> pl.Series:
        """Each as text."""
        buffers = [None, pa.py_buffer(self.ends), pa.py_buffer(self.text)]
        return pl.Series("payload", pa.Array.from_buffers(pa.large_string(), self.ends.size - 1, buffers))

    def fields(self) -> Fields:
        """What each field takes: the members of the event, and those of its metadata as `metadata.key`; `metadata`
        itself is its name and braces, or the whole of it where it is no object. They add up to the payload. Names stand
        as JSON has them.
        """
        events = self.ends.size - 1
        most = events + len(self.members) + self._most_inner()
        rows, fields, sizes = np.empty(most, np.uint32), np.empty(most, np.uint32), np.empty(most, np.int64)
        room = _NAMES
        while True:
            names, slots = np.zeros((room, 3), np.int64), np.zeros(4 * room, np.int64)
            told, known = tell_fields(self.text, self.ends, self.members, names, slots, rows, fields, sizes)
            if told >= 0:
                break
            room *= 16
        texts = [BRACES, *(
            f"{_INSIDE[inside]}{self.text[place : place + size].tobytes().decode()}"
            for place, size, inside in names[1:known].tolist()
        )]  # fmt: skip
        distinct = pl.Series("field", texts, dtype=pl.Categorical)
        return Fields(rows[:told], distinct.gather(pl.Series(fields[:told])), sizes[:told])

    def _most_inner(self) -> int:
        held = np.isin(self.members[:, 1], (METADATA, DATA))
        return int(self.members[held, 3].sum()) // 5 + 1


def payloads_of(frame: pl.DataFrame, *, members: bool = False) -> Payloads:
    """The payloads of rows of the canonical frame.

    Args:
        frame: reads the columns of `model.wire_json.WIRE_READ`.
        members: also find the members of each.

    Raises:
        InvalidOption: the metadata or `extra` of a row is no JSON.
    """
    begins, raw = text_bytes(wire_texts(frame.select(WIRE_READ)))
    wrapped = (frame["wire_fields"] // WIRE_WRAPPED == 1).fill_null(False).to_numpy()
    size = int(begins[-1] - begins[0])
    text, ends = np.empty(size + 16, np.uint8), np.zeros(frame.height + 1, np.int64)
    told = np.empty(((size // 5 + 2) if members else 0, 4), np.int64)
    wrong, count = write_events(raw, begins, wrapped, text, ends, told)
    if wrong >= 0:
        refuse(frame, wrong)
    return Payloads(text[: ends[-1]], ends, told[:count])


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

