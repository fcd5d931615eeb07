"""Rows of a table as lines: each becomes the JSON text of the event it holds, and passes the gate as any line does.

A null is a field that is absent. Text that is a JSON object or array goes in as it is where a field holds JSON
(`JSON_FIELDS`); all other text is quoted. A table without `metadata` is a flat one: its columns that are named like
metadata (`operation`, `execution_time_ms`, …) make it.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from onex_analytics.exceptions import MissingColumns
from onex_analytics.model.shapes import EVENTS, PROFILE_NUMBERS, WIRE_FIELDS
from onex_analytics.sources.block import CONTEXT, Block, Rejection
from onex_analytics.sources.grammar import NOT_AN_OBJECT, OK
from onex_analytics.sources.ledger import LEDGER_COLUMNS, ledger_blocks
from onex_analytics.sources.lines import PADDING
from onex_analytics.sources.paths import compile_paths
from onex_analytics.sources.scan import scan
from onex_analytics.sources.units import block_parts

JSON_FIELDS = frozenset({"metadata", "payload", "data", "envelope", "schema_version", "onex_version"})
"""Columns whose text may be JSON."""

_HOLDERS = ("metadata", "payload", "data", "envelope")
_IDS = ("event_id", "envelope_id", "message_id", "id", *_HOLDERS)
_NUMBERS = frozenset({"adjusted_count", "sampling_probability", "partition", "offset", "kafka_offset"})
_BOOLEANS = frozenset({"is_replay", "success"})
_LIFTED = frozenset({
    "operation", "function", "execution_time_ms", "duration_ms", "success", "error", "error_type", "error_code",
    "error_message", "severity", "recoverable", "level", "node_version", *PROFILE_NUMBERS,
})  # fmt: skip
_DERIVED = frozenset({
    "family", "outcome", "node", "result_status", "input_hash", "violations", "size_bytes", "ingested_at", "source",
    "wire_fields", "clock_offset_ms", "timestamp_original", "event_type_raw", "arrived_at", "source_offset", "extra",
})  # fmt: skip
_WHOLE = frozenset({*WIRE_FIELDS, "wire_fields", "extra", "timestamp_original", "event_type_raw"})
"""Columns of `model.EVENTS` from which an event can be written just as it came."""

_NUMBER = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$"
_ISO = "%Y-%m-%dT%H:%M:%S%.f"
_BARE = compile_paths([])


class Places(NamedTuple):
    """Where rows stand in their table, one entry a row."""

    lines: NDArray[np.int64]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64] | None = None

    def take(self, part: slice) -> Places:
        return Places(self.lines[part], self.offsets[part], None if self.sizes is None else self.sizes[part])


def numbered(first: int, rows: int) -> Places:
    """Places of rows that are known by their number alone, the first of them `first`."""
    numbers = np.arange(first, first + rows, dtype=np.int64)
    return Places(numbers, numbers)


def require_events(columns: list[str]) -> None:
    """Raise `MissingColumns` where a table can hold no event: no id, nothing that holds one, and no ledger."""
    if not (set(columns) & set(_IDS) or set(columns) >= LEDGER_COLUMNS):
        raise MissingColumns(["event_id", "timestamp", "node_id", "event_type"], columns)


def row_blocks(frame: pl.DataFrame, source: str, places: Places) -> tuple[list[Block], list[Rejection]]:
    """Blocks of the rows of a table, and the rows that hold nothing which could be a line."""
    if set(frame.columns) >= LEDGER_COLUMNS:
        return ledger_blocks(frame, places.lines)
    context = None
    whole = _whole_texts(frame) if set(frame.columns) >= _WHOLE else None
    if whole is not None:
        texts, context = whole
    else:
        texts = _plain_texts(frame)
        if "arrived_at" in frame.columns and {"family", "outcome"} <= set(frame.columns):
            context = _context(frame)
    return text_blocks(texts, source, places, context), []


def text_blocks(texts: pl.Series, source: str, places: Places, context: pl.DataFrame | None = None) -> list[Block]:
    """Blocks of texts, one a line; none may be null or empty."""
    buffer, ends = _bytes(texts)
    starts = ends[:-1]
    blocks = []
    for part in block_parts(starts):
        begin, end = int(starts[part.start]), int(ends[part.stop])
        piece = np.zeros(end - begin + PADDING, np.uint8)
        piece[: end - begin] = buffer[begin:end]
        here, spans = places.take(part), (ends[part.start : part.stop + 1] - begin).astype(np.int32)
        blocks.append(Block(
            piece, spans[:-1], spans[1:], here.lines, source, offsets=here.offsets,
            sizes=here.sizes, context=None if context is None else context[part],
        ))  # fmt: skip
    return blocks


def is_json(texts: pl.Series) -> pl.Series:
    """True where a text is a JSON object or array and nothing else; texts must begin and end without white space."""
    first = texts.str.head(1)
    likely = ((first == "{") | (first == "[")).fill_null(False)
    rows = likely.arg_true()
    found = np.zeros(len(texts), np.bool_)
    if len(rows):
        buffer, ends = _bytes(texts.gather(rows))
        padded = np.zeros(buffer.size + PADDING, np.uint8)
        padded[: buffer.size] = buffer
        status = scan(padded, ends[:-1].astype(np.int32), ends[1:].astype(np.int32), _BARE).status
        found[rows.to_numpy()] = (status == OK) | (status == NOT_AN_OBJECT)
    return pl.Series(texts.name, found)


def _bytes(texts: pl.Series) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The bytes of texts one behind the other, and where each ends, with a zero before."""
    column = texts.to_frame().to_arrow(compat_level=pl.CompatLevel.oldest()).column(0).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.large_string())
    _, offsets, data = column.buffers()
    ends = np.zeros(1, np.int64)
    if offsets is not None and len(column):
        ends = np.frombuffer(offsets, np.int64, len(column) + 1, column.offset * 8)
    return np.frombuffer(data or b"", np.uint8), ends


