import polars as pl

from onex_analytics import profiling
from onex_analytics.views.profiling import concurrency
from onex_analytics.views.theme import description
from tests.views.profiling.results import is_blank, named, spans


def test_each_change_is_a_step():
    frame = profiling.in_flight(spans([40_000_000, 50_000_000, 1000])).collect()
    line = named(concurrency(frame), "under way")
    assert (list(line.x), list(line.y)) == (frame["at"].to_list(), frame["in_flight"].to_list())
    assert line.line.shape == "hv"


def test_buckets_have_a_mean_and_a_band_from_the_least_to_the_peak():
    frame = profiling.in_flight(spans([40_000_000] * 9), every="1m").collect()
    figure = concurrency(frame)
    assert list(named(figure, "mean under way").y) == frame["mean_in_flight"].to_list()
    band = named(figure, "from the least to the peak")
    assert list(band.y) == [*frame["peak"], *reversed(frame["least"].to_list())]


def test_open_spans_have_a_line_of_their_own():
    frame = profiling.in_flight(spans([1000, None, None])).collect()
    assert list(named(concurrency(frame), "of those, open: they have not ended").y) == frame["open"].to_list()


def test_of_many_groups_those_with_the_highest_peaks_have_a_line():
    names = [*(f"op{i}" for i in range(20)), "busy", "busy"]
    frame = profiling.in_flight(spans([3_600_000_000] * 22, names), by="operation").collect()
    figure = concurrency(frame)
    assert figure.data[0].name == "busy"
    assert len(figure.data) == 6
    assert "15 more groups with lower peaks not drawn" in figure.layout.xaxis.title.text
    assert "at most 2 at once, in busy." in description(figure)


def test_what_is_left_out_is_told():
    backwards = spans([1000, 1000]).with_columns(
        end=pl.when(pl.col("span_id") == "s1").then(pl.col("start") - pl.duration(seconds=1)).otherwise("end")
    )
    assert "1 left out" in description(concurrency(profiling.in_flight(backwards).collect()))


def test_no_span_is_a_blank_figure():
    assert is_blank(concurrency(profiling.in_flight(spans([])).collect()))
    assert is_blank(concurrency(profiling.in_flight(spans([]), every="1m").collect()))
