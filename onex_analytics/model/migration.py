"""The chain of versions on a whole frame of events."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Final

import polars as pl

from onex_analytics.exceptions import LossyDowncast, UnknownVersion
from onex_analytics.model.shapes import WIRE_ABSENT, WIRE_COLUMN, WIRE_FIELDS
from onex_analytics.model.upcasters import ORIGINAL_TRACE_ID, hex_trace_id
from onex_analytics.model.versions import FIELDS_ADDED, NEWEST, OLDEST, VERSIONS, SchemaVersion

_MINORS: Final = 10**9
_TWO: Final = 2 * _MINORS


def migrate(events: pl.LazyFrame, *, to: str = NEWEST, allow_loss: bool = False) -> pl.LazyFrame:
    """Events as another schema version has them; a row that is of that minor already stays as it is.

    Args:
        events: rows of `EVENTS`; reads `schema_version`, and whatever of `trace_id`, `extra` and the fields that
            versions brought is there. Further columns and the order pass through.
        to: one of `VERSIONS`.
        allow_loss: let a downcast drop what the older version has no place for.

    Returns:
        The same rows and columns, a newer minor than ours treated as the newest that we know. Below `to`:
        `schema_version` is `to`, and the way to 2.0.0 makes `trace_id` 16 bytes of hex, with its text kept in
        `extra` as `trace_id_original`. Above `to`: the columns that `to` lacks are null (`adjusted_count` is 1.0),
        their fields in `extra` are gone, and the trace id is given back.
        `wire_fields` says that what changed stands in its column, and that what is gone is absent.
        `metadata` stays the text that came: what a step lifts out of it is a column already. A row of a newer
        major than we know stays as it is.

    Raises:
        UnknownVersion: `to` is none of `VERSIONS`.
        LossyDowncast: when collected, if a row holds what would be dropped and `allow_loss` is false; `dropped`
            names the fields of the rows that were come upon first.

    >>> rows = pl.LazyFrame({"schema_version": ["1.0.0", "1.2.0"], "trace_id": [None, "0af76519-16cd-43dd-8448-eb211c80319c"]})
    >>> migrate(rows, to="2.0.0").collect().rows()
    [('2.0.0', None), ('2.0.0', '0af7651916cd43dd8448eb211c80319c')]
    >>> migrate(rows, to="1.0.0", allow_loss=True).collect().rows()
    [('1.0.0', None), ('1.0.0', None)]
    """  # noqa: E501
    if to not in VERSIONS:
        raise UnknownVersion(to, VERSIONS)
    columns = events.collect_schema().names()
    below, above = _known_rank() < _rank_of(to), _known_rank() > _rank_of(to)
    newer_minor = (_known_rank() == _rank_of(to)) & (_rank() > _rank_of(to))
    lost = [name for version in VERSIONS[VERSIONS.index(to) + 1 :] for name in FIELDS_ADDED[version]]
    lost = [name for name in lost if name != "schema_version"]
    if lost and not allow_loss:
        events = _refuse_loss(events, above, lost, to)
    if "trace_id" in columns:
        if _rank_of(to) >= _TWO:
            events = events.with_columns(_made_hex(below & (_known_rank() < _TWO), "extra" in columns))
        elif "extra" in columns:
            events = events.with_columns(_given_back(above & (_known_rank() >= _TWO)))
    if "wire_fields" in columns:
        events = events.with_columns(_wired(below | newer_minor, above, lost, to))
    changes = [_without(name, above) for name in lost if name in columns]
    changed = below | above | newer_minor
    if "extra" in columns:
        events = events.with_columns(_extra_without({"schema_version"}, changed))
        changes += [_extra_without(lost, above)] if lost else []
    version = pl.when(changed).then(pl.lit(to)).otherwise("schema_version").alias("schema_version")
    return events.with_columns(*changes, version)


def _rank() -> pl.Expr:
    """Major and minor of a row's version as one number, null where it cannot be read."""
    text = pl.col("schema_version").fill_null(OLDEST)
    major, minor = (text.str.extract(r"^\s*v?(\d{1,9})\.(\d{1,9})", i).cast(pl.Int64) for i in (1, 2))
    return major * _MINORS + minor


def _known_rank() -> pl.Expr:
    """The rank of the newest version that we know of a row's major and no newer minor; null where there is none."""
    rank = pl.lit(None, dtype=pl.Int64)
    for version in VERSIONS:
        rank = pl.when(_rank() >= _rank_of(version)).then(pl.lit(_rank_of(version), dtype=pl.Int64)).otherwise(rank)
    return pl.when(_rank() < _TWO + _MINORS).then(rank)


def _rank_of(text: str) -> int:
    version = SchemaVersion.parse(text)
    return version.major * _MINORS + version.minor


def _wired(below: pl.Expr, above: pl.Expr, lost: Collection[str], to: str) -> pl.Expr:
    """`wire_fields` of the migrated rows, so that they are written as they now stand."""
    gone = {name: WIRE_ABSENT for name in lost if name in WIRE_FIELDS}
    version = {"schema_version": WIRE_ABSENT if to == OLDEST else WIRE_COLUMN}
    wire = pl.when(below).then(_set_bits(version)).when(above).then(_set_bits(gone | version))
    return wire.otherwise("wire_fields").alias("wire_fields")