# ---------------------------------------------------------------------------------------------- our own frames


def _whole_texts(frame: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame] | None:
    """The lines of a canonical frame just as they came; None where a column does not hold what its name says."""
    from onex_analytics.sources.wire import event_contexts, event_texts

    try:
        events = frame.select(
            _as(name, frame.schema[name], dtype) if name in frame.columns else pl.lit(None, dtype=dtype).alias(name)
            for name, dtype in EVENTS.items()
        )
    except pl.exceptions.PolarsError:
        return None
    if any(events[name].null_count() for name in ("timestamp", "wire_fields", "event_id", "node_id", "event_type")):
        return None
    return event_texts(events), event_contexts(events)


def _as(name: str, found: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if found == wanted:
        return column
    if isinstance(wanted, pl.Datetime) and found == pl.String:
        return column.str.to_datetime(time_unit="us", time_zone="UTC", strict=True)
    if wanted == pl.Boolean and found == pl.String:
        return column.str.to_lowercase().replace_strict({"true": True, "false": False}, return_dtype=pl.Boolean)
    if isinstance(wanted, pl.List) and found == pl.String:
        return pl.lit(None, dtype=wanted).alias(name)
    return column.cast(wanted)


def _context(frame: pl.DataFrame) -> pl.DataFrame:
    """What our own columns know of the place and the arrival of an event."""
    given = {}
    for name in ("arrived_at", "source", "source_offset", "size_bytes"):
        if name in frame.columns:
            column = _as(name, frame.schema[name], EVENTS[name])
            given[name] = column.dt.timestamp("us") if name == "arrived_at" else column
    missing = {n: pl.lit(None, dtype=t) for n, t in CONTEXT.items() if n not in given}
    return frame.select(**given, **missing).select(pl.col(n).cast(t) for n, t in CONTEXT.items())


# ---------------------------------------------------------------------------------------------- anyone's tables


def _plain_texts(frame: pl.DataFrame) -> pl.Series:
    names = set(frame.columns)
    ours = {"family", "outcome"} <= names
    flat = not names & set(_HOLDERS)
    outer, inner = [], []
    for name in frame.columns:
        if ours and name in _DERIVED:
            continue
        if name in _LIFTED and (flat or ours):
            if flat:
                inner.append(_member(frame[name]))
            continue
        column = frame[name]
        if ours and name == "timestamp":
            column = _timestamp_that_came(frame)
        elif ours and name == "event_type" and "event_type_raw" in names:
            column = frame.select(pl.coalesce("event_type_raw", "event_type").alias("event_type")).to_series()
        elif ours and name == "adjusted_count":
            column = frame.select(pl.col(name).replace(1.0, None)).to_series()
        outer.append(_member(column))
    if inner:
        outer.append(_joined(inner, frame.height, '"metadata":{', "}").alias("metadata"))
    if ours and "extra" in names and frame.schema["extra"] == pl.String:
        members = frame["extra"].str.strip_chars(" \t\r\n").str.slice(1).str.head(-1).str.strip_chars(" \t\r\n")
        outer.append(pl.select(pl.when(pl.Series(is_json(frame["extra"])) & (members != "")).then(members)).to_series())
    return _joined(outer, frame.height, "{", "}")


def _timestamp_that_came(frame: pl.DataFrame) -> pl.Series:
    column = frame["timestamp"]
    if "timestamp_original" not in frame.columns or not isinstance(column.dtype, pl.Datetime):
        return column
    plain = pl.col("timestamp").dt.replace_time_zone(None).dt.strftime(_ISO)
    return frame.select(pl.coalesce("timestamp_original", plain).alias("timestamp")).to_series()


def _joined(members: list[pl.Series], rows: int, head: str, tail: str) -> pl.Series:
    named = [m.alias(f"{i}") for i, m in enumerate(members)]
    if not named:
        return pl.Series("line", [head + tail]).new_from_index(0, rows)
    inside = pl.concat_str(pl.all(), separator=",", ignore_nulls=True)
    return pl.DataFrame(named).select(line=pl.concat_str(pl.lit(head), inside, pl.lit(tail))).to_series()


def _member(column: pl.Series) -> pl.Series:
    """`"name":value` for each row; null where the row says nothing."""
    values = _values(column)
    key = json.dumps(column.name, ensure_ascii=False) + ":"
    return values.to_frame("value").select(pl.concat_str(pl.lit(key), "value")).to_series()


def _values(column: pl.Series) -> pl.Series:
    """The JSON text of each value."""
    name, dtype = column.name, column.dtype
    if dtype == pl.Null:
        return column.cast(pl.String)
    if isinstance(dtype, pl.Decimal) or dtype.is_integer():
        return column.cast(pl.String)
    if dtype == pl.Date and name == "timestamp":
        column = column.cast(pl.Datetime("us"))
    if dtype == pl.Binary:
        column = binary_texts(column)
    if isinstance(dtype, pl.Categorical | pl.Enum):
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        return _texts(column)
    if _is_map(column.dtype):
        return _map(column)
    plain = column.to_frame().select(_plain(pl.col(name), column.dtype).alias("v"))
    return plain.select(
        pl.when(pl.col("v").is_not_null()).then(pl.struct("v").struct.json_encode().str.slice(5).str.head(-1))
    ).to_series()


def _texts(column: pl.Series) -> pl.Series:
    quoted = pl.struct(v=pl.col("v")).struct.json_encode().str.slice(5).str.head(-1)
    text = pl.when(pl.col("v").is_not_null()).then(quoted)
    frame = column.to_frame("v")
    if column.name in JSON_FIELDS:
        stripped = column.str.strip_chars(" \t\r\n")
        return frame.select(pl.when(is_json(stripped)).then(stripped).otherwise(text)).to_series()
    if column.name in _NUMBERS:
        return frame.select(pl.when(pl.col("v").str.contains(_NUMBER)).then("v").otherwise(text)).to_series()
    if column.name in _BOOLEANS:
        word = pl.col("v").str.to_lowercase()
        return frame.select(pl.when(word.is_in(["true", "false"])).then(word).otherwise(text)).to_series()
    return frame.select(text).to_series()


def _plain(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A value with its times as ISO 8601 text and its words as text, at any depth."""
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is None:
            return value.dt.strftime(_ISO)
        return value.dt.convert_time_zone("UTC").dt.strftime(_ISO + "Z")
    if isinstance(dtype, pl.Binary):
        return value.bin.encode("hex")
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return value.cast(pl.String)
    if isinstance(dtype, pl.Array):
        return _plain(value.arr.to_list(), pl.List(dtype.inner))
    if isinstance(dtype, pl.List) and not _is_simple(dtype):
        return value.list.eval(_plain(pl.element(), _type(dtype.inner)))
    if isinstance(dtype, pl.Struct) and not _is_simple(dtype):
        fields = [_plain(value.struct.field(f.name), _type(f.dtype)).alias(f.name) for f in dtype.fields]
        return pl.when(value.is_not_null()).then(pl.struct(fields))
    return value


def _is_simple(dtype: pl.DataType) -> bool:
    """Whether a nested type holds only what Polars writes as we do."""
    if isinstance(dtype, pl.List):
        return _is_simple(_type(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return bool(dtype.fields) and all(_is_simple(_type(f.dtype)) for f in dtype.fields)
    return dtype.is_integer() or dtype.is_float() or dtype in (pl.String, pl.Boolean, pl.Null)


def _type(dtype: object) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype  # type: ignore[return-value]


def _is_map(dtype: pl.DataType) -> bool:
    """Arrow's maps come as lists of (key, value)."""
    inner = _type(dtype.inner) if isinstance(dtype, pl.List) else None
    if not isinstance(inner, pl.Struct) or [f.name for f in inner.fields] != ["key", "value"]:
        return False
    return inner.fields[0].dtype == pl.String


def _map(column: pl.Series) -> pl.Series:
    """Maps as JSON objects."""
    pairs = column.to_frame("v").with_row_index("row").explode("v", keep_nulls=False, empty_as_null=False).unnest("v")
    keys, values = _texts(pairs["key"].alias("")), _values(pairs["value"].alias(""))
    members = pairs.select("row", pl.concat_str(keys, pl.lit(":"), values.fill_null("null")).alias("member"))
    objects = members.group_by("row").agg(pl.col("member").str.join(","))
    rows = column.to_frame("v").with_row_index("row").join(objects, on="row", how="left", maintain_order="left")
    text = pl.concat_str(pl.lit("{"), pl.col("member").fill_null(""), pl.lit("}"))
    return rows.select(pl.when(pl.col("v").is_not_null()).then(text)).to_series()


def binary_texts(column: pl.Series) -> pl.Series:
    """Bytes as text: UUIDs where all are 16 bytes of an id, else UTF-8, else hexadecimal digits."""
    sizes = column.bin.size()
    if column.name.endswith("id") and (sizes.drop_nulls() == 16).all():
        digits = pl.col("v").bin.encode("hex")
        cuts = [(0, 8), (8, 4), (12, 4), (16, 4), (20, 12)]
        uuid = pl.concat_str([digits.str.slice(a, n) for a, n in cuts], separator="-")
        return column.to_frame("v").select(uuid.alias(column.name)).to_series()
    try:
        return column.cast(pl.String)
    except pl.exceptions.ComputeError:
        return pl.Series(column.name, [None if v is None else _decoded(v) for v in column], dtype=pl.String)


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()
