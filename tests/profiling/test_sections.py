from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.profiling.sections import TOUCHING, critical_path
from onex_analytics.profiling.self_times import self_time
from tests.profiling.traces import (
    NOON,
    Span,
    at,
    frame,
    microseconds,
    roots_of,
    sections_of,
    tidy_traces,
    wild_traces,
)


def sections(spans, *options):
    found = critical_path(frame(spans), *options)
    return found.select("span_id", microseconds("start"), microseconds("end")).collect().rows()


def ambiguous(spans, *options):
    found = critical_path(frame(spans), *options).filter("ambiguous")
    return found.select("span_id", microseconds("start"), microseconds("end")).collect().rows()


BACK_TO_BACK = [Span("r", None, 0, 100), Span("a", "r", 10, 40), Span("b", "r", 40, 80)]


def test_siblings_back_to_back_are_both_on_the_path():
    assert sections(BACK_TO_BACK) == [("r", 0, 10), ("a", 10, 40), ("b", 40, 80), ("r", 80, 100)]


def test_the_strict_policy_does_not_let_a_touching_sibling_count_as_before():
    assert sections(BACK_TO_BACK, "strict") == [("r", 0, 40), ("b", 40, 80), ("r", 80, 100)]


def test_the_strict_policy_still_enters_the_child_that_ends_with_its_parent_or_outlives_it():
    for end in (100, 130):
        spans = [Span("r", None, 0, 100), Span("a", "r", 10, 40), Span("b", "r", 40, end)]
        assert sections(spans, "strict") == [("r", 0, 40), ("b", 40, 100)]


@pytest.mark.parametrize(
    ("overlap", "tolerance", "counts"),
    [(5, 0, False), (5, 0.01, True), (9, 0.01, True), (10, 0.01, False), (20, 0.01, False), (20, 0.03, True)],
)
def test_an_overlap_of_less_than_the_tolerance_counts_as_before(overlap, tolerance, counts):
    spans = [Span("r", None, 0, 1000), Span("a", "r", 100, 400 + overlap), Span("b", "r", 400, 800)]
    with_a = [("r", 0, 100), ("a", 100, 400), ("b", 400, 800), ("r", 800, 1000)]
    without = [("r", 0, 400), ("b", 400, 800), ("r", 800, 1000)]
    assert sections(spans, "inclusive", tolerance) == (with_a if counts else without)


def test_the_tolerance_is_a_share_of_the_parents_duration_as_it_is_written():
    spans = [Span("r", None, 0, 100), Span("a", "r", 10, 47), Span("b", "r", 40, 80)]
    assert sections(spans, "inclusive", 0.07)[1] == ("b", 40, 80)  # 7 is not less than 7, though 0.07 * 100 > 7
    assert sections(spans, "inclusive", 0.070001)[1] == ("a", 10, 40)


def test_a_sibling_that_lies_wholly_within_the_tolerated_overlap_falls_away():
    spans = [Span("r", None, 0, 1000), Span("a", "r", 402, 405), Span("b", "r", 400, 800)]
    assert sections(spans, "inclusive", 0.01) == [("r", 0, 400), ("b", 400, 800), ("r", 800, 1000)]


def test_a_child_that_outlives_its_parent_is_cut_and_so_is_all_below_it():
    spans = [Span("r", None, 0, 10), Span("a", "r", 4, 30), Span("b", "a", 6, 20), Span("c", "a", 12, 25)]
    assert sections(spans) == [("r", 0, 4), ("a", 4, 6), ("b", 6, 10)]


def test_a_child_that_is_over_before_its_parent_begins_falls_away_with_all_below_it():
    spans = [Span("r", None, 50, 60), Span("a", "r", 0, 50), Span("b", "a", 52, 58)]
    assert sections(spans) == [("r", 50, 60)]


@pytest.mark.parametrize("touching", TOUCHING)
def test_a_span_of_no_duration_changes_nothing(touching):
    flash = [*BACK_TO_BACK, Span("z", "r", 40, 40), Span("zz", "r", 100, 100)]
    assert sections(flash, touching) == sections(BACK_TO_BACK, touching)


