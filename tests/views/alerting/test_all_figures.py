"""What holds for every figure of alert rules, whichever it is and whatever it is given."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import plotly.graph_objects as go
import pytest

from onex_analytics import alerting
from onex_analytics.views import alerting as views
from onex_analytics.views.theme import description
from tests.views.alerting.results import Case, cases
from tests.views.drawn_texts import drawn_texts
from tests.views.profiling.test_all_figures import RECKONING

FOLDER = Path(views.__file__).parent


def first_rule(case: Case) -> str:
    return case.rule_file.groups[0].rules[0].alert


DRAWN: dict[str, Callable[[Case], go.Figure]] = {
    "before_after": lambda case: views.before_after(case.comparison),
    "delay_ecdf": lambda case: views.delay_ecdf(alerting.delay_distribution(case.result)),
    "frontier": lambda case: views.frontier(alerting.frontier(case.sweep)),
    "incident_matrix": lambda case: views.incident_matrix(alerting.incident_matrix(case.result)),
    "pages_by_hour": lambda case: views.pages_by_hour(alerting.pages_by_hour(case.result)),
    "sweep_curve": lambda case: views.sweep_curve(case.sweep, 3),
    "threshold_by_for": lambda case: views.threshold_by_for(case.sweep),
    "timeline": lambda case: views.timeline(case.result),
    "value_against_threshold": lambda case: views.value_against_threshold(
        alerting.values_over_time(case.result, first_rule(case)), first_rule(case)
    ),
}
NEEDS_INCIDENTS = {"delay_ecdf", "frontier", "incident_matrix"}
PAIRS = [(name, case) for name in DRAWN for case in cases()
         if cases()[case].incidents is not None or name not in NEEDS_INCIDENTS]  # fmt: skip


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
    assert "<script" not in drawn_texts(DRAWN[name](cases()["markup"]))


@pytest.mark.parametrize("name", DRAWN)
def test_the_ground_is_clear_so_that_light_and_dark_pages_can_hold_it(name):
    layout = DRAWN[name](cases()["a few"]).layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"


@pytest.mark.parametrize("name", DRAWN)
def test_axes_that_are_seen_say_what_they_measure(name):
    figure = DRAWN[name](cases()["a few"])
    assert any(axis.title.text for axis in figure.select_xaxes() if axis.visible is not False)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.stem)
def test_no_figure_reckons_and_none_asks_an_analysis(file):
    tree = ast.parse(file.read_text())
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not called & RECKONING
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in imported if name.startswith(("onex_analytics.alerting", "onex_analytics.frames"))}
