"""A browser draws the figures of sampling, in the page that a report is, at the width of a telephone, too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from onex_analytics.views import Section, html_figure, html_page
from onex_analytics.views.theme import BLUE, ORANGE, PINK, RED, REST, SKY, description
from tests.views.pictures import screenshot, share_of
from tests.views.sampling.results import DRAWN, drawn


@pytest.fixture(scope="module")
def chromium(require_tool: Callable[..., Path]) -> Path:
    return require_tool("chromium", mend="apt-get install chromium")


@pytest.mark.soak
@pytest.mark.parametrize("width", [900, 500])
def test_every_figure_is_seen(chromium, tmp_path, width):
    figures = [drawn(name, "a few") for name in DRAWN]
    page = html_page("t", "<p>lead</p>", [
        Section(f"s{i}", "figure", html_figure(figure, description(figure))) for i, figure in enumerate(figures)
    ])  # fmt: skip
    picture = screenshot(chromium, page, tmp_path, (width, 4200))
    for colour in (BLUE, ORANGE, PINK, RED, REST, SKY):
        assert share_of(picture, colour) > 2e-5, colour
