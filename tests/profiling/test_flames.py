import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.profiling.call_trees import call_tree
from onex_analytics.profiling.flames import OTHER, WEIGHTS, diff_flame_graph, flame_graph
from tests.profiling.traces import Span, frame, tidy_traces, wild_traces


def weights_of(spans, weight):
    return dict(call_tree(frame(spans)).select(pl.col("path").list.join("/"), f"{weight}_ms").collect().iter_rows())


@given(tidy_traces(), st.sampled_from(WEIGHTS))
def test_each_node_weighs_what_its_call_path_does_and_all_below_it(spans, weight):
    weights = weights_of(spans, weight)
    found = flame_graph(frame(spans), weight).collect()
    trees = sum(s.parent is None for s in spans)
    assert found.height == len(weights)
    for row in found.rows(named=True):
        path = "/".join(row["path"])
        below = sum(w for p, w in weights.items() if p == path or p.startswith(path + "/"))
        assert row["own_ms"] == pytest.approx(weights[path])
        assert row["total_ms"] == pytest.approx(below)
        assert row["total_per_tree_ms"] == pytest.approx(below / trees)
        assert row["own_per_tree_ms"] == pytest.approx(weights[path] / trees)
        assert row["share"] == (None if sum(weights.values()) == 0 else pytest.approx(below / sum(weights.values())))


@given(wild_traces(), st.sampled_from(WEIGHTS), st.integers(1, 12))
def test_beyond_the_most_nodes_the_rest_is_other_and_no_sum_loses_anything(spans, weight, most):
    whole, few = (flame_graph(frame(spans), weight, max_nodes=nodes).collect() for nodes in (2_000, most))
    assert few.height == min(whole.height, few.height) <= max(most, 0)
    for column in ("own_ms", "own_per_tree_ms", "n"):
        assert few[column].sum() == pytest.approx(whole[column].sum())
    assert (few["folded"] == 0).sum() + few["folded"].sum() == whole.height
    assert (few.filter(pl.col("folded") > 0)["name"] == OTHER).all()
    for row in few.rows(named=True):
        children = few.filter(pl.col("parent_id") == row["node_id"])
        assert row["total_ms"] == pytest.approx(row["own_ms"] + children["total_ms"].sum())
        assert row["depth"] == len(row["path"]) - 1
        if row["parent_id"] is not None:
            assert few["path"][row["parent_id"]].to_list() == row["path"][:-1]


def test_the_heaviest_paths_are_kept():
    spans = [Span("r", None, 0, 100)] + [Span(f"{i}", "r", 10 * i, 10 * i + i) for i in range(1, 9)]
    found = flame_graph(frame(spans), max_nodes=4).select("name", "folded", "own_ms").collect().rows()
    assert found == [("r", 0, 0.064), ("8", 0, 0.008), ("7", 0, 0.007), (OTHER, 6, 0.021)]


def test_roots_can_be_others_too():
    spans = [Span(f"{i}", None, 0, i, trace=f"{i}") for i in range(1, 6)]
    found = flame_graph(frame(spans), max_nodes=2).select("path", "parent_id", "folded", "own_ms").collect().rows()
    assert found == [(["5"], None, 0, 0.005), ([OTHER], None, 4, 0.01)]


@given(wild_traces(), st.sampled_from(WEIGHTS), st.sampled_from([3, 2_000]), st.randoms())
def test_nothing_differs_from_itself(spans, weight, most, random):
    shuffled = random.sample(spans, len(spans))
    found = diff_flame_graph(frame(spans), frame(shuffled), weight, max_nodes=most).collect()
    assert (found.select(pl.col("^delta_.*$") == 0)).select(pl.all_horizontal(pl.all()).all()).item()
    alone = flame_graph(frame(spans), weight, max_nodes=most).collect()
    for side in ("before", "after"):
        same = found.select("node_id", "parent_id", "path", "name", "depth", "folded", pl.col(f"^{side}_.*$"))
        assert same.rename({name: name.removeprefix(f"{side}_") for name in same.columns}).equals(alone.drop("share"))


@given(tidy_traces(), tidy_traces(), st.sampled_from(WEIGHTS), st.sampled_from([4, 2_000]))
def test_each_side_of_a_difference_is_whole(before, after, weight, most):
    found = diff_flame_graph(frame(before), frame(after), weight, max_nodes=most).collect()
    assert found.height <= most
    for side, spans in (("before", before), ("after", after)):
        weights = weights_of(spans, weight)
        assert found[f"{side}_own_ms"].sum() == pytest.approx(sum(weights.values()))
        assert found[f"{side}_n"].sum() == len(spans)
        if most == 2_000:
            told = {"/".join(row["path"]): row[f"{side}_own_ms"] for row in found.rows(named=True)}
            assert told == pytest.approx({path: weights.get(path, 0.0) for path in told})
            assert weights.keys() <= told.keys()


def test_a_side_without_spans_weighs_nothing():
    found = diff_flame_graph(frame([]), frame([Span("r", None, 0, 10)])).collect().row(0, named=True)
    assert (found["before_n"], found["before_total_ms"], found["delta_total_per_tree_ms"]) == (0, 0.0, 0.01)


def test_more_spans_are_not_a_difference_where_each_trace_takes_as_long():
    one = [Span("r", None, 0, 10), Span("a", "r", 0, 4)]
    three = [s._replace(trace=t) for t in "abc" for s in one]
    found = diff_flame_graph(frame(one), frame(three)).collect()
    assert found["after_own_ms"].sum() == pytest.approx(3 * found["before_own_ms"].sum())
    assert found["delta_own_per_tree_ms"].to_list() == pytest.approx([0, 0])


@given(wild_traces(), st.randoms(), st.integers(1, 6))
def test_the_order_of_the_rows_does_not_matter(spans, random, most):
    first, second = (
        flame_graph(frame(s), "critical", max_nodes=most).collect() for s in (spans, random.sample(spans, len(spans)))
    )
    assert first.equals(second)


def test_bad_options_are_refused():
    with pytest.raises(InvalidOption, match="self or critical"):
        flame_graph(frame([]), "total")
    with pytest.raises(InvalidOption, match="at least 1"):
        diff_flame_graph(frame([]), frame([]), max_nodes=0)
    with pytest.raises(MissingColumns, match="city"):
        diff_flame_graph(frame([]), frame([]), by="city")


def test_no_spans_no_flames():
    assert flame_graph(frame([])).collect().height == 0
    assert diff_flame_graph(frame([]), frame([])).collect().height == 0
