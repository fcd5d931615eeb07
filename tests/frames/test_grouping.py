from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.grouping import Grouping, distinct, streamed, uniform

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
COLUMNS = {
    "texts": ["a", "", None, "a text of more than twelve bytes", "a text of more than twelve characters", "a\x1fb"],
    "numbers": [1, 0, None, -1, 2**62],
    "unsigned": pl.Series([0, 2**64 - 1, None], dtype=pl.UInt64),
    "floats": [0.0, -0.0, None, float("nan"), 1.5, float("inf")],
    "truths": [True, False, None],
    "times": [NOON, None, NOON + timedelta(microseconds=1)],
    "spans": [timedelta(0), None, timedelta(days=1)],
    "days": [NOON.date(), None],
    "bytes": [b"\xff", b"", None],
    "huge": pl.Series([2**100, None, 1], dtype=pl.Int128),
    "categories": pl.Series(["x", None, "y"], dtype=pl.Categorical),
    "choices": pl.Series(["x", None, "y"], dtype=pl.Enum(["y", "x"])),
    "nothing": pl.Series([None, None], dtype=pl.Null),
}


def groups(frame, keys):
    """What Polars itself says: the rows of each group."""
    indexed = frame.with_row_index("_row").group_by(keys).agg("_row")
    return {frozenset(rows) for rows in indexed["_row"].to_list()}


def coded(frame, keys, size=1 << 17):
    grouping = Grouping(keys)
    codes = np.concatenate([grouping.codes(part) for part in frame.iter_slices(size)])
    told = pl.DataFrame({"_code": codes}).with_row_index("_row").group_by("_code").agg("_row")
    return {frozenset(rows) for rows in told["_row"].to_list()}, grouping, codes


@pytest.mark.parametrize("column", COLUMNS)
def test_every_type_of_column_is_parted_as_polars_parts_it(column):
    values = pl.Series("key", COLUMNS[column], strict=False)
    frame = pl.DataFrame([pl.concat([values, values.reverse(), values])])
    found, grouping, codes = coded(frame, ["key"], size=4)
    assert found == groups(frame, ["key"])
    said = pl.DataFrame({"_code": codes}).join(grouping.rows(), on="_code", how="left", maintain_order="left")["key"]
    if values.dtype.is_float():
        assert np.array_equal(said.to_numpy(), frame["key"].to_numpy(), equal_nan=True)
    else:
        assert said.to_list() == frame["key"].to_list()


@pytest.mark.parametrize("column", ["list", "struct"])
def test_a_column_of_nested_values_is_refused_with_its_name(column):
    frame = pl.DataFrame({"list": [[1]], "struct": [{"a": 1}]})
    with pytest.raises(InvalidOption, match=column):
        Grouping([column]).codes(frame)


def test_texts_and_their_neighbours_are_not_glued_together():
    frame = pl.DataFrame({"a": ["x", "x\x1f", "", None], "b": ["\x1fy", "y", None, ""]})
    assert len(coded(frame, ["a", "b"])[0]) == 4


def test_no_rows_have_no_combinations():
    grouping, rows = Grouping(["a", "b"]), pl.DataFrame({"a": ["x"], "b": [1]})
    assert grouping.codes(rows.clear()).tolist() == []
    assert grouping.codes(rows).tolist() == [0]
    assert grouping.codes(rows.clear()).tolist() == []


def test_null_is_not_the_empty_text():
    for order in ([None, "", None, ""], ["", None, "", None]):
        found, _, _ = coded(pl.DataFrame({"key": order}), ["key"])
        assert found == {frozenset({0, 2}), frozenset({1, 3})}


def test_many_distinct_texts_are_told_apart_too():
    frame = pl.DataFrame({"id": [f"span-{i % 9000}" for i in range(20_000)], "node": ["a", "b"] * 10_000})
    assert distinct(frame["id"]) is None
    found, _, _ = coded(frame, ["node", "id"], size=7_000)
    assert found == groups(frame, ["node", "id"])


def test_values_that_change_from_batch_to_batch_are_told_apart_however_many_combine():
    at = np.arange(6000)
    day, node = at // 10, (at // 10) % 30 * 10 + at % 10  # 600 days × 300 nodes are more ways than are kept in a table
    frame = pl.DataFrame({"day": day, "node": [f"node-{i}" for i in node]})
    twice = pl.concat([frame, frame])
    found, _, _ = coded(twice, ["day", "node"], size=20)
    assert found == groups(twice, ["day", "node"])


def test_without_keys_all_rows_are_one_group():
    found, grouping, _ = coded(pl.DataFrame({"a": [1, 2]}), [])
    assert found == {frozenset({0, 1})}
    assert grouping.rows().rows() == [(0,)]


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "", None, "long " * 5]), st.none() | st.integers(-2, 2))),
       st.integers(1, 9))  # fmt: skip
def test_the_cut_into_batches_changes_no_group(rows, size):
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.Int64}, orient="row")
    if frame.height:
        assert coded(frame, ["a", "b"], size)[0] == groups(frame, ["a", "b"])


def test_rows_stream_through_once_each_and_errors_come_out():
    taken = []
    streamed(pl.LazyFrame({"a": range(10)}), lambda part: taken.extend(part["a"].to_list()))
    assert sorted(taken) == list(range(10))
    streamed(pl.LazyFrame({"a": []}), lambda part: taken.append("empty"))
    assert "empty" not in taken

    def refuse(part):
        raise InvalidOption("by", "a", "another")

    with pytest.raises(Exception, match="wanted another"):
        streamed(pl.LazyFrame({"a": [1]}), refuse)


def test_times_finer_than_a_microsecond_are_told_apart_in_every_batch():
    times = pl.DataFrame({"at": pl.Series([0, 1, 2, 1, 0], dtype=pl.Int64).cast(pl.Datetime("ns"))})
    assert coded(times, ["at"], size=1)[0] == groups(times, ["at"])


@given(st.lists(st.sampled_from(["a", "b"]), min_size=1), st.integers(1, 3000))
def test_a_column_is_uniform_where_all_its_rows_say_the_same(values, times):
    column = pl.Series(values * 2).gather(sorted(list(range(len(values))) * times))
    assert uniform(column) == (len(set(values)) == 1)


@pytest.mark.parametrize("column", [[], [None], ["a", None]])
def test_no_rows_and_nulls_are_not_uniform(column):
    assert not uniform(pl.Series(column, dtype=pl.String))


def test_numbers_that_need_not_last_are_the_same_numbers():
    grouping = Grouping(["node", "operation"])
    rng = np.random.default_rng(0)
    for size in (50, 500, 20):
        frame = pl.DataFrame({"node": rng.integers(0, 4, size), "operation": rng.integers(0, 3, size)})
        lasting = grouping.codes(frame)
        assert grouping.codes(frame, lasting=False).tolist() == lasting.tolist()
        assert grouping.codes(frame[::-1], lasting=False).tolist() == lasting.tolist()[::-1]
        rows = grouping.rows()
        told = rows.select("node", "operation").rows()
        assert [told[rows["_code"].to_list().index(code)] for code in lasting.tolist()] == frame.rows()