def _set_bits(fields: Mapping[str, int]) -> pl.Expr:
    at = {name: 2 * WIRE_FIELDS.index(name) for name in fields}
    cleared = pl.lit(~sum(0b11 << at[name] for name in fields) & 0xFFFF_FFFF, dtype=pl.UInt32)
    made = pl.lit(sum(value << at[name] for name, value in fields.items()), dtype=pl.UInt32)
    return (pl.col("wire_fields") & cleared) | made


def _without(name: str, rows: pl.Expr) -> pl.Expr:
    absent = pl.lit(1.0) if name == "adjusted_count" else pl.lit(None)
    return pl.when(rows).then(absent).otherwise(name).alias(name)


def _made_hex(rows: pl.Expr, keep: bool) -> list[pl.Expr]:
    """`trace_id` as 16 bytes of hex in these rows, and its text in `extra` where that changes it."""
    given = pl.when(rows & (pl.col("trace_id") != "")).then("trace_id")
    plain = given.str.replace_all("-", "", literal=True).str.to_lowercase()
    is_hex = plain.str.contains(r"^[0-9a-f]{32}$") & (plain != "0" * 32)
    hashed = pl.when(~is_hex).then(given).map_batches(_hashed, return_dtype=pl.String, is_elementwise=True)
    made = pl.when(is_hex).then(plain).otherwise(hashed)
    changed = made != pl.col("trace_id")
    made_hex = pl.coalesce(made, "trace_id").alias("trace_id")
    if not keep:
        return [made_hex]
    original = pl.struct(pl.col("trace_id").alias(ORIGINAL_TRACE_ID)).struct.json_encode()
    return [made_hex, pl.when(changed).then(_joined(original, pl.col("extra"))).otherwise("extra").alias("extra")]


def _given_back(rows: pl.Expr) -> list[pl.Expr]:
    """The trace id as it was before `_made_hex`, which also leaves `extra`."""
    original = pl.when(rows).then(pl.col("extra").str.json_path_match(f"$.{ORIGINAL_TRACE_ID}"))
    rest = _extra_without({ORIGINAL_TRACE_ID}, original.is_not_null())
    return [pl.coalesce(original, "trace_id").alias("trace_id"), rest]


def _joined(first: pl.Expr, second: pl.Expr) -> pl.Expr:
    """Two JSON objects as one text; the second may be null or empty."""
    inner = second.fill_null("{}").str.strip_chars().str.slice(1).str.strip_chars_start()
    return pl.when(inner == "}").then(first).otherwise(first.str.head(-1) + pl.lit(",") + inner)


def _hashed(trace_ids: pl.Series) -> pl.Series:
    """Every distinct trace id is hashed once."""
    distinct = trace_ids.drop_nulls().unique()
    hashes = pl.Series([hex_trace_id(t) for t in distinct], dtype=pl.String)
    return trace_ids.replace_strict(distinct, hashes, default=None, return_dtype=pl.String)


def _extra_without(names: Collection[str], rows: pl.Expr) -> pl.Expr:
    """`extra` without these keys, null where nothing is left; the text of what stays is untouched."""

    def cut(texts: pl.Series) -> pl.Series:
        distinct = texts.drop_nulls().unique()
        left = [_object({k: v for k, v in members(t).items() if k not in names}) for t in distinct]
        return texts.replace_strict(distinct, pl.Series(left, dtype=pl.String), default=None, return_dtype=pl.String)

    touched = rows & _holds_any(names)
    cut_text = pl.when(touched).then("extra").map_batches(cut, return_dtype=pl.String, is_elementwise=True)
    return pl.when(touched).then(cut_text).otherwise("extra").alias("extra")


def _holds_any(names: Collection[str]) -> pl.Expr:
    return pl.col("extra").str.contains_any([f'"{name}"' for name in sorted(names)]).fill_null(False)


def _refuse_loss(events: pl.LazyFrame, above: pl.Expr, lost: list[str], to: str) -> pl.LazyFrame:
    def checked(batch: pl.DataFrame) -> pl.DataFrame:
        rows = batch.filter(above)
        if rows.is_empty():
            return batch
        held = {name for name in lost if name in rows.columns and _says_something(rows[name])}
        if "extra" in rows.columns:
            for text in rows.filter(_holds_any(lost))["extra"].unique():
                held |= {name for name, value in members(text).items() if name in lost and value != "null"}
        if held:
            newest = max(rows["schema_version"].unique(), key=SchemaVersion.parse)
            raise LossyDowncast(newest, to, [name for name in lost if name in held])
        return batch

    return events.map_batches(checked, projection_pushdown=False, streamable=True)


def _says_something(column: pl.Series) -> bool:
    column = column.drop_nulls()
    return bool((column != 1.0).any()) if column.name == "adjusted_count" else len(column) > 0


_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def members(text: str) -> dict[str, str]:
    """The keys of a JSON object with their values as the very text that stands there.

    >>> members('{"a": 1.50, "b": {"c": [1, 2]}}')
    {'a': '1.50', 'b': '{"c": [1, 2]}'}
    """
    found: dict[str, str] = {}

    def after_blanks(at: int) -> int:
        blank = _BLANK.match(text, at)
        return blank.end() if blank else at

    at = after_blanks(after_blanks(0) + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        start = after_blanks(after_blanks(at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        found[key] = text[start:end]
        at = after_blanks(end)
        at = after_blanks(at + 1) if text[at] == "," else at
    return found


def _object(parts: dict[str, str]) -> str | None:
    if not parts:
        return None
    return "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{value}" for key, value in parts.items()) + "}"
