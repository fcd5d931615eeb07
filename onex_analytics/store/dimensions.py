"""A store's dimensions: declared once in the log, lifted at append, backfilled when one is added."""

from __future__ import annotations

import time
from collections.abc import Mapping

import polars as pl
from deltalake import Field, Schema
from deltalake.transaction import RemoveAction

from onex_analytics.exceptions import InvalidOption
from onex_analytics.sources.layout import Dimension, parse_dimensions
from onex_analytics.sources.lifting import lift
from onex_analytics.store.storage import StoredFile, Table, retry_lost, stored_schema


def stored(table: Table) -> dict[str, Dimension]:
    """The dimensions that a table declares."""
    return parse_dimensions(table.described().get("dimensions") or {})


def add(table: Table, held: Mapping[str, Dimension], name: str, path: str) -> int:
    """Declare a dimension and fill it for all stored events; returns how many have a value.

    The column is made first and declared last, and files are exchanged in one commit each, so that a kill leaves a
    store that reads as before and the same call finishes the work.
    """
    dimension = parse_dimensions({name: path})[name]
    if name in held:
        if held[name].text == dimension.text:
            return int(table.scan(table.files()).select(pl.col(name).count()).collect().item())
        raise InvalidOption(f"dimension {name}", path, f"another name: it is {held[name].text} already")
    table.refresh()
    _make_column(table, dimension)
    schema = {**table.schema, name: dimension.dtype}
    filled = _fill(table, dimension, schema)
    table.describe(dimensions={n: d.text for n, d in {**held, name: dimension}.items()})
    table.schema = schema
    # writers that did not yet know of it may have committed meanwhile
    return filled + _fill(table, dimension, schema)


def _make_column(table: Table, dimension: Dimension) -> None:
    if dimension.name in {field.name for field in table.delta.schema().fields}:
        return
    empty = pl.DataFrame(schema=stored_schema({dimension.name: dimension.dtype}))
    field = Schema.from_arrow(empty.to_arrow().schema).fields[0]
    table.delta.alter.add_columns([Field(field.name, field.type, nullable=True)])
    table.refresh()


def _fill(table: Table, dimension: Dimension, schema: Mapping[str, pl.DataType]) -> int:
    """Rewrite each file that lacks the column; returns the values lifted."""
    filled = 0
    for file in table.files():
        address = table.address(file.path)
        if dimension.name in pl.scan_parquet(address, storage_options=table.options).collect_schema():
            continue
        rows = table.scan([file]).collect()
        rows = rows.with_columns(lift(rows["metadata"], dimension)).select(list(schema))
        if exchange(table, [file], rows, f"add dimension {dimension.name}"):
            filled += rows.height - rows[dimension.name].null_count()
    return filled


def exchange(table: Table, old: list[StoredFile], rows: pl.DataFrame, operation: str) -> bool:
    """Put one new file in the place of some, in one commit; False where one of them is gone by now."""
    new = [table.write(rows)] if rows.height else []

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

    done = bool(retry_lost(table.uri, attempt))
    if not done:
        for action in new:
            table.discard(action)
    return done
