"""Operations by number."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting.cells.operation_numbers import NONE, OperationNumbers

TEXTS = st.sampled_from(["", "a", "b", "ä", "a text of more than twelve bytes", "a text of more than twelve bytez"])
ROWS = st.lists(st.tuples(st.integers(0, 2), st.none() | TEXTS, st.none() | TEXTS), max_size=30)
Row = tuple[int, str | None, str | None]


def numbers_of(numbers: OperationNumbers, rows: list[Row]) -> list[int]:
    keys = np.array([row[0] for row in rows], np.int32)
    nodes, ids = (pl.Series([row[place] for row in rows], dtype=pl.String) for place in (1, 2))
    return numbers.of(keys, nodes, ids).tolist()


@given(rows=ROWS, more=ROWS)
def test_operations_are_told_apart_by_label_set_node_and_correlation_id(rows: list[Row], more: list[Row]) -> None:
    numbers = OperationNumbers()
    found = numbers_of(numbers, rows) + numbers_of(numbers, more)
    known: dict[Row, int] = {}
    for row, number in zip(rows + more, found, strict=True):
        assert number == (NONE if row[2] is None else known.setdefault(row, len(known)))
    assert numbers.many == len(known)
    assert numbers.frame().rows() == list(known)


@given(rows=ROWS, data=st.data())
def test_those_that_are_kept_are_numbered_anew_and_the_others_forgotten(rows: list[Row], data: st.DataObject) -> None:
    numbers = OperationNumbers()
    numbers_of(numbers, rows)
    before = numbers.frame().rows()
    kept = data.draw(st.lists(st.integers(0, len(before) - 1), unique=True)) if before else []
    renamed = numbers.keep(np.array(sorted(kept), np.int64))
    after = [before[number] for number in sorted(kept)]
    assert [after[renamed[number]] for number in sorted(kept)] == after
    assert all(renamed[number] == NONE for number in range(len(before)) if number not in kept)
    assert numbers.frame().rows() == after
    assert numbers_of(numbers, after) == list(range(len(after)))


def test_there_is_room_for_many_operations_with_long_ids() -> None:
    ids = [f"{number:x}" * (1 + number % 7) for number in range(20_000)]
    numbers = OperationNumbers()
    rows: list[Row] = [(0, "node", one) for one in ids]
    first: dict[str, int] = {}
    assert numbers_of(numbers, rows) == [first.setdefault(one, len(first)) for one in ids]
    assert numbers_of(numbers, rows[::-1]) == [first[one] for one in reversed(ids)]
