import math
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption
from onex_analytics.profiling.sections import critical_path
from onex_analytics.profiling.speedups import what_if
from tests.profiling.traces import Span, frame, length_of, roots_of, tidy_traces, wild_traces


def new_ms(spans, *names, **how):
    return what_if(frame(spans), names, **how).collect()["new_duration_ms"].to_list()


def test_what_ran_beside_the_faster_span_takes_its_place_on_the_path():
    spans = [Span("r", None, 0, 15_000), Span("a", "r", 0, 10_000), Span("b", "r", 0, 12_000)]
    assert new_ms(spans, "b", speedup=1.1) == pytest.approx([12 / 1.1 + 3])
    assert new_ms(spans, "b", speedup=2) == [13.0]
    assert new_ms(spans, "a", "b", speedup=2) == [9.0]
    assert new_ms(spans, "r", speedup=3) == [13.0]
    assert new_ms(spans, "nobody", speedup=3) == [15.0]


def test_a_faster_span_takes_those_below_it_along_only_where_that_is_said():
    spans = [Span("r", None, 0, 10_000), Span("a", "r", 0, 10_000), Span("b", "a", 2_000, 10_000)]
    assert new_ms(spans, "a", speedup=2) == [9.0]
    assert new_ms(spans, "a", speedup=2, with_children=True) == [5.0]


def test_each_tree_says_how_many_such_spans_it_has():
    spans = [Span("r", None, 0, 9), Span("x", "r", 1, 2), Span("y", "r", 3, 5, "x"), Span("s", None, 1, 4)]
    found = what_if(frame(spans), "x", speedup=2).select("root_span_id", "spans").collect().rows()
    assert found == [("r", 2), ("s", 0)]


@given(tidy_traces(), st.sampled_from("xy"), st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(4)]), st.booleans())
def test_it_is_what_the_recursion_says(spans, name, speedup, with_children):
    def faster(s, time):
        return time / speedup if s.name == name else time

    def whole(s, time):  # within a window that was cut, as the parent sees it
        return Fraction(cut[s.id]) / speedup if s.name == name else time

    cut = cuts(spans)
    how = {"whole": whole} if with_children else {"own": faster}
    expected = {root.id: length_of(spans, root, **how) for root in roots_of(spans)}
    found = what_if(frame(spans), name, speedup=float(speedup), with_children=with_children).collect()
    assert dict(found.select("root_span_id", pl.col("new_duration_ms") * 1000).iter_rows()) == pytest.approx(
        {root: float(length) for root, length in expected.items()}
    )


def cuts(spans):
    """How long each span is within all its ancestors."""
    found = {}
    for span in spans:  # parents come before their children
        above = found.get(span.parent, (-math.inf, math.inf))
        found[span.id] = max(span.start, above[0]), min(span.end, above[1])
    return {id: high - low if high > low else 0 for id, (low, high) in found.items()}


@given(wild_traces())
def test_nothing_faster_is_nothing_changed(spans):
    found = what_if(frame(spans), "x", speedup=1).collect()
    assert (found["saved_ms"] == 0).all()
    walked = critical_path(frame(spans)).select(pl.col("duration_ms").sum()).collect().item()
    assert found["new_duration_ms"].sum() == pytest.approx(walked)


@given(tidy_traces(), st.floats(1, 8), st.floats(1, 8))
def test_the_faster_the_shorter_but_never_less_than_nothing(spans, one, other):
    slow, fast = (what_if(frame(spans), "x", speedup=s).collect() for s in sorted([one, other]))
    assert (slow["new_duration_ms"] >= fast["new_duration_ms"] - 1e-9).all()
    gone = what_if(frame(spans), ["x", "y", "z"], speedup=math.inf).collect()
    assert (gone["new_duration_ms"] == 0).all()


@given(wild_traces(), st.randoms())
def test_the_order_of_the_rows_does_not_matter(spans, random):
    first, second = (what_if(frame(s), "x", speedup=3).collect() for s in (spans, random.sample(spans, len(spans))))
    assert first.equals(second)


@pytest.mark.parametrize("speedup", [0, -1, math.nan])
def test_an_impossible_speedup_is_refused(speedup):
    with pytest.raises(InvalidOption, match=r"speedup is .*a number above 0, such as 2\.0"):
        what_if(frame([]), "x", speedup=speedup)


def test_a_frame_without_spans_has_no_tree():
    assert what_if(frame([]), "x", speedup=2).collect().height == 0
