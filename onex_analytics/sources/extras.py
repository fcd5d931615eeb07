"""How each top-level field came, and the text of those that no column can express: what makes a round trip equal."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import polars as pl
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from onex_analytics.machine import lean, load8
from onex_analytics.model.shapes import WIRE_ABSENT, WIRE_COLUMN, WIRE_EXTRA, WIRE_FIELDS, WIRE_NULL
from onex_analytics.sources.block import Block
from onex_analytics.sources.grammar import OK
from onex_analytics.sources.layout import EXTRA_ONLY
from onex_analytics.sources.paths import PathTable
from onex_analytics.sources.scan import (
    ABSENT,
    ARRAY,
    ESCAPED,
    FALSE,
    HAS_UNKNOWN,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    TRUE,
    Scan,
)  # fmt: skip

_TEXT, _ANY, _TEXT_OR_KEPT, _NUMBER, _BOOLEAN = range(5)
_RULES = {"timestamp": _TEXT_OR_KEPT, "metadata": _ANY, "adjusted_count": _NUMBER, "is_replay": _BOOLEAN}


def _rule_table() -> NDArray[np.uint8]:
    """State of a field by rule and kind of value."""
    table = np.full((5, 9), WIRE_EXTRA, np.uint8)
    table[:, ABSENT], table[:, NULL] = WIRE_ABSENT, WIRE_NULL
    table[_TEXT, STRING] = table[_TEXT_OR_KEPT, STRING] = WIRE_COLUMN
    for kind in (FALSE, TRUE, NUMBER, STRING, ESCAPED, OBJECT, ARRAY):
        table[_ANY, kind] = WIRE_COLUMN
    table[_NUMBER, NUMBER] = WIRE_COLUMN
    table[_BOOLEAN, TRUE] = table[_BOOLEAN, FALSE] = WIRE_COLUMN
    return table


_TABLE = _rule_table()
_FIELD_RULES = np.array([_RULES.get(name, _TEXT) for name in WIRE_FIELDS], np.int64)
_NAMES = (*WIRE_FIELDS, *EXTRA_ONLY)
_KEYS = [json.dumps(name).encode() + b":" for name in _NAMES]
_KEY_AT = np.cumsum([0, *(len(key) for key in _KEYS)]).astype(np.int64)
_KEY_BYTES = np.array(bytearray(b"".join(_KEYS)), np.uint8)

Mask = NDArray[np.bool_]


@lean
def _wire(kind, length, slots, fields, rules, table, kept, wire, needs):  # type: ignore[no-untyped-def]
    """Sets the bits of each line, and whether it needs `extra`; returns the bytes that all `extra` can take."""
    some = False
    for i in range(kind.shape[1]):
        bits = np.uint32(0)
        need = needs[i]
        for f in range(fields):
            k = kind[slots[f], i]
            state = table[rules[f], k]
            if state == WIRE_COLUMN and (kept[f, i] or (k == STRING and length[slots[f], i] == 0)):
                state = np.uint8(WIRE_EXTRA)
            need |= state == WIRE_EXTRA
            bits |= np.uint32(state) << np.uint32(2 * f)
        for f in range(fields, slots.size):
            need |= kind[slots[f], i] != ABSENT
        wire[i] = bits
        needs[i] = need
        some |= need
    return some


@lean
def _put(buffer, begin, size, out, at):  # type: ignore[no-untyped-def]
    for k in range(size):
        out[at + k] = load8(buffer, begin + k)
    return at + size


@njit(nogil=True, cache=True)
def _extra_texts(  # type: ignore[no-untyped-def]
    buffer, unknown, unknown_end, kind, offset, length, slots, fields, keys, key_at, wire, needs, offsets, valid, room,
):
    out = np.empty(room, np.uint8)
    at = 0
    valid[:] = 0
    for i in range(needs.size):
        offsets[i] = at
        if not needs[i]:
            continue
        valid[i >> 3] |= np.uint8(1 << (i & 7))
        begin = at
        for u in range(unknown_end[i - 1] if i else 0, unknown_end[i]):
            out[at] = 44
            at = _put(buffer, np.intp(unknown[u, 0]), np.intp(unknown[u, 1] - unknown[u, 0]), out, at + 1)
        for s in range(slots.size):
            k = kind[slots[s], i]
            if k == ABSENT or (s < fields and (wire[i] >> np.uint32(2 * s)) & np.uint32(3) != WIRE_EXTRA):
                continue
            out[at] = 44
            at = _put(keys, key_at[s], key_at[s + 1] - key_at[s], out, at + 1)
            quotes = 1 if k in (STRING, ESCAPED) else 0
            start, size = np.intp(offset[slots[s], i]) - quotes, np.intp(length[slots[s], i]) + 2 * quotes
            at = _put(buffer, start, size, out, at)
        out[begin] = 123
        out[at] = 125
        at += 1
    offsets[needs.size] = at
    return out[:at]


def wire_and_extra(
    block: Block, found: Scan, paths: PathTable, kept: Mapping[str, Mask]
) -> tuple[pl.Series, pl.Series | pl.Expr]:
    """The columns `wire_fields` and `extra` of a block.

    Args:
        kept: rows, by field, whose column does not say just what came.
    """
    lines = len(block)
    slots = np.array([paths[name] for name in _NAMES], np.int64)
    fields = len(WIRE_FIELDS)
    # what no line has, no line can have in `extra`
    used = np.concatenate([np.ones(fields, np.bool_), found.used[slots[fields:]]])
    at = np.append(np.flatnonzero(used), len(_NAMES))
    keys = np.concatenate([np.arange(_KEY_AT[i], _KEY_AT[i + 1]) for i in at[:-1]])
    key_at = np.concatenate([[0], np.cumsum(np.diff(_KEY_AT)[at[:-1]])])
    slots = slots[used]
    also = np.zeros((fields, lines), np.bool_)
    for name, mask in kept.items():
        also[WIRE_FIELDS.index(name)] = mask
    wire, needs = np.empty(lines, np.uint32), ((found.flags & HAS_UNKNOWN) > 0) & (found.status == OK)
    some = _wire(found.kind, found.length, slots, fields, _FIELD_RULES, _TABLE, also, wire, needs)
    context = block.context
    series = pl.Series("wire_fields", wire)
    if context is not None:
        series = pl.Series("wire_fields", wire | context["wire"].fill_null(0).to_numpy())
    extra: pl.Series | pl.Expr = pl.lit(None, dtype=pl.String)
    needs &= found.status == OK
    if some and needs.any():
        room = int((block.ends - block.starts)[needs].sum(dtype=np.int64)) + int(needs.sum()) * (keys.size + 64) + 16
        offsets, valid = np.empty(lines + 1, np.int64), np.empty((lines + 7) >> 3, np.uint8)
        arena = _extra_texts(
            block.buffer, found.unknown, found.unknown_end, found.kind, found.offset, found.length, slots, fields,
            _KEY_BYTES[keys], key_at, wire, needs, offsets, valid, room,
        )
        buffers = [pa.py_buffer(valid), pa.py_buffer(offsets), pa.py_buffer(arena)]
        extra = pl.Series("extra", pa.Array.from_buffers(pa.large_string(), lines, buffers))
    if context is not None and context["envelope"].null_count() < lines:
        extra = _with_envelope(context["envelope"], extra)
    return series, extra


def _with_envelope(envelope: pl.Series, extra: pl.Series | pl.Expr) -> pl.Series:
    """`extra` with what stood around the event as its first member."""
    if isinstance(extra, pl.Expr):
        return pl.select(pl.concat_str(pl.lit('{"envelope":'), envelope, pl.lit("}")).alias("extra")).to_series()
    member = pl.concat_str(pl.lit('{"envelope":'), pl.col("envelope"))
    return pl.select(envelope=envelope, extra=extra).select(
        extra=pl.when(pl.col("envelope").is_null())
        .then("extra")
        .when(pl.col("extra").is_null())
        .then(pl.concat_str(member, pl.lit("}")))
        .otherwise(pl.concat_str(member, pl.lit(","), pl.col("extra").str.slice(1)))
    )["extra"]
