"""The schema version of each event as it came: text, an object, or nothing (which means 1.0.0)."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.sources.columns import IS_NUMBER, floats, intern, slot_spans, text
from onex_analytics.sources.paths import PathTable
from onex_analytics.sources.scan import ESCAPED, NULL, OBJECT, STRING, Scan

NEWEST_MAJOR = 2
"""An event of a later major is set aside: its fields may mean something else."""

_VERSION = re.compile(r"^v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$")

Mask = NDArray[np.bool_]


def version_columns(buffer: NDArray[np.uint8], found: Scan, paths: PathTable) -> tuple[pl.Series | pl.Expr, Mask, Mask, Mask]:
    """(the column, rows whose field must be kept in `extra`, rows of a newer major, rows that hold no version)."""
    spans = slot_spans(found, paths["schema_version"])
    nothing = np.zeros(spans.kind.size, np.bool_)
    if not (spans.kind > NULL).any():
        return pl.lit("1.0.0"), nothing, nothing, nothing
    codes, texts = intern(buffer, spans)
    stated = texts.to_list()
    matches = [_VERSION.match(t) for t in stated]
    values = pl.Series(stated, dtype=pl.String)
    column = values.gather(pl.Series(codes).replace(-1, None)).to_list() if (codes < 0).any() else values.gather(codes).to_list()
    newer = np.isin(codes, [i for i, m in enumerate(matches) if m and int(m[1]) > NEWEST_MAJOR])
    odd = np.isin(codes, [i for i, m in enumerate(matches) if not m])
    odd |= (spans.kind > NULL) & (spans.kind != STRING) & (spans.kind != ESCAPED) & (spans.kind != OBJECT)
    kept = (spans.kind > NULL) & (spans.kind != STRING)
    objects = np.flatnonzero(spans.kind == OBJECT)
    if objects.size:
        parts, usable = [], np.ones(objects.size, np.bool_)
        for part in ("major", "minor", "patch"):
            numbers, states = floats(buffer, slot_spans(found, paths[f"schema_version.{part}"]).take(objects))
            usable &= (states == IS_NUMBER) & (numbers >= 0) & (numbers < 1e6) & (numbers == np.trunc(numbers))
            parts.append(numbers)
        prerelease = text("prerelease", buffer, slot_spans(found, paths["schema_version.prerelease"]).take(objects)).to_list()
        for i, row in enumerate(objects.tolist()):
            if not usable[i]:
                odd[row] = True
                continue
            major, minor, patch = (int(p[i]) for p in parts)
            column[row] = f"{major}.{minor}.{patch}" + (f"-{prerelease[i]}" if prerelease[i] else "")
            newer[row] = major > NEWEST_MAJOR
    return pl.Series("schema_version", column, dtype=pl.String).fill_null("1.0.0"), kept, newer, odd