def test_a_root_of_no_duration_has_one_section_of_length_zero():
    assert sections([Span("r", None, 5, 5), Span("a", "r", 5, 5)]) == [("r", 5, 5)]


def test_what_a_consumer_does_is_not_followed_from_its_producer():
    spans = [Span("r", None, 0, 10, kind="producer"), Span("a", "r", 2, 9, kind="consumer")]
    assert sections(spans) == [("r", 0, 10)]
    assert sections([spans[0], spans[1]._replace(kind="server")]) == [("r", 0, 2), ("a", 2, 9), ("r", 9, 10)]


def test_several_roots_of_a_trace_are_several_trees_and_each_says_why_it_is_one():
    spans = [
        Span("a", None, 0, 10), Span("b", None, 5, 9), Span("c", "gone", 3, 4), Span("open", "a", 2, None),
        Span("d", "open", 6, 8),
    ]  # fmt: skip
    found = critical_path(frame(spans)).select("root_span_id", "root", "root_name").collect().rows()
    assert found == [
        ("a", "root", "a"), ("c", "orphan", "c"), ("b", "root", "b"), ("d", "fragment", "d"),
    ]  # fmt: skip


def test_the_same_id_in_another_trace_is_another_span():
    spans = [Span("a", None, 0, 10), Span("b", "a", 2, 4), Span("a", None, 0, 8, trace="u")]
    assert sections(spans) == [("a", 0, 2), ("b", 2, 4), ("a", 4, 10), ("a", 0, 8)]


def test_a_choice_is_ambiguous_where_another_child_was_running_just_before():
    spans = [Span("r", None, 0, 20), Span("a", "r", 0, 10), Span("b", "r", 5, 12)]
    assert sections(spans) == [("r", 0, 5), ("b", 5, 12), ("r", 12, 20)]
    assert ambiguous(spans) == [("r", 0, 5)]  # a ran until b was under way: it may have caused b
    fan_out = [Span("r", None, 0, 20), Span("a", "r", 2, 10), Span("b", "r", 2, 12)]
    assert ambiguous(fan_out) == []  # b ended last, alone


def test_two_children_that_end_together_make_the_choice_ambiguous_down_to_the_span_that_ran():
    spans = [Span("r", None, 0, 20), Span("a", "r", 0, 10), Span("b", "r", 0, 10), Span("c", "a", 3, 10)]
    assert sections(spans) == [("a", 0, 3), ("c", 3, 10), ("r", 10, 20)]
    assert ambiguous(spans) == [("c", 3, 10)]


def test_siblings_back_to_back_are_ambiguous_only_where_they_are_not_told_apart():
    assert ambiguous(BACK_TO_BACK) == []
    assert ambiguous(BACK_TO_BACK, "strict") == [("r", 0, 40)]


@given(tidy_traces(), st.sampled_from(TOUCHING), st.sampled_from([Fraction(0), Fraction(1, 100), Fraction(1, 5), 1]))
def test_it_is_what_the_recursion_of_the_specification_says(spans, touching, tolerance):
    expected = [(root.id, sections_of(spans, root, touching, tolerance)) for root in roots_of(spans)]
    found = critical_path(frame(spans), touching, tolerance)
    rows = found.select("root_span_id", "span_id", microseconds("start"), microseconds("end")).collect().rows()
    by_root = {root: [row[1:] for row in rows if row[0] == root] for root, _ in expected}
    assert by_root == dict(expected)


@given(wild_traces(), st.sampled_from(TOUCHING), st.sampled_from([0, 0.01, 0.5, 1]))
def test_sections_tile_each_root_exactly(spans, touching, tolerance):
    found = critical_path(frame(spans), touching, tolerance).collect()
    roots = self_time(frame(spans)).filter(pl.col("depth") == 0).select("trace_id", "span_id", "start", "end").collect()
    tiled = []
    for row in found.rows(named=True):  # a section begins where the last one ended, or a tree begins
        key = (row["trace_id"], row["root_span_id"])
        if tiled and tiled[-1][:2] == key and tiled[-1][3] == row["start"] < row["end"]:
            tiled[-1] = (*tiled[-1][:3], row["end"])
        else:
            tiled.append((*key, row["start"], row["end"]))
    if roots["span_id"].null_count() == 0:  # trees whose roots have no id cannot be told apart by it
        assert sorted(tiled) == sorted(roots.rows())


