from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import MissingColumns
from onex_analytics.profiling.leeway import drag, slack
from onex_analytics.profiling.sections import critical_path
from tests.profiling.traces import Span, children_of, frame, is_async, length_of, roots_of, tidy_traces, wild_traces


def numbers(result, *columns):
    rows = result.select("span_id", *(pl.col(column) * 1000 for column in columns)).collect().iter_rows()
    return {row[0]: tuple(v if v is None else round(v) for v in row[1:]) for row in rows}


def tree_of(spans, root):
    found = [root]
    for span in found:
        found += children_of(spans, span)
    return found


def waits_for(spans, span):
    """True if the root waits for the span: it and all above it have a share in all above them."""
    chain = [span]
    while chain[-1].parent is not None:
        chain.append(next(s for s in spans if s.id == chain[-1].parent))
    low, high = max(s.start for s in chain), min(s.end for s in chain)
    cut_empty = low >= high and len(chain) > 1
    return not cut_empty and not any(is_async(above, below) for below, above in pairwise(chain))


def test_of_two_that_run_side_by_side_the_longer_has_the_difference_as_its_drag():
    spans = [Span("r", None, 0, 15), Span("a", "r", 0, 10), Span("b", "r", 0, 12)]
    assert numbers(drag(frame(spans)), "drag_ms", "own_drag_ms") == {"r": (15, 3), "a": (0, 0), "b": (2, 2)}
    assert numbers(slack(frame(spans)), "slack_ms") == {"r": (0,), "a": (2,), "b": (0,)}


def test_of_two_equally_long_ones_neither_has_drag():
    spans = [Span("r", None, 0, 10), Span("a", "r", 0, 10), Span("b", "r", 0, 10)]
    assert numbers(drag(frame(spans)), "drag_ms") == {"r": (10,), "a": (0,), "b": (0,)}


def test_a_limit_above_limits_all_below():
    spans = [Span("r", None, 0, 12), Span("a", "r", 0, 12), Span("b", "r", 0, 9), Span("c", "a", 1, 11)]
    found = numbers(drag(frame(spans)), "drag_ms", "own_drag_ms")
    assert found == {"r": (12, 0), "a": (3, 2), "b": (0, 0), "c": (3, 3)}
    assert numbers(slack(frame(spans)), "slack_ms")["b"] == (3,)


def test_slack_adds_up_through_the_levels():
    spans = [Span("r", None, 0, 20), Span("a", "r", 0, 20), Span("b", "r", 0, 10)]
    spans += [Span("c", "b", 0, 4), Span("d", "b", 0, 8)]
    assert numbers(slack(frame(spans)), "slack_ms") == {"r": (0,), "a": (0,), "b": (10,), "c": (14,), "d": (10,)}


def test_what_the_root_does_not_wait_for_has_no_drag_and_no_slack_to_tell():
    spans = [
        Span("r", None, 0, 10, kind="producer"), Span("sent", "r", 1, 9, kind="consumer"), Span("flash", "r", 5, 5),
        Span("late", "r", 10, 15), Span("below", "late", 11, 12), Span("open", "r", 1, None),
    ]  # fmt: skip
    found = slack(frame(spans)).select("span_id", "slack_ms", "left_out").collect().rows()
    assert found[:5] == [("r", 0.0, None)] + [(id, None, None) for id in ("sent", "flash", "late", "below")]
    assert found[5] == ("open", None, "open")
    assert drag(frame(spans)).collect()["drag_ms"].to_list() == [0.01, 0, 0, 0, 0, None]


@given(tidy_traces())
def test_drag_is_what_the_root_wins_when_the_span_takes_no_time(spans):
    found = numbers(drag(frame(spans)), "drag_ms", "own_drag_ms")
    for root in roots_of(spans):
        duration = root.end - root.start
        for span in tree_of(spans, root):
            gone = length_of(spans, root, whole=lambda s, time, span=span: 0 if s is span else time)
            idle = length_of(spans, root, own=lambda s, time, span=span: 0 if s is span else time)
            assert found[span.id] == (duration - gone, duration - idle)


@given(tidy_traces())
def test_slack_is_the_longest_delay_that_the_root_does_not_feel(spans):
    found = numbers(slack(frame(spans)), "slack_ms")
    for root in roots_of(spans):
        for span in tree_of(spans, root):
            (leeway,) = found[span.id]
            assert (leeway is not None) == waits_for(spans, span)
            for delay in (1, 100) if leeway is None else (leeway, leeway + 1):
                late = length_of(spans, root, whole=lambda s, time, span=span, by=delay: time + by * (s is span))
                assert late - (root.end - root.start) == (delay > leeway if leeway is not None else 0)


@given(tidy_traces())
def test_what_is_on_the_critical_path_has_no_slack(spans):
    found = numbers(slack(frame(spans)), "slack_ms")
    on_path = critical_path(frame(spans)).collect()["span_id"].unique()
    assert all(found[span] == (0,) for span in on_path)


@given(wild_traces(), st.randoms(), st.sampled_from([drag, slack]))
def test_the_order_of_the_rows_does_not_matter(spans, random, reckon):
    first, second = (reckon(frame(s)).collect() for s in (spans, random.sample(spans, len(spans))))
    assert first.sort(first.columns).equals(second.sort(second.columns))


def test_many_siblings_and_deep_chains_take_no_square_of_steps():
    n = 200_000
    ids = pl.Series([f"{i:06}" for i in range(n)])
    start, end = pl.Series(range(n)), pl.Series(range(2 * n, n, -1))
    chain = pl.DataFrame({"span_id": ids, "parent_span_id": ids.shift(1), "start": start, "end": end})
    chain = chain.with_columns(trace_id=pl.lit("chain"))
    wide = chain.with_columns(
        trace_id=pl.lit("wide"), parent_span_id=pl.Series([None] + ["000000"] * (n - 1)), end=pl.col("start") + 1
    ).with_columns(end=pl.when(pl.col("start") == 0).then(n).otherwise("end"))
    spans = pl.concat([chain, wide]).with_columns(pl.col("start", "end").cast(pl.Datetime("us")), name=pl.lit("n"))
    assert slack(spans).collect()["slack_ms"].sum() == 0
    found = drag(spans).filter(pl.col("trace_id") == "wide").collect()
    assert found["drag_ms"].sum() == pytest.approx((2 * n - 1) / 1000)


def test_further_columns_are_carried_along_and_absent_ones_refused():
    spans = frame([Span("a", None, 0, 10)], tenant=["blue"])
    assert drag(spans, keep="tenant").collect()["tenant"].item() == "blue"
    with pytest.raises(MissingColumns, match="city"):
        slack(spans, keep="city")


def test_a_frame_without_spans_gives_none():
    assert drag(frame([])).collect().height == slack(frame([])).collect().height == 0
