"""The groups of a result: which columns tell them apart, what they are called, and how many a figure can show."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import polars as pl

_QUANTILE = re.compile(r"p\d+(_\d+)?_ms")
MOST_COLOURS = 10


def quantile_columns(frame: pl.DataFrame) -> list[str]:
    """The columns of percentiles, the lowest first.

    >>> quantile_columns(pl.DataFrame(schema=["p99_ms", "p50_ms", "p99_9_ms", "mean_ms"]))
    ['p50_ms', 'p99_ms', 'p99_9_ms']
    """
    found = [name for name in frame.columns if _QUANTILE.fullmatch(name)]
    return sorted(found, key=lambda name: float(name[1:-3].replace("_", ".")))


def percentile(column: str) -> str:
    """What people call the column.

    >>> percentile("p99_9_ms")
    'p99.9'
    """
    return column.removesuffix("_ms").replace("_", ".")


def keys_of(frame: pl.DataFrame, known: Collection[str]) -> list[str]:
    """The columns of `by`: those that the analysis does not make itself."""
    return [name for name in frame.columns if name not in known and not _QUANTILE.fullmatch(name)]


def name_of(row: Mapping[str, Any], keys: Sequence[str]) -> str:
    """What a group is called: its values, each once.

    >>> name_of({"node": "a", "operation": None}, ["node", "operation"]), name_of({}, [])
    ('a · –', 'all')
    """
    words = ["–" if row[key] is None else " › ".join(row[key]) if isinstance(row[key], list) else str(row[key])
             for key in keys]  # fmt: skip
    return " · ".join(dict.fromkeys(words)) or "all"


def parts_of(frame: pl.DataFrame, keys: Sequence[str]) -> list[tuple[str, pl.DataFrame]]:
    """Each group with its name, as the frame orders them."""
    if not keys:
        return [("all", frame)]
    parts = frame.partition_by(keys, maintain_order=True)
    return [(name_of(part.row(0, named=True), keys), part) for part in parts]


def count(n: int, one: str, many: str | None = None) -> str:
    """A number of things.

    >>> count(1, "span"), count(1200, "span"), count(2, "series", "series")
    ('1 span', '1,200 spans', '2 series')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def sentence(*parts: str) -> str:
    """Those of the parts that say something, as one text.

    >>> sentence("a.", "", "b.")
    'a. b.'
    """
    return " ".join(part for part in parts if part)
