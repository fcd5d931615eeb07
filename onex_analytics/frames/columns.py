"""What a function reads: required columns, and the ways to say `by`."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.exceptions import InvalidOption, MissingColumns


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


def require_times(frame: pl.LazyFrame, *columns: str) -> pl.LazyFrame:
    """As `require`, of columns that hold times; those of a frame without any value may have no type.

    Raises:
        MissingColumns: a column is not there.
        InvalidOption: a column holds something else, such as text.

    >>> require_times(pl.LazyFrame(schema={"timestamp": pl.Datetime("us", "UTC")}), "timestamp").collect().height
    0
    """
    schema = require(frame, *columns).collect_schema()
    for column in columns:
        if not isinstance(schema[column], (pl.Datetime, pl.Null)):
            wanted = f'times: mend text by `pl.col("{column}").str.to_datetime(time_zone="UTC")`'
            raise InvalidOption(column, f"a column of {schema[column]}", wanted)
    return frame


def names(by: str | Iterable[str]) -> list[str]:
    """The columns that `by` names: one name, or any number of them.

    >>> names("node"), names(("node", "operation")), names(())
    (['node'], ['node', 'operation'], [])
    """
    return [by] if isinstance(by, str) else list(dict.fromkeys(by))
