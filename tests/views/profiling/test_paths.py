import polars as pl
import pytest

from onex_analytics import profiling
from onex_analytics.views.profiling import critical_path_bar
from onex_analytics.views.theme import REST, description
from tests.views.profiling.results import is_blank, named, spans, trace

PAGE = trace(("page", None, 0, 100), ("query", "page", 10, 40), ("disk", "query", 20, 30))


@pytest.mark.parametrize("measure", ["share", "mean_ms"])
def test_each_row_of_the_profile_is_a_piece_of_the_bar_of_its_band(measure):
    frame = profiling.critical_path_profile(PAGE).collect()
    figure = critical_path_bar(frame, measure)
    pieces = {trace.name: trace.x[0] for trace in figure.data}
    assert pieces == dict(frame.select("name", measure).rows())
    assert figure.layout.barmode == "stack"
    assert figure.layout.yaxis.ticktext == ("all<br>1 tree",)


def test_bands_are_bars_one_below_the_other():
    many = spans([1000 * (i + 1) for i in range(100)], [f"op{i % 3}" for i in range(100)])
    figure = critical_path_bar(profiling.critical_path_profile(many, bands=(0, 0.5, 1)).collect())
    assert figure.layout.yaxis.ticktext == ("p0 to p50<br>50 trees", "p50 to p100<br>50 trees")
    assert set(named(figure, "op1").y) == {0, 1}


def test_of_many_names_all_are_drawn_and_the_small_ones_are_grey():
    many = spans([1000 + i for i in range(500)], [f"op{i}" for i in range(500)])
    frame = profiling.critical_path_profile(many).collect()
    figure = critical_path_bar(frame)
    assert len(figure.data) == 10
    other = named(figure, "other: 491 names")
    assert other.marker.color == REST
    assert sorted(x for trace in figure.data for x in trace.x) == sorted(frame["share"])
    assert "491 names beyond the first 9 are grey." in description(figure)


def test_call_paths_are_told_from_the_root_down():
    figure = critical_path_bar(profiling.critical_path_profile(PAGE, by="path").collect())
    assert named(figure, "page › query › disk").x == (0.1,)


def test_no_time_is_a_blank_figure():
    assert is_blank(critical_path_bar(profiling.critical_path_profile(spans([])).collect()))
    assert is_blank(critical_path_bar(profiling.critical_path_profile(spans([0])).collect()))


def test_each_band_says_what_is_largest():
    said = description(critical_path_bar(profiling.critical_path_profile(PAGE).collect()))
    assert "all, 1 tree: page is largest, 70 ms a tree (70 %)." in said
    assert pl.Series([said]).str.contains("3 names in 1 band").all()
