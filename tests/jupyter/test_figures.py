"""A figure in a notebook has no button that leads out of it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import plotly.graph_objects as go
import plotly.io
import pytest
from IPython.core.formatters import IPythonDisplayFormatter

from onex_analytics.jupyter.figures import see_to_figures

NOTEBOOK = "application/vnd.plotly.v1+json"


@pytest.fixture
def display() -> IPythonDisplayFormatter:
    formatter = IPythonDisplayFormatter()
    see_to_figures(SimpleNamespace(display_formatter=SimpleNamespace(ipython_display_formatter=formatter)))
    return formatter


@pytest.fixture(autouse=True)
def renderers() -> Iterator[None]:
    """Plotly's settings are those of the process: they are put back."""
    default, quiet = plotly.io.renderers.default, plotly.io.renderers["plotly_mimetype"].config
    plotly.io.renderers.default = "plotly_mimetype"
    yield
    plotly.io.renderers.default, plotly.io.renderers["plotly_mimetype"].config = default, quiet


def test_a_figure_has_neither_logo_nor_share_button(display, capsys):
    figure = go.Figure()
    assert display(figure) is True  # it was shown
    config = figure._repr_mimebundle_()[NOTEBOOK]["config"]
    assert (config["displaylogo"], config["showSendToCloud"]) == (False, False)


def test_what_somebody_set_stays(display, capsys):
    plotly.io.renderers["plotly_mimetype"].config = {"displaylogo": True, "scrollZoom": True}
    figure = go.Figure()
    display(figure)
    config = figure._repr_mimebundle_()[NOTEBOOK]["config"]
    assert (config["displaylogo"], config["scrollZoom"], config["showSendToCloud"]) == (True, True, False)


@pytest.mark.parametrize("default", ["", "json", "plotly_mimetype+notebook_connected"])
def test_whatever_draws_figures_draws_them_as_before(display, capsys, default, monkeypatch):
    shown = []
    monkeypatch.setattr(plotly.io, "show", shown.append)
    plotly.io.renderers.default = default
    figure = go.Figure()
    display(figure)
    assert shown == ([figure] if default else [])
    assert plotly.io.renderers.default == default


def test_other_objects_are_none_of_its_business(display):
    assert display(object()) is None
