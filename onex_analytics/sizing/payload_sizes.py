"""The bytes of payloads and of their fields, without writing more of them than what may hold white space or escapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.machine import text_views
from onex_analytics.model.shapes import WIRE_ABSENT, WIRE_COLUMN, WIRE_FIELDS, WIRE_NULL
from onex_analytics.model.wire_json import WIRE_DATA, WIRE_READ, WIRE_WRAPPED
from onex_analytics.sizing.payloads import Payloads, refuse, text_bytes
from onex_analytics.sizing.telling_kernels import tell_fields, tell_members, text_sizes
from onex_analytics.sizing.writing_kernels import write_events, write_values

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
BRACES: Final = "(braces)"
"""What the one byte belongs to that opens an event; each member has the comma or brace behind it."""

_NULL_BYTES: Final = 4
_SECOND: Final = 1_000_000
_NAMES: Final = 1 << 12
_INSIDE: Final = ("", "metadata.", "data.")
_LEAST_MEMBER: Final = 5


class FieldSizes(NamedTuple):
    """What each field of many events takes, in no order."""

    rows: NDArray[np.integer[Any]]
    names: pl.Series
    """Categorical; as JSON has them."""
    sizes: Ints


def payload_sizes(frame: pl.DataFrame) -> Ints:
    """The bytes of the payload of each row: those of `payloads_of(frame)`, at a quarter of the cost.

    Args:
        frame: reads the columns of `model.wire_json.WIRE_READ`.

    Raises:
        InvalidOption: the metadata or `extra` of a row is no JSON.
    """
    events = _Events(frame.select(WIRE_READ))
    total = np.ones(frame.height, np.int64)
    for _, there, sizes in events.members():
        total += np.where(there, sizes, 0)
    extra = np.diff(events.extra(told=False)[0].ends)
    total[events.with_extra] += np.where(extra == 2, 0, extra - 1)
    return np.where(total == 1, 2, total)


def field_sizes(frame: pl.DataFrame) -> FieldSizes:
    """What each field takes: the members of an event, and those of its metadata as `metadata.key`; `metadata` itself is
    its name and braces, or the whole of it where it is no object. They add up to the payload.

    Args:
        frame: reads the columns of `model.wire_json.WIRE_READ`.

    Raises:
        InvalidOption: the metadata or `extra` of a row is no JSON.
    """
    events = _Events(frame.select(WIRE_READ))
    names = [BRACES]
    parts: list[tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]], Ints]] = []
    braces = np.full(frame.height, 2, np.int64)
    for name, there, sizes in events.members():
        rows = np.flatnonzero(there)
        braces[rows] = 1
        if name == "metadata":
            inner, whole = events.of_metadata()
            parts.append((inner.rows, inner.numbers + (len(names) - 1), inner.sizes))
            names += inner.names
            sizes = sizes - whole
        of_data = events.named_data[rows] & (name == "metadata")
        parts.append((rows, np.where(of_data, len(names) + 1, len(names)), sizes[rows]))
        names += [name, "data"]
    told = events.extra(told=True)[1]
    if told is not None:
        braced = told.numbers == 0
        rows = events.with_extra[told.rows]
        braces[rows[~braced]] = 1
        parts.append((rows[~braced], told.numbers[~braced] + (len(names) - 1), told.sizes[~braced]))
        names += told.names
    parts.append((np.arange(frame.height), np.zeros(frame.height, np.int64), braces))
    all_rows, numbers, all_sizes = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    distinct = pl.Series("field", names).cast(pl.Categorical)
    return FieldSizes(all_rows, distinct.gather(pl.Series(numbers)), all_sizes)


class _Told(NamedTuple):
    """What kernels tell of members: names are numbered from 1."""

    rows: NDArray[np.uint32]
    numbers: NDArray[np.uint32]
    sizes: Ints
    names: list[str]


class _Events:
    """Rows, and what their columns say of how long their payloads are."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows
        wire = rows["wire_fields"]
        self.bits = wire.fill_null(0).to_numpy()
        self.told = wire.is_not_null().to_numpy()
        self.with_extra = np.flatnonzero(rows["extra"].is_not_null().to_numpy())
        self.named_data = self.bits & np.uint32(WIRE_DATA) != 0
        self._metadata: Payloads | None = None

    def members(self) -> Iterator[tuple[str, Mask, Ints]]:
        """Each field that some row has in its column or as null: which rows, and the bytes of the member with what
        stands behind it (of other rows any)."""
        for place, name in enumerate(WIRE_FIELDS):
            states = (self.bits >> np.uint32(2 * place)) & np.uint32(3)
            if not self.told.all():
                unsaid = np.where(self._is_there(name), WIRE_COLUMN, WIRE_ABSENT)
                states = np.where(self.told, states, unsaid)
            as_null, as_column = states == WIRE_NULL, states == WIRE_COLUMN
            there = as_null | as_column
            if not there.any():
                continue
            sizes = np.full(self.rows.height, _NULL_BYTES, np.int64)
            if as_column.any():
                sizes = np.where(as_column & self._is_there(name), self._value_sizes(name, as_column), _NULL_BYTES)
            sizes += len(name) + 4
            if name == "metadata":
                sizes -= np.where(self.named_data, len("metadata") - len("data"), 0)
            yield name, there, sizes

    def extra(self, *, told: bool) -> tuple[Payloads, _Told | None]:
        """What `extra` holds, of the rows that have any, as objects of their own; and its fields."""
        begins, data = text_bytes(self.rows["extra"].gather(pl.Series(self.with_extra)))
        count = self.with_extra.size
        size = int(begins[-1] - begins[0])
        text, ends = np.empty(size + 16, np.uint8), np.zeros(count + 1, np.int64)
        wrapped = self.bits[self.with_extra] // np.uint32(WIRE_WRAPPED) == 1
        members = np.empty(((size // _LEAST_MEMBER + 2) if told else 0, 4), np.int64)
        wrong, n = write_events(data, begins, wrapped, text, ends, members)
        if wrong >= 0:
            refuse(self.rows, int(self.with_extra[wrong]))
        found = Payloads(text, ends)
        if not told or not count:
            return found, None
        most = count + n + size // _LEAST_MEMBER + 1
        return found, _named(
            text, most, lambda names, slots, *out: tell_fields(text, ends, members[:n], names, slots, *out)
        )

    def of_metadata(self) -> tuple[_Told, Ints]:
        """The members of the metadata of all rows, and what they take of each; none of one that is no object."""
        assert self._metadata is not None
        text, ends = self._metadata.text, self._metadata.ends
        whole = np.zeros(self.rows.height, np.int64)
        inside = np.where(self.named_data, 2, 1)
        most = int(ends[-1]) // _LEAST_MEMBER + 1
        return _named(
            text, most, lambda names, slots, *out: tell_members(text, ends, inside, names, slots, *out, whole)
        ), whole

    def _is_there(self, name: str) -> Mask:
        others = {"timestamp": "timestamp_original", "event_type": "event_type_raw"}
        there = self.rows[name].is_not_null()
        if name in others:
            there |= self.rows[others[name]].is_not_null()
        found: Mask = there.to_numpy()
        return found

    def _value_sizes(self, name: str, wanted: Mask) -> Ints:
        """Bytes of the values of a field; only those of `wanted` rows count."""
        rows, column = self.rows, self.rows[name]
        if name == "metadata":
            return self._metadata_sizes(wanted)
        if name == "timestamp":
            offset = rows["clock_offset_ms"].fill_null(0).to_numpy() % 1000 * 1000
            part = column.dt.microsecond().fill_null(0).to_numpy() + offset
            plain: Ints = np.where(part % _SECOND == 0, 21, 28)
            given = rows["timestamp_original"]
            said = given.is_not_null().to_numpy()
            return np.where(said, _text_sizes(given), plain) if said.any() else plain
        if name == "event_type":
            return _text_sizes(rows.select(pl.coalesce("event_type_raw", "event_type")).to_series())
        if column.dtype == pl.String:
            return _text_sizes(column)
        sizes: Ints = column.cast(pl.String).str.len_bytes().fill_null(0).cast(pl.Int64).to_numpy()
        return sizes

    def _metadata_sizes(self, wanted: Mask) -> Ints:
        rows = self.rows
        begins, data = text_bytes(rows.select(pl.when(pl.lit(pl.Series(wanted))).then("metadata")).to_series())
        text, ends = np.empty(int(begins[-1] - begins[0]) + 16, np.uint8), np.zeros(rows.height + 1, np.int64)
        wrong = write_values(data, begins, text, ends)
        if wrong < 0 and (empty := rows["metadata"] == "").any():
            wrong = int(empty.arg_true()[0])
        if wrong >= 0:
            refuse(rows, wrong)
        self._metadata = Payloads(text, ends)
        return np.diff(ends)


def _named(text: NDArray[np.uint8], most: int, tell: Callable[..., tuple[int, int]]) -> _Told:
    """What a kernel tells, with the names that it numbers from 1."""
    rows, numbers, sizes = np.empty(most, np.uint32), np.empty(most, np.uint32), np.empty(most, np.int64)
    room = _NAMES
    while True:
        names, slots = np.zeros((room, 3), np.int64), np.zeros(4 * room, np.int64)
        told, known = tell(names, slots, rows, numbers, sizes)
        if told >= 0:
            break
        room *= 16
    found = [
        f"{_INSIDE[inside]}{text[place : place + size].tobytes().decode()}"
        for place, size, inside in names[1:known].tolist()
    ]  # fmt: skip
    return _Told(rows[:told], numbers[:told], sizes[:told], found)


def _text_sizes(texts: pl.Series) -> Ints:
    """Bytes of texts in JSON, with their quotes; of a null any number."""
    out = np.empty(len(texts), np.int64)
    for chunk in text_views(texts):
        part = out[chunk.begin : chunk.begin + len(chunk.views)]
        text_sizes(chunk.views, chunk.first, chunk.texts, chunk.valid, chunk.skipped, part)
    return out
