"""What holds for every figure of errors, whichever it is and whatever it is given."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import plotly.graph_objects as go
import pytest

from onex_analytics.views import error_patterns as views
from onex_analytics.views.theme import description
from tests.views.drawn_texts import drawn_texts
from tests.views.error_patterns.results import Case, cases
from tests.views.profiling.test_all_figures import RECKONING

FOLDER = Path(views.__file__).parent

DRAWN: dict[str, Callable[[Case], go.Figure]] = {
    "cascade_sankey": lambda case: views.cascade_sankey(case.cascades),
    "co_occurrence_matrix": lambda case: views.co_occurrence_matrix(case.pairs),
    "contrast_forest": lambda case: views.contrast_forest(case.contrast),
    "first_seen_timeline": lambda case: views.first_seen_timeline(case.groups, case.changes, case.moment),
    "pareto": lambda case: views.pareto(case.groups),
    "stacked_rates": lambda case: views.stacked_rates(case.rates, case.bursts),
    "template_heatmap": lambda case: views.template_heatmap(case.rates),
    "trace_lanes": lambda case: views.trace_lanes(case.waterfall, case.errors_of_trace, by="fingerprint"),
}
PAIRS = [(name, case) for name in DRAWN for case in cases()]


def test_every_figure_is_looked_at_here():
    assert set(DRAWN) == set(views.__all__)


@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_every_figure_is_told_in_words_stays_on_a_page_and_in_no_figure_is_nothing(name, case):
    figure = DRAWN[name](cases()[case])
    text = figure.to_json()
    assert len(description(figure)) > 20
    assert 90 <= figure.layout.height < 1300
    assert len(figure.data) < 100
    assert len(text) < 2_000_000
    assert "NaN" not in text
    assert "Infinity" not in text
    assert figure.data or figure.layout.annotations


@pytest.mark.parametrize("name", DRAWN)
def test_text_of_users_never_becomes_markup(name):
    text = drawn_texts(DRAWN[name](cases()["markup"]))
    assert "<script" not in text
    assert "<img" not in text


@pytest.mark.parametrize("name", DRAWN)
def test_the_ground_is_clear_so_that_light_and_dark_pages_can_hold_it(name):
    layout = DRAWN[name](cases()["a few"]).layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"


@pytest.mark.parametrize("name", DRAWN)
def test_axes_that_are_seen_say_what_they_measure(name):
    figure = DRAWN[name](cases()["a few"])
    if any(trace.type == "sankey" for trace in figure.data):
        return
    assert any(axis.title.text for axis in figure.select_xaxes() if axis.visible is not False)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.stem)
def test_no_figure_reckons_and_none_asks_an_analysis(file):
    tree = ast.parse(file.read_text())
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not called & RECKONING
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    rooms = ("onex_analytics.error_patterns", "onex_analytics.frames")
    assert not {name for name in imported if name.startswith(rooms)}
