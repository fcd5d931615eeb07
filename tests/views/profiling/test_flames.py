import polars as pl
import pytest

from onex_analytics import profiling
from onex_analytics.views.profiling import diff_flame_graph, flame_graph
from onex_analytics.views.theme import description
from tests.views.profiling.results import EVIL, LONG, is_blank, spans, trace

PAGE = trace(("page", None, 0, 100), ("query", "page", 10, 40), ("disk", "query", 20, 30))
SLOW = trace(("page", None, 0, 150), ("query", "page", 10, 90), ("mail", "page", 100, 140))


def test_each_node_weighs_what_the_frame_says_and_hangs_below_its_parent():
    frame = profiling.flame_graph(PAGE).collect()
    (icicle,) = flame_graph(frame).data
    assert icicle.branchvalues == "remainder"
    assert list(icicle.values) == [0, *frame["own_ms"]]
    assert list(icicle.parents) == ["", "all", "0", "1"]
    assert list(icicle.labels) == ["all trees", *frame["name"]]
    assert "with all below it: 30 ms, 30 % of all" in icicle.customdata[2]


def test_a_name_has_the_same_colour_wherever_it_stands():
    frame = profiling.flame_graph(trace(("a", None, 0, 9), ("b", "a", 1, 8), ("c", "b", 2, 7))).collect()
    again = frame.with_columns(name=pl.lit("a"))
    assert len(set(flame_graph(again).data[0].marker.colors[1:])) == 1
    assert flame_graph(frame).data[0].marker.colors[1] == flame_graph(again).data[0].marker.colors[1]


def test_what_stands_for_many_is_grey_and_counts_them():
    many = trace(("page", None, 0, 1000), *((f"c{i}", "page", i, i + 1) for i in range(200)))
    figure = flame_graph(profiling.flame_graph(many, max_nodes=20).collect())
    assert figure.data[0].marker.colors[-1] == figure.data[0].marker.colors[0] == "#737373"
    assert "1 node stands for the many light call paths." in description(figure)
    assert "stands for 182 call paths" in figure.data[0].customdata[-1]


def test_both_sides_of_a_difference_are_drawn_with_the_change_as_their_colour():
    frame = profiling.diff_flame_graph(PAGE, SLOW).collect()
    before, after = diff_flame_graph(frame).data
    for side, icicle in (("before", before), ("after", after)):
        shown = frame.filter(pl.col(f"{side}_n") > 0)
        assert list(icicle.values) == [0, *shown[f"{side}_own_per_tree_ms"]]
        assert list(icicle.marker.colors) == [0, *shown["delta_own_per_tree_ms"]]
        assert icicle.marker.cmin == -icicle.marker.cmax
    assert "disk" in before.labels and "disk" not in after.labels
    assert "mail" in after.labels and "mail" not in before.labels


def test_a_difference_of_the_same_has_no_colour_and_can_be_drawn():
    figure = diff_flame_graph(profiling.diff_flame_graph(PAGE, PAGE).collect())
    assert set(figure.data[0].marker.colors) == {0}
    assert "most" not in description(figure)


def test_a_side_without_a_trace_is_left_empty():
    figure = diff_flame_graph(profiling.diff_flame_graph(spans([]), PAGE).collect())
    assert len(figure.data) == 1
    assert {note.text for note in figure.layout.annotations} == {"before, time a tree", "after, time a tree"}


def test_a_long_name_is_cut_and_whole_in_the_hover_and_never_markup():
    figure = flame_graph(profiling.flame_graph(trace((LONG[:190], None, 0, 9), (EVIL, None, 0, 9))).collect())
    assert all(len(text) < 100 for text in figure.data[0].labels)
    assert any(LONG[:190] in hover for hover in figure.data[0].customdata)
    assert "<script" not in "".join([*figure.data[0].labels, *figure.data[0].customdata])


def test_levels_that_no_page_can_hold_show_after_a_click():
    chain = trace(*((f"s{i}", f"s{i - 1}" if i else None, i, 1000 - i) for i in range(90)))
    figure = flame_graph(profiling.flame_graph(chain).collect())
    assert figure.layout.height < 1000
    assert "after a click" in description(figure)


@pytest.mark.parametrize("frame", [spans([]), spans([0])], ids=["no span", "no time"])
def test_nothing_to_draw_is_a_blank_figure(frame):
    assert is_blank(flame_graph(profiling.flame_graph(frame).collect()))
    assert is_blank(diff_flame_graph(profiling.diff_flame_graph(frame, frame).collect()))
