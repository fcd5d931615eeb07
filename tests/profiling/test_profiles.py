from fractions import Fraction
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames.quantiles import index_of
from onex_analytics.profiling.profiles import critical_path_profile, profile_difference
from onex_analytics.profiling.sections import critical_path
from tests.laws import examples
from tests.profiling.traces import Span, frame, roots_of, sections_of, tidy_traces, wild_traces

BANDS = (0, 0.5, 0.95, 1)


def twenty_traces():
    """Root i takes i milliseconds; those above 18 wait for a lock, the others for a query."""
    spans = []
    for i in range(1, 21):
        spans += [
            Span("r", None, 0, 1000 * i, "page", f"{i:02}"),
            Span("c", "r", 0, 900 * i, "lock" if i > 18 else "query", f"{i:02}"),
        ]
    return spans


def test_what_makes_the_tail_slow_is_one_call():
    found = critical_path_profile(frame(twenty_traces()), "name", BANDS).collect()
    assert found.select("band", "name", "trees").rows() == [
        (0, "query", 10), (0, "page", 10), (1, "query", 9), (1, "lock", 9), (1, "page", 9),
        (2, "lock", 1), (2, "page", 1),
    ]  # fmt: skip
    tail = found.filter(pl.col("band") == 2).row(0, named=True)
    assert (tail["band_from"], tail["band_to"], tail["mean_ms"], tail["share"]) == (0.95, 1.0, 18.0, 0.9)


def test_a_band_that_does_not_begin_with_the_fastest_leaves_them_out():
    found = critical_path_profile(frame(twenty_traces()), bands=(0.95, 1)).collect()
    assert found.select("name", "trees", "critical_ms").rows() == [("lock", 1, 18.0), ("page", 1, 2.0)]


def test_equally_long_roots_are_in_one_band():
    spans = [Span("r", None, 0, 7, "page", f"{i}") for i in range(9)]
    assert critical_path_profile(frame(spans), bands=BANDS).select("band", "trees").collect().rows() == [(0, 9)]


def test_by_call_path_one_name_below_two_callers_is_two_rows():
    spans = [
        Span("r", None, 0, 10, "page"), Span("a", "r", 0, 5, "query"), Span("b", "r", 5, 9, "render"),
        Span("c", "b", 6, 8, "query"),
    ]  # fmt: skip
    found = critical_path_profile(frame(spans), "path").select("path", "critical_ms").collect().rows()
    assert sorted(found) == [
        (["page"], 0.001), (["page", "query"], 0.005), (["page", "render"], 0.002),
        (["page", "render", "query"], 0.002),
    ]  # fmt: skip
    assert critical_path_profile(frame(spans), ("path", "name")).collect().height == 4
    assert critical_path_profile(frame(spans), ()).select("critical_ms", "share").collect().rows() == [(0.01, 1.0)]


def test_by_any_column_of_the_spans():
    spans = frame([Span("r", None, 0, 10), Span("a", "r", 0, 4)], service=["web", None], tenant=[1, 2])
    found = critical_path_profile(spans, ["node", "tenant"]).select("node", "tenant", "critical_ms").collect().rows()
    assert found == [("web", 1, 0.006), (None, 2, 0.004)]


