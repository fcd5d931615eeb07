"""How each top-level field came, and the text of those that no column can express: what makes a round trip equal."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from onex_analytics.sources.block import Block
from onex_analytics.sources.layout import EXTRA_ONLY, WIRE_ABSENT, WIRE_COLUMN, WIRE_EXTRA, WIRE_FIELDS, WIRE_NULL
from onex_analytics.sources.paths import PathTable
from onex_analytics.sources.scan import (
    ABSENT, ARRAY, ESCAPED, FALSE, HAS_MANY_UNKNOWN, HAS_UNKNOWN, NULL, NUMBER, OBJECT, OK, STRING, TRUE, Scan,
)

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


@njit(nogil=True, cache=True)
def _wire(kind, slots, rules, table, kept_version, version_field, only, wire, needs):  # type: ignore[no-untyped-def]
    some = False
    for i in range(kind.shape[1]):
        bits = np.uint32(0)
        need = False
        for f in range(slots.size):
            state = table[rules[f], kind[slots[f], i]]
            if f == version_field and kept_version[i]:
                state = np.uint8(WIRE_EXTRA)
            need |= state == WIRE_EXTRA
            bits |= np.uint32(state) << np.uint32(2 * f)
        for slot in only:
            need |= kind[slot, i] != ABSENT
        wire[i] = bits
        needs[i] |= need
        some |= needs[i]
    return some


@njit(nogil=True, cache=True)
def _put(buffer, begin, size, out, at):  # type: ignore[no-untyped-def]
    for k in range(size):
        out[at + k] = buffer[begin + k]
    return at + size


@njit(nogil=True, cache=True)
def _extra_texts(buffer, unknown, n_unknown, kind, offset, length, slots, is_field, keys, key_at, wire, needs, offsets, room):  # type: ignore[no-untyped-def]
    out = np.empty(room, np.uint8)
    at = 0
    for i in range(needs.size):
        offsets[i] = at
        if not needs[i]:
            continue
        out[at] = 123
        at += 1
        first = True
        for u in range(n_unknown[i]):
            if not first:
                out[at] = 44
                at += 1
            first = False
            at = _put(buffer, unknown[i, u, 0], unknown[i, u, 1] - unknown[i, u, 0], out, at)
        for s in range(slots.size):
            slot = slots[s]
            k = kind[slot, i]
            if k == ABSENT or (is_field[s] and (wire[i] >> np.uint32(2 * s)) & np.uint32(3) != WIRE_EXTRA):
                continue
            if not first:
                out[at] = 44
                at += 1
            first = False
            at = _put(keys, key_at[s], key_at[s + 1] - key_at[s], out, at)
            begin, size = offset[slot, i], length[slot, i]
            if k == STRING or k == ESCAPED:
                begin, size = begin - 1, size + 2
            at = _put(buffer, begin, size, out, at)
        out[at] = 125
        at += 1
    offsets[needs.size] = at
    return out[:at]


def wire_and_extra(block: Block, found: Scan, paths: PathTable, kept_version: NDArray[np.bool_]) -> tuple[pl.Series, pl.Series | pl.Expr]:
    """The columns `wire_fields` and `extra` of a block."""
    lines = len(block)
    names = [*WIRE_FIELDS, *EXTRA_ONLY]
    slots = np.array([paths[name] for name in names], np.int32)
    fields = len(WIRE_FIELDS)
    wire, needs = np.empty(lines, np.uint32), (found.flags & HAS_UNKNOWN) > 0
    version_field = WIRE_FIELDS.index("schema_version")
    some = _wire(found.kind, slots[:fields], _FIELD_RULES, _TABLE, kept_version, version_field, slots[fields:], wire, needs)
    needs &= found.status == OK
    context = block.context
    series = pl.Series("wire_fields", wire)
    if context is not None:
        series = pl.Series("wire_fields", wire | context["wire"].fill_null(0).to_numpy())
    extra: pl.Series | pl.Expr = pl.lit(None, dtype=pl.String)
    if some and needs.any():
        keys = [json.dumps(name).encode() + b":" for name in names]
        key_at = np.cumsum([0, *(len(k) for k in keys)]).astype(np.int64)
        longest = int(key_at[-1]) + len(names) * 3
        sizes = np.where(needs, block.ends - block.starts + longest, 0)
        offsets = np.empty(lines + 1, np.int64)
        arena = _extra_texts(
            block.buffer, found.unknown, found.n_unknown, found.kind, found.offset, found.length, slots,
            np.arange(len(names)) < fields, np.frombuffer(b"".join(keys), np.uint8), key_at, wire, needs, offsets, int(sizes.sum()) + 16,
        )
        column = pa.Array.from_buffers(
            pa.large_string(), lines, [pa.py_buffer(np.packbits(needs, bitorder="little")), pa.py_buffer(offsets), pa.py_buffer(arena)],
        )
        extra = pl.Series("extra", column)
        many = np.flatnonzero(((found.flags & HAS_MANY_UNKNOWN) > 0) & needs)
        if many.size:
            extra = extra.scatter(many, [_all_members(block.raw(row), wire[row]) for row in many.tolist()])
    if context is not None and context["envelope"].null_count() < lines:
        frame = pl.select(envelope=context["envelope"], extra=extra if isinstance(extra, pl.Series) else pl.lit(None, dtype=pl.String))
        member = pl.concat_str(pl.lit('{"envelope":'), "envelope")
        extra = frame.select(
            extra=pl.when(pl.col("envelope").is_null()).then("extra")
            .when(pl.col("extra").is_null()).then(pl.concat_str(member, pl.lit("}")))
            .otherwise(pl.concat_str(member, pl.lit(","), pl.col("extra").str.slice(1)))
        )["extra"]
    return series, extra


def _all_members(line: bytes, wire: np.uint32) -> str:
    """Members of a line with more unknown keys than the scan notes, read the slow way."""
    kept = {}
    for key, value in json.loads(line).items():
        if key in WIRE_FIELDS and (int(wire) >> (2 * WIRE_FIELDS.index(key))) & 3 != WIRE_EXTRA:
            continue
        kept[key] = value
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
