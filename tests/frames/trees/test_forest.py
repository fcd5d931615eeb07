import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.frames.spans import complete_spans
from onex_analytics.frames.trees import grow
from tests.profiling.traces import Span, frame, wild_traces


def trees_of(spans):
    return grow(complete_spans(frame(spans)).collect())


@given(wild_traces())
def test_parents_stand_before_their_children_and_siblings_side_by_side(spans):
    trees = trees_of(spans)
    n = trees.rows.size
    assert n == np.count_nonzero(trees.left_out == 0)
    assert (trees.parent < np.arange(n)).all()
    for place in range(n):
        own = range(trees.first_child[place], trees.first_child[place] + trees.children[place])
        assert [child for child in range(n) if trees.parent[child] == place] == list(own)
        assert sorted(own, key=lambda child: (-trees.end[child], -trees.start[child])) == list(own)
        assert all(trees.depth[child] == trees.depth[place] + 1 for child in own)
    assert trees.roots.tolist() == np.flatnonzero(trees.parent < 0).tolist()
    assert (np.diff(trees.start[trees.roots]) >= 0).all()
    assert (trees.tree[trees.parent[trees.parent >= 0]] == trees.tree[trees.parent >= 0]).all()


@given(wild_traces(), st.randoms())
def test_the_order_does_not_depend_on_that_of_the_rows(spans, random):
    def ordered(some):
        return complete_spans(frame(some)).collect()[trees_of(some).rows]

    assert ordered(spans).equals(ordered(random.sample(spans, len(spans))))


def test_only_a_consumer_below_a_producer_is_not_followed():
    kinds = [("p", None, "producer"), ("c", "p", "consumer"), ("s", "p", "server"), ("d", "s", "consumer")]
    spans = [Span(id, parent, 0, 9, kind=kind) for id, parent, kind in kinds]
    frame_ = complete_spans(frame(spans)).collect()
    trees = grow(frame_)
    followed = dict(zip(frame_["span_id"][pl.Series(trees.rows)], trees.followed.tolist(), strict=True))
    assert followed == {"p": True, "c": False, "s": True, "d": True}
