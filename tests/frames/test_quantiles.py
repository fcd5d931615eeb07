from decimal import Decimal
from fractions import Fraction

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.quantiles import METHODS, index_of, quantile, quantile_columns, quantile_name, quantile_of

VALUES = st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), max_size=40)
SHARES = st.one_of(st.sampled_from([0, 0.07, 0.5, 0.9, 0.95, 0.99, 1, 0.1 + 0.2]), st.fractions(0, 1), st.floats(0, 1))


def test_the_seventh_of_a_hundred_is_the_seventh_and_not_the_eighth_as_in_floats():
    hundred = pl.DataFrame({"ms": list(range(1, 101))})
    assert hundred.select(quantile("ms", 0.07)).item() == 7


@pytest.mark.parametrize("q", [0.07, "0.07", Decimal("0.07"), Fraction(7, 100)])
def test_a_share_may_be_written_in_any_exact_way(q):
    assert index_of(q, 100) == 6


@pytest.mark.parametrize("q", [-0.1, 1.01, float("nan"), float("inf"), "much", "1/0"])
def test_a_share_outside_of_zero_to_one_is_refused_with_the_mend(q):
    with pytest.raises(InvalidOption, match=r"a share from 0 to 1, such as 0\.95"):
        quantile("ms", q)


def test_an_unknown_method_is_refused_with_those_that_are_known():
    with pytest.raises(InvalidOption, match="nearest_rank or onex"):
        quantile("ms", 0.5, "linear")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("q", "nearest_rank", "onex"), [(0, 1, 1), (0.25, 1, 2), (0.5, 2, 3), (0.51, 3, 3), (0.95, 4, 4), (1, 4, 4)]
)
def test_the_two_conventions_on_four_values(q, nearest_rank, onex):
    four = pl.DataFrame({"ms": [3, 1, 4, 2]})
    assert four.select(quantile("ms", q)).item() == nearest_rank
    assert four.select(quantile("ms", q, "onex")).item() == onex


def test_nulls_and_nan_are_not_values_and_infinity_is_one():
    ms = pl.DataFrame({"ms": [None, float("nan"), 1.0, float("inf")]})
    assert ms.select(quantile_columns("ms", [0.5, 1])).row(0) == (1.0, float("inf"))


@pytest.mark.parametrize("nothing", [[], [None], [float("nan"), None]])
def test_nothing_has_no_quantile(nothing):
    frame = pl.DataFrame({"ms": nothing}, schema={"ms": pl.Float64})
    assert frame.select(quantile("ms", 0.5)).item() is None


def test_the_name_says_the_percentage():
    assert [quantile_name(q) for q in (0, 0.5, "0.999", 1, Fraction(1, 3))] == [
        "p0", "p50", "p99_9", "p100", "p33_3333333333",
    ]  # fmt: skip


@given(VALUES, SHARES, st.sampled_from(METHODS))
def test_it_is_what_the_sorted_list_says(values, q, method):
    frame = pl.DataFrame({"ms": values}, schema={"ms": pl.Float64})
    assert frame.select(quantile("ms", q, method)).item() == quantile_of(values, q, method)


@given(st.lists(st.tuples(st.integers(0, 4), st.none() | st.integers(-9, 9)), max_size=60), SHARES)
def test_each_group_has_its_own_rank(rows, q):
    frame = pl.LazyFrame(rows, schema={"group": pl.Int64, "ms": pl.Int64}, orient="row")
    found = dict(frame.group_by("group").agg(quantile("ms", q)).collect().iter_rows())
    assert found == {g: quantile_of([ms for group, ms in rows if group == g], q) for g, _ in rows}


@given(st.lists(st.integers(-99, 99), min_size=1), SHARES, st.randoms())
def test_the_order_of_the_rows_does_not_matter(values, q, random):
    shuffled = random.sample(values, len(values))
    assert quantile_of(values, q) == pl.DataFrame({"ms": shuffled}).select(quantile("ms", q)).item()


@given(st.lists(st.integers(-99, 99), min_size=1), st.sampled_from([0, 0.25, 0.5, 0.75, 1]))
def test_duckdb_agrees_on_shares_that_floats_can_express(values, q):
    numbers = pl.DataFrame({"ms": values})
    theirs = duckdb.sql(f"select quantile_disc(ms, {q}) from numbers").fetchall()
    assert theirs == [(numbers.select(quantile("ms", q)).item(),)]


@given(st.fractions(0, 1), st.integers(1, 10_000))
def test_a_share_of_any_precision_has_the_exact_rank(q, n):
    finer = min(q + Fraction(1, 10**30), Fraction(1))
    numbers = pl.DataFrame({"ms": range(n)}, schema={"ms": pl.Int64})
    assert numbers.select(quantile("ms", finer)).item() == index_of(finer, n)
    assert numbers.select(quantile("ms", finer, "onex")).item() == index_of(finer, n, "onex")
