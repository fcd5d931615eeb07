"""The schema version of each event as it came: text, an object, or nothing (which means 1.0.0)."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import UnknownVersion
from onex_analytics.model.versions import NEWEST, OLDEST, SchemaVersion
from onex_analytics.sources.paths import PathTable
from onex_analytics.sources.scan import NULL, STRING, Scan
from onex_analytics.sources.spans import slot_spans
from onex_analytics.sources.texts import by_code, intern_json

_NEWEST_MAJOR = SchemaVersion.parse(NEWEST).major
"""An event of a later major is set aside: its fields may mean something else."""

_LONGEST = 400
"""Bytes of JSON beyond which nothing is a version."""

Mask = NDArray[np.bool_]


def version_columns(
    buffer: NDArray[np.uint8], found: Scan, paths: PathTable
) -> tuple[pl.Series | pl.Expr, Mask, Mask, Mask]:
    """(the column, rows whose field must be kept in `extra`, rows of a newer major, rows that hold no version)."""
    spans = slot_spans(found, paths["schema_version"])
    if not spans.any():
        nothing = np.zeros(spans.kind.size, np.bool_)
        return pl.lit(OLDEST), nothing, nothing, nothing
    codes, stated = intern_json(buffer, spans)
    read = [_read(raw) for raw in stated.to_list()]
    newer = np.array([*(v is not None and v.major > _NEWEST_MAJOR for _, v in read), False])[codes]
    odd = np.array([*(v is None for _, v in read), False])[codes]
    kept = (spans.kind > NULL) & (spans.kind != STRING)
    texts = [OLDEST if text is None else text for text, _ in read]
    # the version of a line that names none stands behind the others
    column = by_code(np.where(codes < 0, len(texts), codes).astype(np.int32), [*texts, OLDEST], "schema_version")
    return column, kept, newer, odd


def _read(raw: str) -> tuple[str | None, SchemaVersion | None]:
    """The text of the column (as it was stated, or of an object its parts) and the version, None where it is none."""
    if len(raw) > _LONGEST or raw[0] not in '"{':
        return None, None
    value = json.loads(raw)
    try:
        version = SchemaVersion.parse(value)
    except UnknownVersion:
        return _clean(value) if isinstance(value, str) else None, None
    return value if isinstance(value, str) else str(version), version


def _clean(text: str) -> str:
    """The text without lone surrogates, which no UTF-8 can hold."""
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
