import math

import polars as pl

from onex_analytics import profiling
from onex_analytics.views.profiling import heatmap
from onex_analytics.views.theme import description
from tests.views.profiling.results import is_blank, spans


def cells(figure, trace: int = 0) -> dict[tuple[object, float, float], int]:
    """What is drawn: (start, lower, upper) → spans."""
    drawn = figure.data[trace]
    return {
        (drawn.x[column], low, high): round(10**value)
        for low, high, row in zip(drawn.y, drawn.y[1:], drawn.z, strict=False)
        for column, value in enumerate(row) if value is not None
    }  # fmt: skip


def test_each_cell_of_the_frame_is_drawn_where_it_lies_and_no_other():
    frame = profiling.heatmap(spans([1000, 1100, 1000, 90_000_000, 5, 40]), "1m").collect()
    assert cells(heatmap(frame)) == {
        (start, low, high): n for start, low, high, n in frame.select("start", "lower_ms", "upper_ms", "n").rows()
    }


def test_quiet_times_stay_clear():
    frame = profiling.heatmap(pl.concat([spans([1000] * 2), spans([1000] * 40)[30:]]), "1m").collect()
    assert len(cells(heatmap(frame))) == frame.height
    assert all(value is None for row in heatmap(frame).data[0].z for value in [row[1]])


def test_a_cell_is_as_wide_as_its_bucket_however_far_the_next_one_is():
    far_apart = pl.concat([spans([1000]), spans([1000], every_s=1).with_columns(
        pl.col("start", "end").dt.offset_by("300d")
    )])  # fmt: skip
    for found in (spans([1000]), far_apart):
        frame = profiling.heatmap(found, "1h").collect()
        drawn = heatmap(frame).data[0]
        where = {(one[1], one[2]) for row in drawn.customdata for one in row if one}
        at = frame.select(pl.col("start", "end").dt.strftime("%Y-%m-%dT%H:%M:%S"))
        assert where == set(at.rows())
        assert list(drawn.x) == sorted({*frame["start"], *frame["end"]})


def test_durations_of_zero_have_a_row_of_their_own():
    figure = heatmap(profiling.heatmap(spans([0, 0, 1000, 2000]), "1m").collect())
    assert figure.layout.yaxis.ticktext[0] == "0"
    zero = [(low, high) for (_, low, high), n in cells(figure).items() if n == 2]
    assert any(math.isclose(low * high, figure.layout.yaxis.tickvals[0] ** 2) for low, high in zero)


def test_each_of_some_groups_has_a_panel_and_the_others_are_counted():
    names = [f"op{i % 10}" for i in range(30)]
    figure = heatmap(profiling.heatmap(spans([1000] * 30, names), "1m", by="operation").collect())
    assert len(figure.data) == 8
    assert "2 less busy groups not drawn." in description(figure)
    assert len({trace.coloraxis for trace in figure.data}) == 1


def test_the_colours_reach_to_the_fullest_cell():
    figure = heatmap(profiling.heatmap(spans([1000] * 50, every_s=0.1), "1m").collect())
    assert figure.layout.coloraxis.cmax == math.log10(50)
    assert list(figure.layout.coloraxis.colorbar.ticktext) == ["1", "10", "50"]


def test_one_span_is_one_cell_and_none_is_blank():
    assert len(cells(heatmap(profiling.heatmap(spans([1000]), "1m").collect()))) == 1
    assert is_blank(heatmap(profiling.heatmap(spans([]), "1m").collect()))
    assert is_blank(heatmap(profiling.heatmap(spans([None]), "1m").collect()))
