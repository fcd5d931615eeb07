from __future__ import annotations

from functools import cache

import plotly.graph_objects as go
import polars as pl
import pytest

from onex_analytics.exceptions import MissingColumns
from onex_analytics.views.error_patterns import trace_lanes
from onex_analytics.views.error_patterns.lane_places import Places
from onex_analytics.views.theme import description
from tests.views.drawn_texts import drawn_texts
from tests.views.error_patterns.results import EVIL
from tests.views.error_patterns.test_lane_places import bars, errors
from tests.views.profiling.results import named

WRONG = errors(("api", 100, "LATE"), ("db", 60, "FULL"), ("api", 90, "FULL"))


@cache
def four_spans() -> pl.DataFrame:
    return bars(("api", 0, 100), ("db", 10, 60), ("db", 20, 30), ("mail", 50, None), failed=2)


def pairs(*told: tuple[str, str, str, str, float]) -> pl.DataFrame:
    return pl.DataFrame([
        {"chain": [{"node": a, "error_code": b}, {"node": c, "error_code": d}], "length": 2, "share_direct": direct}
        for a, b, c, d, direct in told
    ])  # fmt: skip


def marks(figure: go.Figure) -> dict[str, go.Scatter]:
    """By their name, which ends with their number."""
    found = [trace for trace in figure.data if trace.type == "scatter" and (trace.mode or "").startswith("markers")]
    return {trace.name: trace for trace in found}


def arrows(figure: go.Figure) -> list[tuple[float, float]]:
    """From when to when each leads."""
    return [(note.ax, note.x) for note in figure.layout.annotations if note.showarrow]


def test_each_span_has_a_bar_in_the_lane_of_its_node():
    figure = trace_lanes(four_spans(), WRONG)
    lanes = {lane.name: lane for lane in Places.of_trace(four_spans(), WRONG, "error_code", 20).lanes}
    found = {
        (base, length, y)
        for bar in figure.data if bar.type == "bar" and bar.showlegend is None
        for base, length, y in zip(bar.base, bar.x, bar.y, strict=True)
    }  # fmt: skip
    assert found == {
        (0, 100, lanes["api"].middle(0)), (10, 50, lanes["db"].middle(0)), (20, 10, lanes["db"].middle(1)),
        (50, 50, lanes["mail"].middle(0)),
    }  # fmt: skip
    assert len(named(figure, "failed").x) == 2


def test_a_lane_is_titled_by_its_node_and_its_errors():
    titles = [note.text for note in trace_lanes(four_spans(), WRONG).layout.annotations if not note.showarrow]
    assert titles == ["api · 2 errors", "db · 1 error", "mail"]


def test_each_error_is_a_mark_of_its_group_numbered_by_time():
    found = marks(trace_lanes(four_spans(), WRONG))
    assert {name: (list(mark.x), [text.strip() for text in mark.text]) for name, mark in found.items()} == {
        "FULL · 2": ([60, 90], ["1", "2"]), "LATE · 1": ([100], ["3"]),
    }  # fmt: skip
    looks = [(mark.marker.color, mark.marker.symbol) for mark in found.values()]
    assert looks[0][0] != looks[1][0] and looks[0][1] != looks[1][1]
    assert "error 3, 100 ms after the first sign of life" in found["LATE · 1"].customdata[0]


def test_long_times_are_in_a_greater_unit_everywhere():
    figure = trace_lanes(bars(("api", 0, 8000), ("db", 1000, None)), errors(("db", 4000, "E1"), ("db", 6000, "E2")))
    assert list(marks(figure)["E1 · 1"].x) == [4]
    assert list(named(figure, "in order of time").x) == [4, 6]
    assert (named(figure, "span").x, named(figure, "open: no end yet").x) == ((8,), (7,))
    (tail,) = [trace for trace in figure.data if trace.showlegend is False and trace.type == "bar"]
    assert min(tail.base) == 8
    assert figure.layout.xaxis.title.text.endswith(", s")


def test_errors_are_joined_in_the_order_of_time_only_where_they_are_few():
    assert list(named(trace_lanes(four_spans(), WRONG), "in order of time").x) == [60, 90, 100]
    many = errors(*(("db", i, "E1") for i in range(13)))
    figure = trace_lanes(four_spans(), many)
    assert "in order of time" not in [trace.name for trace in figure.data]
    assert marks(figure)["E1 · 13"].text is None


def test_with_cascades_arrows_lead_from_a_group_to_the_one_that_it_draws_after_it():
    known = pairs(
        ("db", "FULL", "api", "LATE", 0.5), ("db", "FULL", "api", "FULL", 0.4), ("api", "LATE", "db", "FULL", 1.0),
        ("db", "FULL", "mail", "FULL", 1.0),
    )  # fmt: skip
    figure = trace_lanes(four_spans(), WRONG, known)
    assert arrows(figure) == [(60, 100)]
    assert "in order of time" not in [trace.name for trace in figure.data]
    told = "1 arrow leads from an error to the one that it draws after it, such as FULL, then LATE."
    assert told in description(figure)