@given(tidy_traces(), st.sampled_from(["name", "path", ("kind", "name")]), st.sampled_from([(0, 1), BANDS, (0.3, 0.7)]))
def test_the_shares_of_a_band_sum_to_one_and_times_to_the_durations_of_its_roots(spans, by, bands):
    found = critical_path_profile(frame(spans), by, bands).collect()
    roots = sorted(s.end - s.start for s in spans if s.parent is None)
    edges = [Fraction(str(edge)) for edge in bands]
    limits = [roots[max(-(-edge.numerator * len(roots) // edge.denominator) - 1, 0)] for edge in edges]
    for band, (low, high) in enumerate(pairwise(limits)):
        inside = [d for d in roots if d <= high and (d > low or (band == 0 and edges[0] == 0))]
        part = found.filter(pl.col("band") == band)
        assert part["trees"].unique().to_list() == ([len(inside)] if inside else [])
        assert part["critical_ms"].sum() == pytest.approx(sum(inside) / 1000)
        assert part["mean_ms"].sum() == pytest.approx(sum(inside) / 1000 / max(len(inside), 1))
        assert part["share"].sum() == pytest.approx(1 if sum(inside) else 0)
        assert part["ambiguous_share"].is_between(0, 1).all()


@given(wild_traces(), st.sampled_from(["name", "path"]), st.randoms())
def test_the_order_of_the_rows_does_not_matter(spans, by, random):
    shuffled = random.sample(spans, len(spans))
    first, second = (critical_path_profile(frame(s), by, BANDS).collect() for s in (spans, shuffled))
    assert first.equals(second)


@given(wild_traces(), st.sampled_from(["name", "path"]), st.sampled_from([(0, 1), BANDS]))
def test_a_profile_does_not_differ_from_itself(spans, by, bands):
    profile = critical_path_profile(frame(spans), by, bands)
    found = profile_difference(profile, profile).collect()
    assert (found["delta_ms"] == 0).all() and (found["delta_share"] == 0).all()
    assert found.height == profile.select(by).unique().collect().height


def test_the_differences_add_up_to_the_change_of_the_mean_root():
    bands = critical_path_profile(frame(twenty_traces()), bands=BANDS).collect()
    fast, tail = bands.filter(pl.col("band") < 2), bands.filter(pl.col("band") == 2)
    found = profile_difference(fast, tail).collect()
    assert found["name"].to_list() == ["lock", "page", "query"]
    assert found["delta_ms"].sum() == pytest.approx(20 - 10)  # the mean of 1 to 19 is 10
    assert found["after_share"].sum() == pytest.approx(1)


def test_ambiguous_time_is_told_as_a_share():
    spans = frame([Span("r", None, 0, 20), Span("a", "r", 0, 10), Span("b", "r", 5, 12)])
    found = dict(critical_path_profile(spans).select("name", "ambiguous_share").collect().iter_rows())
    assert found == {"r": pytest.approx(5 / 13), "b": 0.0}
    assert critical_path(spans).filter("ambiguous").collect().height == 1


@pytest.mark.parametrize("bands", [(), (0,), (0, 0), (1, 0), (0, 2), (-1, 1), ("much", 1)])
def test_impossible_bands_are_refused(bands):
    with pytest.raises(InvalidOption, match=r"bands is .*two or more rising shares from 0 to 1"):
        critical_path_profile(frame([]), bands=bands)


def test_absent_columns_are_refused():
    with pytest.raises(MissingColumns, match="city"):
        critical_path_profile(frame([]), by="city")
    with pytest.raises(MissingColumns, match="critical_ms"):
        profile_difference(frame([]), frame([]))


def test_no_spans_no_profile():
    for by in ("name", "path"):
        nothing = critical_path_profile(frame([]), by, BANDS)
        assert nothing.collect().height == profile_difference(nothing, nothing).collect().height == 0


@settings(max_examples=examples(40))
@given(tidy_traces(), st.sampled_from([(0, 1), BANDS, (0.25, 0.75)]))
def test_each_band_is_what_its_trees_add_up_to_one_by_one(spans, bands):
    """Bands by the nearest rank of the roots' durations, paths by recursion, sums by hand."""
    roots = roots_of(spans)
    took = sorted(root.end - root.start for root in roots)
    limits = [took[index_of(q, len(took))] for q in bands]
    names, sums = {(s.trace, s.id): s.name for s in spans}, {}
    for root in roots:
        for band, (low, high) in enumerate(pairwise(limits)):
            lowest = -1 if bands[band] == 0 else low
            if lowest < root.end - root.start <= high:
                for span, start, end in sections_of(spans, root):
                    key = band, names[root.trace, span]
                    sums[key] = sums.get(key, 0) + end - start
                break
    found = critical_path_profile(frame(spans), bands=bands).collect()
    assert {(band, name): ms for band, name, ms in found.select("band", "name", "critical_ms").rows()} == {
        key: time / 1000 for key, time in sums.items()
    }
    for part in found.partition_by("band"):
        assert part["share"].sum() == pytest.approx(1) or part["share"].null_count() == part.height
