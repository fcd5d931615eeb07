"""Files beside the rows of a table come back as they were, one after another, with the columns that are asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from onex_analytics.exceptions import StoreUnavailable
from onex_analytics.store.beside import read_beside, write_beside
from onex_analytics.store.storage import StoredFile, Table

ROWS = pl.DataFrame(
    {"id": ["a", None, "a text of more than twelve bytes"], "n": [1, None, 2**62],
     "at": [datetime(2026, 1, 1, tzinfo=UTC)] * 3, "is": [True, False, None]},
    schema={"id": pl.String(), "n": pl.Int64(), "at": pl.Datetime("us", "UTC"), "is": pl.Boolean()},
)  # fmt: skip


@pytest.fixture
def table(tmp_path):
    made = Table(str(tmp_path / "table"), ROWS.schema)
    made.create()
    return made


def kept(table: Table, frame: pl.DataFrame) -> StoredFile:
    action = write_beside(table, frame)
    table.commit([action])
    return StoredFile(action.path, action.size, frame.height)


def test_rows_come_back_in_order_a_chunk_a_file(table):
    files = [kept(table, part) for part in (ROWS, ROWS.clear(), pl.concat([ROWS, ROWS], rechunk=False))]
    found = read_beside(table, files, ROWS.schema)
    assert found.equals(pl.concat([ROWS, ROWS, ROWS])) and found.schema == ROWS.schema
    assert [len(chunk) for chunk in found["n"].get_chunks() if len(chunk)] == [3, 6]


def test_only_the_columns_asked_for_come_back(table):
    found = read_beside(table, [kept(table, ROWS)], {"n": pl.Int64(), "id": pl.String()})
    assert found.columns == ["n", "id"]


def test_no_files_are_no_rows(table):
    assert read_beside(table, [], ROWS.schema).equals(ROWS.clear())


def test_what_is_mapped_stays_when_its_file_is_taken_away(table):
    file = kept(table, ROWS)
    found = read_beside(table, [file], ROWS.schema)
    Path(table.address(file.path)).unlink()
    assert found.equals(ROWS)
    with pytest.raises(StoreUnavailable):
        read_beside(table, [file], ROWS.schema)