def test_arrows_begin_at_the_first_error_of_a_group():
    twice = errors(("db", 40, "FULL"), ("db", 60, "FULL"), ("api", 90, "LATE"), ("api", 100, "LATE"))
    assert arrows(trace_lanes(four_spans(), twice, pairs(("db", "FULL", "api", "LATE", 1.0)))) == [(40, 90)]


def test_arrows_are_in_the_unit_of_the_axis():
    wrong = errors(("db", 4000, "FULL"), ("api", 9000, "LATE"))
    figure = trace_lanes(bars(("api", 0, 9000), ("db", 10, 4000)), wrong, pairs(("db", "FULL", "api", "LATE", 1.0)))
    assert arrows(figure) == [(4, 9)]
    (arrow,) = [note for note in figure.layout.annotations if note.showarrow]
    found = marks(figure)
    assert (arrow.ay, arrow.y) == (found["FULL · 1"].y[0], found["LATE · 1"].y[0])
    assert arrow.ay > arrow.y


def test_cascades_that_tell_nothing_of_the_trace_are_said_to():
    figure = trace_lanes(four_spans(), WRONG, pairs(("cron", "A", "cron", "B", 1.0)))
    assert arrows(figure) == []
    assert list(named(figure, "in order of time").x) == [60, 90, 100]
    assert "No two of them are a direct pair of the cascades, in this order." in description(figure)


def test_cascades_by_a_column_that_errors_lack_are_refused():
    with pytest.raises(MissingColumns, match="title"):
        trace_lanes(four_spans(), WRONG, pairs(("db", "FULL", "api", "LATE", 1.0)).with_columns(
            pl.col("chain").list.eval(pl.element().struct.rename_fields(["node", "title"]))
        ))  # fmt: skip


def test_an_open_span_fades_out():
    figure = trace_lanes(four_spans(), WRONG)
    (tail,) = [trace for trace in figure.data if trace.showlegend is False and trace.type == "bar"]
    opacities = [float(colour.rsplit(",", 1)[1].rstrip(")")) for colour in tail.marker.color]
    assert min(tail.base) == 100.0
    assert opacities == sorted(opacities, reverse=True) and opacities[-1] < 0.1


def test_groups_beyond_the_first_eight_share_a_mark():
    wrong = errors(*(("db", i, f"E{min(i, 11)}") for i in range(14)))
    found = marks(trace_lanes(four_spans(), wrong))
    assert next(iter(found)) == "E11 · 3"
    assert list(found)[-1] == "other: 4 groups · 4"
    assert sum(len(mark.x) for mark in found.values()) == 14


def test_what_a_column_names_is_the_group():
    wrong = errors(("db", 60, "E1"), error_message="lost").with_columns(title=pl.lit("rows lost"))
    assert list(marks(trace_lanes(four_spans(), wrong, by="title"))) == ["rows lost · 1"]


def test_the_words_tell_first_and_order_and_what_is_not_drawn():
    wrong = pl.concat([WRONG, errors(("db", None, "LOST"))])
    assert description(trace_lanes(four_spans(), wrong)) == (
        "4 spans and 4 errors of one trace, in 3 lanes, over 100 ms. The errors are of 2 groups. The first is FULL, at "
        "db, 60 ms after the first sign of life. In order: FULL, FULL, LATE. 1 span has not ended. Not drawn: 1 error "
        "without a time."
    )
    assert "not drawn: 1 error without a time" in trace_lanes(four_spans(), wrong).layout.xaxis.title.text


def test_of_very_many_nodes_and_errors_the_figure_stays_on_a_page():
    rows = bars(*((f"n{i % 40}", i, i + 200 + i % 7) for i in range(400)), failed=9)
    wrong = errors(*((f"n{i % 40}", i / 4, f"E{i % 20}") for i in range(1100)))
    figure = trace_lanes(rows, wrong)
    assert figure.layout.height < 1300
    assert sum(len(mark.x) for mark in marks(figure).values()) == 1000
    assert "Not drawn: 100 later errors." in description(figure)
    assert "lanes beyond the first 20 share one." in description(figure)
    assert "lie upon others." in description(figure)


def test_without_anything_it_says_so():
    for wrong in (errors(), errors(("db", None, "E1"))):
        figure = trace_lanes(bars(), wrong)
        assert not figure.data
        assert "no span with a time" in description(figure)


def test_without_spans_the_errors_are_there_and_without_errors_the_spans():
    alone = trace_lanes(bars(), errors(("db", 500, "E1")))
    assert list(marks(alone)["E1 · 1"].x) == [0]
    assert "since the first error of the trace" in alone.layout.xaxis.title.text
    assert "No error with a time." in description(trace_lanes(four_spans(), errors()))


def test_markup_is_text():
    rows = bars((EVIL, 0, 9), (None, 1, None))
    wrong = errors((EVIL, 5, EVIL), (None, 6, None), error_message=EVIL, operation=EVIL, error_type=EVIL)
    text = drawn_texts(trace_lanes(rows, wrong))
    assert "<script" not in text and "<img" not in text
