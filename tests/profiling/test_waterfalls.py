import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.profiling import critical_path, waterfall
from tests.profiling.traces import Span, frame, tidy_traces

SHOP = [
    Span("page", None, 0, 100_000),
    Span("late", "page", 50_000, 90_000),
    Span("early", "page", 10_000, 40_000),
    Span("disk", "early", 12_000, 20_000),
]


def lines(spans: list[Span], trace: str = "t", **more: int) -> pl.DataFrame:
    return waterfall(frame(spans), trace_id=trace, **more).collect()


def test_each_span_stands_above_what_it_called_and_earlier_ones_stand_above_later_ones():
    found = lines(SHOP)
    assert found.select("lane", "depth", "name").rows() == [
        (0, 0, "page"), (1, 1, "early"), (2, 2, "disk"), (3, 1, "late"),
    ]  # fmt: skip
    assert found.select("offset_ms", "until_ms", "length_ms").row(2) == (12.0, 20.0, 8.0)


def test_sections_of_the_critical_path_lie_on_the_lines_of_their_spans():
    found = lines(SHOP)
    assert found.row(0, named=True)["critical"] == [
        {"from_ms": 0.0, "to_ms": 10.0}, {"from_ms": 40.0, "to_ms": 50.0}, {"from_ms": 90.0, "to_ms": 100.0},
    ]  # fmt: skip
    assert found["critical_ms"].to_list() == [30.0, 22.0, 8.0, 40.0]
    assert found["critical_ms"].sum() == 100.0


def test_an_open_span_is_a_parent_like_others_and_reaches_to_the_last_sign_of_life():
    found = lines([Span("page", None, 0, None), Span("query", "page", 10_000, 70_000)])
    assert found.select("name", "depth", "until_ms", "end", "state", "open").row(0) == (
        "page", 0, 70.0, None, "open", 1,
    )  # fmt: skip
    assert found.select("name", "depth").row(1) == ("query", 1)
    assert found["critical_ms"].to_list() == [0.0, 60.0]


def test_a_span_without_a_start_is_a_moment():
    found = lines([Span("page", None, 0, 50_000), Span("end", "page", None, 20_000)])
    assert found.select("name", "offset_ms", "length_ms").row(1) == ("end", 20.0, 0.0)


@pytest.mark.parametrize(
    ("start", "end", "moment"), [(7_200_000_000, 30_000, 30.0), (60_000, -7_200_000_000, 60.0), (60_000, 40_000, 60.0)]
)
def test_a_span_that_ends_before_it_starts_is_a_moment_among_the_others(start, end, moment):
    found = lines([Span("page", None, 0, 100_000), Span("odd", "page", start, end)])
    assert found.select("name", "offset_ms", "length_ms", "state").row(1) == ("odd", moment, 0.0, "negative_duration")


def test_spans_without_any_time_are_counted():
    found = lines([*SHOP, Span("nowhere", "page", None, None)])
    assert found.height == 4
    assert set(found.select("spans", "left_out").rows()) == {(5, 1)}


def test_what_no_tree_can_hold_stands_last():
    ring = [Span("a", "b", 0, 10), Span("b", "a", 0, 10)]
    again = Span("page", None, 0, 1_000)
    found = lines([*ring, again, *SHOP])
    assert found.select("name", "depth").rows()[4:] == [("a", 0), ("b", 0), ("page", 0)]
    assert found["length_ms"][0] == 100.0


def test_beyond_the_limit_the_rest_below_a_span_is_one_line():
    spans = [Span("page", None, 0, 100_000), *(Span(f"c{i:02}", "page", i * 1_000, i * 1_000 + i) for i in range(90))]
    found = lines(spans, max_lanes=10)
    assert found.height == 10
    other = found.row(-1, named=True)
    assert (other["name"], other["depth"], other["folded"], other["span_id"]) == ("other", 1, 82, None)
    assert (other["offset_ms"], other["until_ms"]) == (0.0, 87.085 if "c87" not in found["name"] else 81.081)
    assert found["folded"].sum() + (found["folded"] == 0).sum() == 91


def test_failed_and_open_spans_are_kept_before_longer_ones():
    spans = [Span("page", None, 0, 100_000), *(Span(f"c{i}", "page", i, 50_000) for i in range(50))]
    odd = frame([*spans, Span("bad", "c7", 8, 9), Span("stuck", "c9", 10, None)])
    told = pl.when(pl.col("name") == "bad").then(pl.lit("error")).otherwise(pl.lit("ok"))
    found = waterfall(odd.with_columns(status=told), trace_id="t", max_lanes=12).collect()
    assert {"bad", "stuck", "c7", "c9"} <= set(found["name"])
    assert (found["errors"].sum(), found["open"].sum()) == (1, 1)


@given(tidy_traces(), st.integers(1, 14), st.randoms(use_true_random=False))
def test_nothing_is_lost_whatever_the_order_and_the_limit(spans, most, random):
    told = lines(spans, max_lanes=most)
    shuffled = random.sample(spans, len(spans))
    assert_frame_equal(lines(shuffled, max_lanes=most), told)
    ours = [s for s in spans if s.trace == "t"]
    assert told.height <= most
    assert told["lane"].to_list() == list(range(told.height))
    assert (told["folded"] + (told["folded"] == 0)).sum() == len(ours)
    critical = critical_path(frame(ours)).collect()
    assert told["critical_ms"].sum() == pytest.approx(critical["duration_ms"].sum())
    for above, below in zip(told["depth"], told["depth"][1:], strict=False):
        assert below <= above + 1


@given(tidy_traces())
def test_a_span_stands_below_its_parent(spans):
    found = lines(spans)
    depth, place = (dict(zip(found["span_id"], found[column], strict=True)) for column in ("depth", "lane"))
    for span in (s for s in spans if s.trace == "t"):
        assert depth[span.id] == (depth[span.parent] + 1 if span.parent else 0)
        assert not span.parent or place[span.id] > place[span.parent]


def test_a_chain_of_many_levels_is_drawn_in_few_lines():
    n = 30_000
    chain = frame([Span(f"s{i:06}", f"s{i - 1:06}" if i else None, i, 2 * n - i) for i in range(n)])
    found = waterfall(chain, trace_id="t", max_lanes=50).collect()
    assert found.height == 50
    assert found["folded"][-1] == n - 49


@pytest.mark.parametrize("spans", [[], SHOP], ids=["no span", "another trace"])
def test_a_trace_that_is_not_there_has_no_line(spans):
    assert lines(spans, trace="gone").is_empty()


def test_bad_questions_are_refused():
    with pytest.raises(InvalidOption, match="max_lanes"):
        waterfall(frame(SHOP), trace_id="t", max_lanes=0)
    with pytest.raises(MissingColumns, match="span_id"):
        waterfall(pl.DataFrame({"trace_id": ["t"]}), trace_id="t")
