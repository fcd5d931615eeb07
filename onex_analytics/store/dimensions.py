"""A store's dimensions: declared once in the log, lifted at append, backfilled when one is added."""

from __future__ import annotations

import time
from typing import Any

import polars as pl
from deltalake import Field, Schema
from deltalake.transaction import RemoveAction

from onex_analytics.exceptions import InvalidOption
from onex_analytics.sources.layout import Dimension, parse_dimensions
from onex_analytics.sources.lifting import lift
from onex_analytics.store.failures import in_our_words, retry_lost
from onex_analytics.store.rest import stored_schema
from onex_analytics.store.storage import StoredFile, Table

_DECLARED, _ANNOUNCED = "dimensions", "dimensions_begun"


def stored(table: Table) -> dict[str, Dimension]:
    """The dimensions that a table declares."""
    return parse_dimensions(table.described().get(_DECLARED) or {})


def add(table: Table, name: str, path: str) -> int:
    """Declare a dimension and fill it for all stored events; returns how many have a value.

    It is announced, its column is made, files are exchanged in one commit each, and last it is declared, so that a kill
    leaves a store that reads as before and the same call finishes the work.
    """
    dimension = parse_dimensions({name: path})[name]
    table.refresh()
    table.describe(lambda said: _said(table, said, dimension, _ANNOUNCED))
    retry_lost(table.uri, lambda: _make_column(table, dimension))
    _fill(table, dimension)
    table.describe(lambda said: _said(table, said, dimension, _DECLARED))
    # writers that did not yet know of it may have committed meanwhile; those that commit from now on know it
    _fill(table, dimension)
    rows = table.scan(table.files(), {name: dimension.dtype})
    with in_our_words(table.uri):
        return int(rows.select(pl.col(name).count()).collect().item())


def _said(table: Table, said: dict[str, Any], dimension: Dimension, step: str) -> dict[str, Any]:
    """What is said of the table's dimensions once this one has come a step further."""
    name, known = dimension.name, {**(said.get(_ANNOUNCED) or {}), **(said.get(_DECLARED) or {})}
    if name in known and known[name] != dimension.text:
        wanted = f"{known[name]}, as which it was begun, or another name"
        raise InvalidOption(f"dimension {name}", dimension.text, wanted)
    column = {field.name: field for field in table.delta.schema().fields}.get(dimension.name)
    if column is not None and column.type != _field(dimension).type:
        raise InvalidOption(f"dimension {name}", dimension.text, "another name: the table has a column of this one")
    if name in (said.get(_DECLARED) or {}):
        return {}
    announced = {n: text for n, text in (said.get(_ANNOUNCED) or {}).items() if n != name}
    if step == _ANNOUNCED:
        return {_ANNOUNCED: {**announced, name: dimension.text}}
    return {_ANNOUNCED: announced, _DECLARED: {**(said.get(_DECLARED) or {}), name: dimension.text}}


def _field(dimension: Dimension) -> Field:
    empty = pl.DataFrame(schema=stored_schema({dimension.name: dimension.dtype}))
    field = Schema.from_arrow(empty.to_arrow().schema).fields[0]
    return Field(field.name, field.type, nullable=True)


def _make_column(table: Table, dimension: Dimension) -> None:
    if dimension.name not in {field.name for field in table.delta.schema().fields}:
        table.alter(lambda delta: delta.alter.add_columns([_field(dimension)]))


def _fill(table: Table, dimension: Dimension) -> None:
    """Rewrite each file that lacks the column."""
    while lacking := [file for file in table.files() if dimension.name not in own_schema(table, file)]:
        for file in lacking:
            rows = table.read([file], own_schema(table, file))
            exchange(table, [file], rows.with_columns(lift(rows["metadata"], dimension)), f"add {dimension.name}")
        table.refresh()


def own_schema(table: Table, file: StoredFile) -> dict[str, pl.DataType]:
    """The columns that a file itself has, in our types. Who rewrites a file keeps just these: a dimension that is
    being added counts as filled where its column stands."""
    with in_our_words(table.uri):
        lazy = pl.scan_parquet(table.address(file.path), storage_options=table.options, glob=False)
        return {name: table.schema.get(name, dtype) for name, dtype in lazy.collect_schema().items()}


def exchange(table: Table, old: list[StoredFile], rows: pl.DataFrame, operation: str) -> bool:
    """Put one new file in the place of some, in one commit; False where one of them is gone by now."""

    def attempt() -> bool:
        present = {f.path for f in table.files()}
        if not all(f.path in present for f in old):
            return False
        now = int(time.time() * 1000)
        removals = [RemoveAction(f.path, False, now, f.size_bytes) for f in old]
        for action in new:
            action.data_change = False
        table.commit([*new, *removals], metadata={"operation": operation})
        return True

    try:
        new = [table.write(rows)] if rows.height else []
        return retry_lost(table.uri, attempt)
    finally:
        table.sweep()
