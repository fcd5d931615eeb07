"""What holds for every figure of sizes, whichever it is and whatever it is given."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import plotly.graph_objects as go
import pytest

from onex_analytics.sizing import LIMITS
from onex_analytics.views import sizing as views
from onex_analytics.views.theme import description
from tests.views.drawn_texts import drawn_texts
from tests.views.profiling.test_all_figures import RECKONING
from tests.views.sizing.results import Case, cases

FOLDER = Path(views.__file__).parent

DRAWN: dict[str, Callable[[Case], go.Figure]] = {
    "byte_pareto": lambda case: views.byte_pareto(case.fields),
    "codec_bars": lambda case: views.codec_bars(case.compression),
    "growth": lambda case: views.growth(case.over_time),
    "size_histogram": lambda case: views.size_histogram(case.distribution, LIMITS),
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
    assert any(axis.title.text for axis in figure.select_xaxes() if axis.visible is not False)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.stem)
def test_no_figure_reckons_and_none_asks_an_analysis(file):
    tree = ast.parse(file.read_text())
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not called & RECKONING
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in imported if name.startswith(("onex_analytics.sizing", "onex_analytics.frames"))}
