import plotly.graph_objects as go
import pytest

from onex_analytics import profiling
from onex_analytics.views.span_bars import add_bars, hover_of, kind_of
from tests.views.profiling.results import EVIL, named, trace

LINE = {"folded": 0, "open": 0, "errors": 0}


@pytest.mark.parametrize(
    ("more", "kind"),
    [({}, "span"), ({"errors": 1}, "failed"), ({"open": 1, "errors": 1}, "open"), ({"folded": 3, "open": 1}, "other")],
)
def test_a_bar_is_coloured_by_what_is_worst_to_overlook(more, kind):
    assert kind_of({**LINE, **more}) == kind


def test_bars_stand_where_they_are_put_in_the_unit_of_the_axis():
    lines = profiling.waterfall(trace(("page", None, 0, 4000), ("query", "page", 1000, 3000)), trace_id="t").collect()
    figure = go.Figure()
    add_bars(figure, lines.to_dicts(), [7, 7.4], ["a", "b"], 1000.0, [0.8, 0.3])
    bar = named(figure, "span")
    assert (list(bar.base), list(bar.x), list(bar.y), list(bar.width)) == ([0, 1], [4, 2], [7, 7.4], [0.8, 0.3])


def test_a_name_is_whole_in_the_hover_and_never_markup():
    (line,) = profiling.waterfall(trace((EVIL, None, 0, 1)), trace_id="t").collect().to_dicts()
    assert "&lt;script&gt;" in hover_of(line) and "<script" not in hover_of(line)
