import polars as pl
import pytest
from hypothesis import given

from onex_analytics.frames.spans import complete_spans
from onex_analytics.frames.trees import links as module
from onex_analytics.frames.trees import tree_states
from onex_analytics.frames.trees.links import LEFT_OUT, ROW_STATES, links
from onex_analytics.model.shapes import SPAN_STATES
from onex_analytics.profiling.self_times import self_time
from tests.profiling.traces import Span, frame, wild_traces


def words(spans):
    found = self_time(frame(spans)).select("span_id", "left_out").collect()
    return {span: word for span, word in found.iter_rows() if word}


def verdicts(spans):
    """Why each span is left out, by the words of `LEFT_OUT`, one span after the other."""
    named = [s for s in spans if s.trace is not None]

    def by_itself(s):
        if s.trace is None:
            return "no_trace_id"
        if s.end is None:
            return "open"
        if s.start is None:
            return "end_without_start"
        return "negative_duration" if s.end < s.start else None

    def rank(s):
        late, far = float("inf"), float("-inf")
        start, end = (late if s.start is None else s.start), (far if s.end is None else s.end)
        return (
            by_itself(s) is not None, start, s.end is None, -end, s.parent is None, s.parent or "", s.name, s.kind,
        )  # fmt: skip

    def chosen(trace, span):
        same = [s for s in named if (s.trace, s.id) == (trace, span)]
        return min(same, key=rank) if same and span is not None else None

    def parent(s):
        return chosen(s.trace, s.parent) if s.trace is not None and s.parent is not None else None

    def verdict(s):
        if word := by_itself(s):
            return word
        if s.id is not None and (stands := chosen(s.trace, s.id)) is not s and stands != s:
            return "duplicate_id"
        seen, above = [], s
        while (above := parent(above)) is not None and above not in seen:
            seen.append(above)
        if above is None:
            return None
        return "cycle" if s in seen else "below_cycle"

    return [verdict(s) for s in spans]


@given(wild_traces())
def test_a_span_is_left_out_for_the_reason_that_a_look_at_one_after_the_other_gives(spans):
    spans = list(dict.fromkeys(spans))  # of rows that are wholly equal any may stand for the others
    found = self_time(frame(spans).with_row_index("n"), keep="n").sort("n").collect()
    assert found["left_out"].to_list() == verdicts(spans)


@given(wild_traces())
def test_every_span_is_counted_once(spans):
    states = tree_states(frame(spans)).collect()
    assert states["spans"].sum() == len(spans)
    left_out = self_time(frame(spans)).collect()["left_out"].drop_nulls().to_list()
    counted = states.filter(pl.col("place") == "left_out").select("word", "spans").rows()
    assert dict(counted) == {word: left_out.count(word) for word in left_out}


def test_states_that_a_row_bears_by_itself_are_those_of_the_model():
    assert set(ROW_STATES) | {"closed", "orphan", "cycle"} == set(SPAN_STATES)
    assert set(ROW_STATES) | {"cycle"} <= set(LEFT_OUT)


def test_a_state_that_the_pairing_gave_leaves_a_span_out_whatever_its_times_say():
    spans = frame([Span("a", None, 0, 9), Span("b", "a", 1, 3)], state=["closed", "duplicate_end"])
    assert self_time(spans).filter(pl.col("span_id") == "a").collect()["children"].item() == 0


def test_of_two_spans_with_one_id_the_one_that_ended_and_began_first_stands_for_it():
    a_open, a_late, a_first = Span("a", None, 0, None, "x"), Span("a", None, 2, 9, "y"), Span("a", None, 1, 9, "z")
    child = Span("b", "a", 3, 4)
    for spans in ([a_open, a_late, a_first, child], [child, a_first, a_late, a_open]):
        found = self_time(frame(spans)).select("name", "left_out", "children").sort("name").collect()
        assert found.rows() == [("b", None, 0), ("x", "open", None), ("y", "duplicate_id", None), ("z", None, 1)]


def test_spans_on_a_cycle_and_below_it_are_told_apart():
    spans = [Span("a", "b", 0, 9), Span("b", "a", 0, 9), Span("c", "b", 1, 2), Span("d", "d", 0, 1)]
    assert words(spans) == {"a": "cycle", "b": "cycle", "c": "below_cycle", "d": "cycle"}


def test_a_cycle_through_an_open_span_is_still_a_cycle():
    assert words([Span("a", "b", 0, None), Span("b", "a", 0, 9)]) == {"a": "open", "b": "cycle"}


def test_spans_without_an_id_are_leaves_and_spans_without_a_trace_are_left_out():
    without = [Span(None, "a", 1, 2, "x"), Span(None, "a", 3, 4, "y"), Span("c", None, 0, 1, "z", None)]
    spans = [Span("a", None, 0, 9, "w"), *without]
    found = self_time(frame(spans)).select("name", "self_ms", "left_out").sort("name").collect().rows()
    assert found == [("w", 0.007, None), ("x", 0.001, None), ("y", 0.001, None), ("z", None, "no_trace_id")]


def test_an_id_is_looked_up_in_its_own_trace_only():
    spans = frame([Span("a", None, 0, 9), Span("b", "a", 1, 2, trace="u")])
    states = tree_states(spans).select("word", "examples").collect().rows()
    assert states == [("root", ["a"]), ("orphan", ["b"])]


def test_two_texts_with_one_hash_are_told_apart_by_the_texts(monkeypatch):
    seeds = []

    def bad(texts, seed):
        seeds.append(seed)
        return texts.hash(seed) if seed > 1 else texts.str.len_bytes().fill_null(0).cast(pl.UInt64)

    spans = complete_spans(frame([Span("a", None, 0, 9), Span("b", "a", 1, 2), Span("c", "b", 1, 2)])).collect()
    expected = links(spans).parent.tolist()
    monkeypatch.setattr(module, "hashes", bad)
    assert links(spans).parent.tolist() == expected == [-1, 0, 1]
    assert max(seeds) == 2


@pytest.mark.parametrize("n", [100_000])
def test_a_ring_of_a_hundred_thousand_spans_is_found(n):
    ids = pl.Series([f"{i}" for i in range(n)])
    ring = frame([]).clear(n).with_columns(
        trace_id=pl.lit("t"), span_id=ids, parent_span_id=pl.concat([ids[1:], ids[:1]]), start=0, end=1
    ).cast({"start": pl.Datetime("us"), "end": pl.Datetime("us")})  # fmt: skip
    assert tree_states(ring).select("word", "spans").collect().rows() == [("cycle", n)]
