"""A browser draws the figures, in the page that a report is: its policy lets nothing but our own scripts run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from onex_analytics import profiling
from onex_analytics.views import Section, html_figure, html_page
from onex_analytics.views.profiling import flame_graph, waterfall
from onex_analytics.views.theme import BLUE, ORANGE, description
from tests.views.pictures import screenshot, share_of
from tests.views.profiling.results import trace

SHOP = trace(("page", None, 0, 100), ("query", "page", 10, 60), ("mail", "page", 50, None))


@pytest.fixture(scope="module")
def chromium(require_tool: Callable[..., Path]) -> Path:
    return require_tool("chromium", mend="apt-get install chromium")


def page(*figures) -> str:
    return html_page("t", "<p>lead</p>", [
        Section(f"s{i}", "figure", html_figure(figure, description(figure))) for i, figure in enumerate(figures)
    ])  # fmt: skip


def test_a_waterfall_and_a_flame_graph_are_seen(chromium, tmp_path):
    drawn = waterfall(profiling.waterfall(SHOP, trace_id="t").collect())
    icicle = flame_graph(profiling.flame_graph(SHOP).collect())
    picture = screenshot(chromium, page(drawn, icicle), tmp_path)
    assert picture.shape == (700, 900, 3)
    assert share_of(picture, BLUE) > 0.01  # what is on the critical path
    assert 0.001 < share_of(picture, ORANGE, within=120) < 0.2  # an open span, pale
    colours = {str(colour) for colour in icicle.data[0].marker.colors}
    assert all(share_of(picture, colour) > 0.004 for colour in colours)