@given(wild_traces(), st.sampled_from(TOUCHING), st.sampled_from([0, 0.2]), st.randoms())
def test_the_order_of_the_rows_does_not_matter(spans, touching, tolerance, random):
    shuffled = random.sample(spans, len(spans))
    first, second = (critical_path(frame(s), touching, tolerance).collect() for s in (spans, shuffled))
    assert first.equals(second)


def test_microseconds_stay_exact_far_from_1970():
    late = NOON.replace(year=2261)
    spans = frame([Span("a", None, 0, 3), Span("b", "a", 1, 2)])
    shift = late - NOON
    moved = spans.with_columns(pl.col("start", "end") + shift)
    assert critical_path(moved).collect()["start"].to_list() == [at(i) + shift for i in (0, 1, 2)]


def test_a_chain_of_a_hundred_thousand_levels_is_walked():
    n = 100_000
    ids = pl.Series([f"{i:06}" for i in range(n)])
    chain = pl.DataFrame({"trace_id": ["t"] * n, "span_id": ids, "parent_span_id": ids.shift(1), "name": ["n"] * n})
    start = NOON + pl.duration(microseconds=pl.int_range(n))
    spans = chain.with_columns(start=start, end=NOON + pl.duration(microseconds=2 * n - pl.int_range(n)))
    found = critical_path(spans.reverse()).collect()
    assert found.height == 2 * n - 1
    assert found["depth"].max() == n - 1
    assert found["duration_ms"].sum() == pytest.approx(2 * n / 1000)


@pytest.mark.parametrize("touching", TOUCHING)
@pytest.mark.parametrize("tolerance", [0, 0.5])
def test_a_span_with_half_a_million_children_is_walked_without_comparing_each_with_each(touching, tolerance):
    n = 500_000
    rng = np.random.default_rng(5)
    start = np.append(0, rng.integers(0, 1_000, n))
    end = np.append(1_000, start[1:] + rng.integers(1, 1_000, n))  # half of them outlive the parent
    spans = pl.DataFrame({
        "trace_id": ["t"] * (n + 1), "span_id": [f"{i:07}" for i in range(n + 1)],
        "parent_span_id": [None] + ["0000000"] * n, "name": ["n"] * (n + 1),
        "start": pl.Series(start).cast(pl.Datetime("us")), "end": pl.Series(end).cast(pl.Datetime("us")),
    })  # fmt: skip
    found = critical_path(spans, touching, tolerance).collect()
    assert found["duration_ms"].sum() == pytest.approx(1.0)


def test_one_span_a_trace_gives_one_section_each():
    n = 50_000
    spans = frame([Span(f"{i}", None, i, i + 1, trace=f"{i}") for i in range(n)])
    assert critical_path(spans).collect().height == n


def test_a_frame_without_spans_has_no_path():
    assert critical_path(frame([])).collect().height == 0


@pytest.mark.parametrize("tolerance", [-0.1, 1.5, float("nan"), "much"])
def test_an_impossible_tolerance_is_refused(tolerance):
    with pytest.raises(InvalidOption, match=r"overlap_tolerance is .*a share from 0 to 1, such as 0\.01"):
        critical_path(frame([]), overlap_tolerance=tolerance)


def test_an_unknown_policy_is_refused():
    with pytest.raises(InvalidOption, match="inclusive or strict"):
        critical_path(frame([]), "loose")


def test_a_column_to_keep_that_is_not_there_is_refused():
    with pytest.raises(MissingColumns, match="tenant"):
        critical_path(frame([]), keep="tenant")
