"""What holds for every figure of profiles, whichever it is."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import plotly.graph_objects as go
import polars as pl
import pytest

from onex_analytics import profiling
from onex_analytics.frames.spans import open_spans as open_now
from onex_analytics.views import profiling as views
from onex_analytics.views.theme import description
from tests.views.drawn_texts import drawn_texts
from tests.views.profiling.results import EVIL, NOON, spans

FOLDER = Path(views.__file__).parent
RECKONING = {
    "agg", "cum_sum", "cumsum", "describe", "group_by", "group_by_dynamic", "histogram", "mean", "median", "quantile",
    "rolling", "rolling_mean", "std", "value_counts", "var", "with_columns",
}  # fmt: skip
"""What makes a number that no analysis has given."""

DRAWN: dict[str, Callable[[pl.DataFrame], go.Figure]] = {
    "change_points": lambda s: views.change_points(
        series := profiling.latency_timeseries(s, "1m").collect(), profiling.change_points(series).collect()
    ),
    "comparison_forest": lambda s: views.comparison_forest(profiling.compare(s, s, by="operation").collect()),
    "concurrency": lambda s: views.concurrency(profiling.in_flight(s, by="operation").collect()),
    "critical_path_bar": lambda s: views.critical_path_bar(profiling.critical_path_profile(s).collect()),
    "diff_flame_graph": lambda s: views.diff_flame_graph(profiling.diff_flame_graph(s, s).collect()),
    "ecdf": lambda s: views.ecdf(profiling.ecdf(profiling.histogram_table(s, "operation")).collect()),
    "flame_graph": lambda s: views.flame_graph(profiling.flame_graph(s).collect()),
    "heatmap": lambda s: views.heatmap(profiling.heatmap(s, by="operation").collect()),
    "latency_bars": lambda s: views.latency_bars(profiling.latency_table(s, by="operation").collect()),
    "open_spans": lambda s: views.open_spans(open_now(s, now=NOON + timedelta(days=1)).collect()),
    "percentile_bands": lambda s: views.percentile_bands(profiling.latency_timeseries(s, by="operation").collect()),
    "waterfall": lambda s: views.waterfall(profiling.waterfall(s, trace_id="t0").collect()),
}
FEW = [1000, 2_000_000, 0, 86_400_000_000, None, 3]


def test_every_figure_is_looked_at_here():
    assert set(DRAWN) == set(views.__all__)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("durations", [[], [1500], [0], [None], FEW], ids=["none", "one", "zero", "open", "few"])
def test_every_figure_is_told_in_words_and_in_no_figure_is_nothing(name, durations):
    figure = DRAWN[name](spans(durations))
    assert len(description(figure)) > 20
    assert figure.layout.height >= 90
    assert "NaN" not in figure.to_json()
    assert figure.data or figure.layout.annotations


@pytest.mark.parametrize("name", DRAWN)
def test_text_of_users_never_becomes_markup(name):
    assert "<script" not in drawn_texts(DRAWN[name](spans(FEW, [EVIL] * len(FEW))))


@pytest.mark.parametrize("name", DRAWN)
def test_the_ground_is_clear_so_that_light_and_dark_pages_can_hold_it(name):
    layout = DRAWN[name](spans(FEW)).layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"


@pytest.mark.parametrize("name", DRAWN)
def test_axes_that_are_seen_say_what_they_measure(name):
    figure = DRAWN[name](spans(FEW))
    if any(trace.type == "icicle" for trace in figure.data):
        return
    seen = [axis for axis in figure.select_xaxes() if axis.visible is not False]
    assert any(axis.title.text for axis in seen)


@pytest.mark.parametrize("name", sorted(set(DRAWN) - {"waterfall", "open_spans"}))
def test_two_thousand_operations_stay_a_figure_of_a_page(name):
    many = spans([1000 + 7 * i for i in range(4000)], [f"operation {i % 2000}" for i in range(4000)], every_s=1)
    figure = DRAWN[name](many)
    assert figure.layout.height < 1500
    assert len(figure.data) < 100
    assert len(figure.to_json()) < 4_000_000


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.stem)
def test_no_figure_reckons_and_none_asks_an_analysis(file):
    tree = ast.parse(file.read_text())
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not called & RECKONING
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in imported if name.startswith(("onex_analytics.profiling", "onex_analytics.frames"))}
