"""The bytes of payloads, without writing more of them than what may hold white space or escapes."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.model.shapes import WIRE_ABSENT, WIRE_COLUMN, WIRE_FIELDS, WIRE_NULL
from onex_analytics.model.wire_json import NEEDS_ESCAPE, WIRE_DATA, WIRE_READ, WIRE_WRAPPED, quoted
from onex_analytics.sizing.payloads import refuse, text_bytes
from onex_analytics.sizing.writing_kernels import write_events, write_values

Ints = NDArray[np.int64]
_NULL_BYTES: Final = 4
_SECOND: Final = 1_000_000
_NONE: Final = np.empty((0, 4), np.int64)


def payload_sizes(frame: pl.DataFrame) -> Ints:
    """The bytes of the payload of each row: what `payloads_of(frame).sizes` holds, at a third of the cost.

    Args:
        frame: reads the columns of `model.wire_json.WIRE_READ`.

    Raises:
        InvalidOption: the metadata or `extra` of a row is no JSON.
    """
    rows = frame.select(WIRE_READ)
    wire = rows["wire_fields"]
    bits, told = wire.fill_null(0).to_numpy(), wire.is_not_null().to_numpy()
    total = np.ones(rows.height, np.int64)
    for place, name in enumerate(WIRE_FIELDS):
        states = (bits >> np.uint32(2 * place)) & np.uint32(3)
        if not told.all():
            unsaid = np.where(_is_there(rows, name), WIRE_COLUMN, WIRE_ABSENT)
            states = np.where(told, states, unsaid)
        key = len(name) + 3 + 1
        if (as_null := states == WIRE_NULL).any():
            total[as_null] += key + _NULL_BYTES
        if (as_column := states == WIRE_COLUMN).any():
            sizes = _value_sizes(rows, name, as_column) + key
            if name == "metadata":
                sizes -= np.where(bits & np.uint32(WIRE_DATA), len("metadata") - len("data"), 0)
            total += np.where(as_column, sizes, 0)
    with_extra = rows["extra"].is_not_null().to_numpy()
    if with_extra.any():
        sizes = _object_sizes(rows, np.flatnonzero(with_extra), bits)
        total[with_extra] += np.where(sizes == 2, 0, sizes - 1)
    return np.where(total == 1, 2, total)


def _is_there(rows: pl.DataFrame, name: str) -> NDArray[np.bool_]:
    others = {"timestamp": "timestamp_original", "event_type": "event_type_raw"}
    there = rows[name].is_not_null()
    if name in others:
        there |= rows[others[name]].is_not_null()
    return there.to_numpy()


def _value_sizes(rows: pl.DataFrame, name: str, wanted: NDArray[np.bool_]) -> Ints:
    """Bytes of the values of a field; only those of `wanted` rows count."""
    column = rows[name]
    if name == "metadata":
        sizes = _metadata_sizes(rows, wanted)
    elif name == "timestamp":
        part = column.dt.microsecond().fill_null(0).to_numpy() + _offset(rows)
        plain = np.where(part % _SECOND == 0, 21, 28)
        given = rows["timestamp_original"]
        sizes = plain
        if (said := given.is_not_null().to_numpy()).any():
            sizes = np.where(said, _text_sizes(given), plain)
    elif name == "event_type":
        sizes = _text_sizes(rows.select(pl.coalesce("event_type_raw", "event_type")).to_series())
    elif column.dtype == pl.String:
        sizes = _text_sizes(column)
    else:
        sizes = column.cast(pl.String).str.len_bytes().fill_null(0).cast(pl.Int64).to_numpy()
    return np.where(_is_there(rows, name), sizes, _NULL_BYTES)


def _offset(rows: pl.DataFrame) -> Ints:
    milliseconds: Ints = rows["clock_offset_ms"].fill_null(0).to_numpy()
    return milliseconds % 1000 * 1000


def _text_sizes(texts: pl.Series) -> Ints:
    """Bytes of texts in JSON, with their quotes; of a null any number."""
    sizes = texts.str.len_bytes().fill_null(0).cast(pl.Int64) + 2
    odd = texts.str.contains(NEEDS_ESCAPE).fill_null(False)
    if odd.any():
        places = odd.arg_true()
        sizes = sizes.scatter(places, quoted(texts.gather(places)).str.len_bytes().cast(pl.Int64))
    found: Ints = sizes.to_numpy()
    return found


def _metadata_sizes(rows: pl.DataFrame, wanted: NDArray[np.bool_]) -> Ints:
    begins, data = text_bytes(rows.select(pl.when(pl.lit(pl.Series(wanted))).then("metadata")).to_series())
    room, ends = np.empty(int(begins[-1] - begins[0]) + 16, np.uint8), np.zeros(rows.height + 1, np.int64)
    wrong = write_values(data, begins, room, ends)
    if wrong >= 0 or (rows["metadata"] == "").any():
        refuse(rows, wrong if wrong >= 0 else int((rows["metadata"] == "").arg_true()[0]))
    return np.diff(ends)


def _object_sizes(rows: pl.DataFrame, places: NDArray[np.intp], bits: NDArray[np.uint32]) -> Ints:
    begins, data = text_bytes(rows["extra"].gather(pl.Series(places)))
    room, ends = np.empty(int(begins[-1] - begins[0]) + 16, np.uint8), np.zeros(places.size + 1, np.int64)
    wrapped = bits[places] // np.uint32(WIRE_WRAPPED) == 1
    wrong, _ = write_events(data, begins, wrapped, room, ends, _NONE)
    if wrong >= 0:
        refuse(rows, int(places[wrong]))
    return np.diff(ends)
