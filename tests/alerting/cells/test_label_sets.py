"""Label sets by number."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting.cells.label_sets import LabelSets


def numbers_of(sets: LabelSets, frame: pl.DataFrame) -> list[tuple[str, ...]]:
    return [sets.texts[number] for number in sets.of(frame)]


def test_labels_are_plain_text() -> None:
    frame = pl.DataFrame({"a": ["x", None, ""], "b": [True, False, None], "c": [1.0, 2.5, None], "d": [7, -1, None]})
    found = numbers_of(LabelSets(["a", "b", "c", "d"]), frame)
    assert found == [("x", "true", "1", "7"), ("", "false", "2.5", "-1"), ("", "", "", "")]


def test_without_columns_there_is_one_label_set() -> None:
    sets = LabelSets([])
    assert numbers_of(sets, pl.DataFrame({"a": [1, 2]})) == [(), ()]
    assert sets.add([{}]).tolist() == [0]


@given(
    rows=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "x", "a text of more than twelve bytes"]))),
    cuts=st.lists(st.integers(0, 20)),
)
def test_a_label_set_keeps_its_number(rows: list[tuple[str, str]], cuts: list[int]) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.String(), "b": pl.String()}, orient="row")
    sets = LabelSets(["a", "b"])
    first = sets.of(frame).tolist()
    assert [sets.texts[number] for number in first] == rows
    assert sorted(set(first)) == list(range(len(sets)))
    for cut in cuts:
        assert sets.of(frame[cut:]).tolist() == first[cut:]
    assert sets.add({"a": a, "b": b} for a, b in rows).tolist() == first


@pytest.mark.parametrize("different", [10, 200, 300, 5_000])
def test_many_rows_of_few_or_many_texts_are_told_apart(different: int) -> None:
    many = 20_000
    texts = pl.Series([f"a text that lies outside of its view {place % different}" for place in range(many)])
    frame = pl.concat([texts.head(7_000), texts.tail(many - 7_000)], rechunk=False).to_frame("a")
    sets = LabelSets(["a"])
    early = sets.of_few(frame)
    found = sets.of(frame)
    assert len(sets) == different
    assert [sets.texts[number][0] for number in found] == texts.to_list()
    assert early is None or early.tolist() == found.tolist()
    assert len({*sets.of(frame.with_columns(b=1).with_columns(pl.col("a").str.to_uppercase()))}) == different


def test_pairs_of_many_label_sets_do_not_collide() -> None:
    frame = pl.DataFrame({"a": [str(place // 7) for place in range(70_000)], "b": [str(p % 7) for p in range(70_000)]})
    sets = LabelSets(["a", "b"])
    assert len(set(sets.of(frame).tolist())) == 70_000
