import polars as pl

from onex_analytics import profiling
from onex_analytics.views.profiling import ecdf, latency_bars
from onex_analytics.views.theme import description
from tests.views.drawn_texts import drawn_texts
from tests.views.profiling.results import EVIL, LONG, is_blank, named, spans


def table(frame: pl.DataFrame, by: str = "operation") -> pl.DataFrame:
    return profiling.latency_table(frame, by, [0.5, 0.99]).collect()


def test_each_group_has_a_line_the_slowest_on_top():
    frame = table(spans([1000, 9000, 5000, 300], ["a", "b", "c", "c"]))
    figure = latency_bars(frame)
    assert list(figure.layout.yaxis.ticktext) == ["b", "c", "a"]
    for name in ("p50", "p99"):
        by_rank = frame.sort("p99_ms", descending=True)[f"{name}_ms"].to_list()
        assert list(named(figure, name).x) == by_rank
    assert len({trace.marker.symbol for trace in figure.data if trace.name}) == 2


def test_of_many_groups_all_are_drawn_and_the_fast_ones_share_a_line():
    frame = table(spans([1000 + i for i in range(1000)], [f"op{i}" for i in range(1000)]))
    figure = latency_bars(frame)
    assert len(figure.layout.yaxis.ticktext) == 31
    assert figure.layout.yaxis.ticktext[-1] == "<i>other: 970 groups</i>"
    drawn = sorted(x for trace in figure.data if trace.name == "p99" for x in trace.x)
    assert drawn == sorted(frame["p99_ms"])
    assert "970 groups beyond the first 30 share one line." in description(figure)


def test_groups_that_never_ended_are_told_of():
    figure = latency_bars(table(spans([1000, None], ["a", "stuck"])))
    assert list(figure.layout.yaxis.ticktext) == ["a"]
    assert "1 group without a measured span not drawn" in figure.layout.xaxis.title.text
    assert "1 group without a measured span not drawn." in description(figure)
    assert is_blank(latency_bars(table(spans([None]))))


def test_a_microsecond_stands_beside_a_day_and_nothing_at_zero():
    figure = latency_bars(table(spans([1, 86_400_000_000, 0], ["a", "b", "c"])))
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.xaxis.ticktext[0] == "0"
    assert "1 d" in figure.layout.xaxis.ticktext
    assert all(x > 0 for x in named(figure, "p50").x)
    assert "p50 0 ms" in named(figure, "p50").customdata[-1]


def test_a_long_name_is_cut_and_whole_in_the_hover_and_never_markup():
    figure = latency_bars(table(spans([2000, 1000], [LONG[:190], EVIL])))
    assert len(figure.layout.yaxis.ticktext[0]) <= 50
    assert LONG[:190] in named(figure, "p50").customdata[0]
    assert "<script" not in drawn_texts(figure)


def test_a_sketch_can_be_drawn_too_and_an_empty_table_is_blank():
    histogram = profiling.histogram_table(spans([1000, 2000]), "operation")
    sketched = profiling.histogram_quantile(histogram, [0.5, 0.99]).collect()
    assert len(named(latency_bars(sketched), "p50").x) == 1
    assert is_blank(latency_bars(table(spans([]))))


def distribution(frame: pl.DataFrame) -> pl.DataFrame:
    return profiling.ecdf(profiling.histogram_table(frame, "operation")).collect()


def test_the_share_rises_in_the_steps_of_the_frame():
    frame = distribution(spans([1000, 2000, 4000, 4000]))
    (line,) = ecdf(frame).data
    assert (list(line.x), list(line.y)) == (frame["upper_ms"].to_list(), frame["share"].to_list())
    assert line.line.shape == "hv"
    assert [tuple(said[2:]) for said in line.customdata] == [(1, 4), (2, 4), (4, 4)]


def test_of_many_groups_those_with_the_most_spans_have_a_line():
    names = ["often"] * 5 + [f"op{i}" for i in range(20)]
    figure = ecdf(distribution(spans([1000] * 25, names)))
    assert figure.data[0].name == "often"
    assert len(figure.data) == 10
    assert "11 more groups with fewer spans not drawn" in figure.layout.xaxis.title.text
    assert len({(trace.line.color, trace.line.dash) for trace in figure.data}) == 10


def test_a_distribution_of_nothing_is_blank():
    assert is_blank(ecdf(distribution(spans([]))))
