"""Kinds of values, and which comparisons have a meaning between them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal

import polars as pl

from onex_analytics.alerting.filters.syntax import Column, Constant, Source
from onex_analytics.exceptions import FilterError

Kind = Literal["text", "number", "bool", "time", "list", "nothing"]
"""What a column holds. "nothing" is a column of nulls without a type."""

NAMES: dict[Kind, str] = {
    "text": "text", "number": "numbers", "bool": "true and false", "time": "times", "list": "lists of texts",
    "nothing": "nulls only",
}  # fmt: skip
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?)?",
    re.ASCII,
)
_ALSO_CALLED = {
    "duration_ms": "execution_time_ms", "duration": "execution_time_ms", "latency_ms": "execution_time_ms",
    "type": "event_type", "event": "event_type", "status": "result_status", "error": "error_message",
    "message": "error_message", "code": "error_code", "time": "timestamp", "at": "timestamp", "service": "node",
    "name": "operation", "size": "size_bytes", "tool": "node", "id": "event_id", "version": "node_version",
}  # fmt: skip


def kind_of(dtype: pl.DataType) -> Kind | None:
    """The kind of a column of this type, None where no filter can read it."""
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return "text"
    if dtype.is_numeric():
        return "number"
    if isinstance(dtype, pl.Boolean):
        return "bool"
    if isinstance(dtype, pl.Datetime | pl.Date):
        return "time"
    if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.String):
        return "list"
    return "nothing" if isinstance(dtype, pl.Null) else None


def kind_of_column(text: str, column: Column, schema: Mapping[str, pl.DataType]) -> Kind:
    """The kind of a column that a filter names.

    Raises:
        FilterError: where the frame has no such column, or one that no filter can read.
    """
    if column.name not in schema:
        problem = f"no column is named {column.name!r}"
        raise FilterError(text, column.at, problem, mend_of_name(column.name, schema))
    kind = kind_of(schema[column.name])
    if kind is None:
        problem = f"column {column.name} holds {schema[column.name]}, which no filter reads"
        raise FilterError(text, column.at, problem, "derive a column of text, numbers or times before")
    return kind


def mend_of_name(name: str, known: Iterable[str]) -> str:
    """What to write for a name that is none.

    >>> mend_of_name("outcom", ["outcome", "node"])
    'write outcome; a value of the metadata is read by $.outcom, or declared under `dimensions`'
    """
    known = list(known)
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.6) if len(name) < 60 else []
    if (usual := _ALSO_CALLED.get(name.lower(), "")) in known:
        near = [usual]
    inside = f"a value of the metadata is read by $.{name}, or declared under `dimensions`"
    return f"write {' or '.join(near)}; {inside}" if near else f"name a column of the events; {inside}"


def kind_of_constant(constant: Constant) -> Kind:
    match constant.value:
        case bool():
            return "bool"
        case str():
            return "text"
    return "number"


def time_of(text: str) -> datetime | None:
    """The time that a text says, None where it says none. Without a zone it is UTC.

    >>> time_of("2026-11-01")
    datetime.datetime(2026, 11, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    day, minute, second, zone = found.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{minute or '00:00'}{second or ':00'}{zone or 'Z'}")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def shown(operand: Source) -> str:
    return f"column {operand.name}" if isinstance(operand, Column) else f"path {operand}"
