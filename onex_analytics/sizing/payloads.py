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
from onex_analytics.sizing.writing_kernels import DATA, METADATA, inner_members, write_events

Ints = NDArray[np.int64]
_NONE = np.empty(0, np.int64)
BRACES = "(braces)"
"""What the one byte belongs to that opens the object; each member has the comma or brace behind it."""


class Members(NamedTuple):
    """Members of objects: where each stands among the payloads, the bytes of its key with quotes, and its own."""

    starts: Ints
    key_sizes: Ints
    sizes: Ints

    def take(self, which: Ints) -> Members:
        return Members(self.starts[which], self.key_sizes[which], self.sizes[which])


@dataclass(frozen=True)
class Payloads:
    """The payloads of events one behind the other: that of row i is `text[ends[i]:ends[i + 1]]`."""

    text: NDArray[np.uint8]
    ends: Ints
    members: Members
    ranks: Ints
    """The place of each member in `FIELD_ORDER`; behind it where the field is unknown."""

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

    def fields(self) -> pl.Series:
        """What each field takes, as lists of {`field`, `bytes`}: the members of the event and those of its metadata as
        `metadata.key`; `metadata` itself is its name and braces, or the whole of it where it is no object. They add up
        to the payload.
        """
        rows = np.searchsorted(self.ends[1:], self.members.starts, side="right")
        names = self._names(self.members)
        holders = np.flatnonzero((self.ranks == METADATA) | (self.ranks == DATA))
        inner_of, inner = self._inner(self.members.take(holders))
        inner_of = holders[inner_of]
        inner_names = names[inner_of] + "." + self._names(inner)
        sizes = self.members.sizes + 1
        np.subtract.at(sizes, inner_of, inner.sizes + 1)
        count = self.ends.size - 1
        told = pl.DataFrame({
            "row": np.concatenate([np.arange(count), rows, rows[inner_of]]),
            "field": pl.concat([pl.Series([BRACES], dtype=pl.String).new_from_index(0, count), names, inner_names]),
            "bytes": np.concatenate([_braces(np.diff(self.ends)), sizes, inner.sizes + 1]),
        })  # fmt: skip
        per_row = told.group_by("row").agg(pl.struct("field", "bytes").alias("fields")).sort("row")
        return per_row["fields"]

    def _inner(self, holders: Members) -> tuple[Ints, Members]:
        room = int(holders.sizes.sum()) // 5 + 1
        columns = [np.empty(room, np.int64) for _ in range(4)]
        count = inner_members(self.text, *holders, *columns)
        inner_of, *rest = (column[:count] for column in columns)
        return inner_of, Members(*rest)

    def _names(self, members: Members) -> pl.Series:
        """The names of members, as they are written in JSON where they hold what has to be escaped."""
        offsets = np.concatenate([[0], np.cumsum(members.key_sizes - 2)])
        places = np.repeat(members.starts + 1 - offsets[:-1], members.key_sizes - 2) + np.arange(offsets[-1])
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(self.text[places])]
        return pl.Series("field", pa.Array.from_buffers(pa.large_string(), offsets.size - 1, buffers))


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
    room = (size // 5 + 2) if members else 0
    starts, ranks, key_sizes, sizes = (np.empty(room, np.int64) for _ in range(4))
    wrong, count = write_events(raw, begins, wrapped, text, ends, starts, ranks, key_sizes, sizes)
    if wrong >= 0:
        refuse(frame, wrong)
    return Payloads(
        text[: ends[-1]], ends, Members(starts[:count], key_sizes[:count], sizes[:count]), ranks[:count]
    )  # fmt: skip


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


def _braces(sizes: Ints) -> Ints:
    """Of an event with members the opening brace alone, of one without any both."""
    return np.where(sizes == 2, 2, 1)

