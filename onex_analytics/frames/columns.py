"""What a function reads: required columns, and the ways to say `by`."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.exceptions import MissingColumns


def require(frame: pl.LazyFrame, *columns: str, mend: str | None = None) -> pl.LazyFrame:
    """Pass `frame` through unchanged, or raise `MissingColumns`.

    Reads the schema only. Call it at the door of a public function, not in a loop. `mend` is said where the usual one
    would not help.

    >>> require(pl.LazyFrame({"node": ["a"]}), "node").collect_schema().names()
    ['node']
    """
    found = frame.collect_schema().names()
    if missing := [column for column in columns if column not in found]:
        raise MissingColumns(missing, found, mend) if mend else MissingColumns(missing, found)
    return frame


def names(by: str | Iterable[str]) -> list[str]:
    """The columns that `by` names: one name, or any number of them.

    >>> names("node"), names(("node", "operation")), names(())
    (['node'], ['node', 'operation'], [])
    """
    return [by] if isinstance(by, str) else list(dict.fromkeys(by))
