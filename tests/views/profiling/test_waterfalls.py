import plotly.graph_objects as go
import polars as pl
import pytest

from onex_analytics.profiling import waterfall as lines
from onex_analytics.views.profiling import waterfall
from onex_analytics.views.theme import description
from tests.views.profiling.results import EVIL, LONG, is_blank, named, spans, trace

SHOP = trace(("page", None, 0, 100), ("query", "page", 10, 40), ("mail", "page", 50, None))


def drawn(frame: pl.DataFrame, **more: int):
    rows = lines(frame, trace_id="t", **more).collect()
    return rows, waterfall(rows)


def names_of(figure: go.Figure) -> go.Scatter:
    """The trace of the names on the left."""
    (names,) = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "text"]
    return names


def test_each_line_has_a_bar_where_the_frame_says():
    rows, figure = drawn(SHOP)
    bars = [trace for trace in figure.data if trace.type == "bar" and trace.showlegend is None]
    found = {
        (place, base, length)
        for bar in bars if bar.name != "on the critical path"
        for place, base, length in zip(bar.y, bar.base, bar.x, strict=True)
    }  # fmt: skip
    assert found == set(rows.select("lane", "offset_ms", "length_ms").rows())


def test_the_sections_of_the_critical_path_are_drawn_on_their_lines():
    rows, figure = drawn(SHOP)
    bar = named(figure, "on the critical path")
    sections = rows.explode("critical", empty_as_null=False).select("lane", pl.col("critical").struct.unnest()).rows()
    assert list(zip(bar.y, bar.base, (b + x for b, x in zip(bar.base, bar.x, strict=True)), strict=True)) == sections


def test_an_open_span_fades_out_beyond_the_last_sign_of_life():
    _, figure = drawn(SHOP)
    (tail,) = [trace for trace in figure.data if trace.showlegend is False and trace.type == "bar"]
    opacities = [float(colour.rsplit(",", 1)[1].rstrip(")")) for colour in tail.marker.color]
    assert set(tail.y) == {2}
    assert min(tail.base) == 100.0
    assert opacities == sorted(opacities, reverse=True) and opacities[-1] < 0.1
    assert "has not ended" in named(figure, "open: no end yet").customdata[0]


def test_failed_spans_are_marked_by_a_sign_and_not_by_colour_alone():
    status = pl.when(pl.col("name") == "query").then(pl.lit("error")).otherwise(pl.lit("ok"))
    _, figure = drawn(SHOP.with_columns(status=status))
    crosses = named(figure, "a failure")
    assert (list(crosses.y), crosses.marker.symbol) == ([1], "x")
    assert "Failed spans are on 1 line." in description(figure)


def test_what_is_folded_says_how_many_it_stands_for():
    many = trace(("page", None, 0, 100), *((f"c{i}", "page", i, i + 1) for i in range(50)))
    rows, figure = drawn(many, max_lanes=6)
    assert names_of(figure).text[-1] == f"<i>{rows['folded'][-1]} more spans</i>"
    assert "51 spans" in description(figure) and "1 line stands for several spans" in description(figure)


@pytest.mark.parametrize("deep", [3, 400])
def test_names_are_set_in_by_depth_as_far_as_there_is_room(deep):
    chain = trace(*((f"s{i}", f"s{i - 1}" if i else None, 0, 1000 - i) for i in range(deep)))
    _, figure = drawn(chain)
    names = names_of(figure)
    assert list(names.x[:3]) == [0, 1, 2]
    assert max(names.x) <= 14


def test_a_long_name_is_cut_and_whole_in_the_hover_and_never_markup():
    _, figure = drawn(trace((LONG[:190], None, 0, 1), (EVIL, None, 0, 1)))
    names = names_of(figure)
    assert all(len(text) < 60 for text in names.text)
    assert any(LONG[:190] in hover for hover in names.customdata)
    assert not any("<script" in text for text in [*names.text, *names.customdata])


def test_a_trace_that_lasts_days_is_told_in_days_and_one_of_microseconds_in_those():
    _, day = drawn(trace(("page", None, 0, 86_400_000 * 3)))
    _, tiny = drawn(trace(("page", None, 0, 0.005)))
    assert day.layout.xaxis.title.text.endswith(", d")
    assert tiny.layout.xaxis.title.text.endswith(", µs")


def test_a_trace_without_any_length_can_be_drawn():
    _, figure = drawn(trace(("page", None, 0, None)))
    assert figure.layout.xaxis.range[0] < figure.layout.xaxis.range[1]


def test_a_trace_that_is_not_there_is_a_blank_figure():
    assert is_blank(waterfall(lines(spans([]), trace_id="t").collect()))
