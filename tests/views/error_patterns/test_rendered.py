"""A browser draws the figures of errors, in the page that a report is, at the width of a telephone, too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from onex_analytics.views import Section, html_figure, html_page
from onex_analytics.views.error_patterns import cascade_sankey, trace_lanes
from onex_analytics.views.theme import BLUE, ORANGE, PALETTE, REST, description
from tests.views.error_patterns.test_flows import CHAIN
from tests.views.error_patterns.test_swim_lanes import WRONG, four_spans
from tests.views.pictures import screenshot, share_of


@pytest.fixture(scope="module")
def chromium(require_tool: Callable[..., Path]) -> Path:
    return require_tool("chromium", mend="apt-get install chromium")


@pytest.mark.parametrize("width", [900, 500])
def test_a_flow_and_lanes_are_seen(chromium, tmp_path, width):
    figures = [cascade_sankey(CHAIN), trace_lanes(four_spans(), WRONG)]
    page = html_page("t", "<p>lead</p>", [
        Section(f"s{i}", "figure", html_figure(figure, description(figure))) for i, figure in enumerate(figures)
    ])  # fmt: skip
    picture = screenshot(chromium, page, tmp_path, (width, 1500))
    for colour in (BLUE, ORANGE, REST, PALETTE[5], PALETTE[6]):
        assert share_of(picture, colour) > 5e-5, colour
    assert share_of(picture, "#BCD9EC") > 0.002  # bands: blue at 0.3 upon white
