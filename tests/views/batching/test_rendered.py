"""A browser draws the figures of batching, in the page that a report is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from onex_analytics.views import Section, html_figure, html_page
from onex_analytics.views.batching import batch_sizes, delay_by_rate, queue_over_time
from onex_analytics.views.theme import BLUE, GREEN, ORANGE, RED, description
from tests.views.batching.results import compared, tight
from tests.views.pictures import screenshot, share_of


@pytest.fixture(scope="module")
def chromium(require_tool: Callable[..., Path]) -> Path:
    return require_tool("chromium", mend="apt-get install chromium")


def test_sizes_delays_and_losses_are_seen(chromium, tmp_path):
    found = tight()
    figures = [batch_sizes(found.sizes), queue_over_time(found.over_time, 60), delay_by_rate(compared())]
    page = html_page("t", "<p>lead</p>", [
        Section(f"s{i}", "figure", html_figure(figure, description(figure))) for i, figure in enumerate(figures)
    ])  # fmt: skip
    picture = screenshot(chromium, page, tmp_path, (500, 1900))
    for colour, least in ((ORANGE, 0.004), (GREEN, 0.0003), (RED, 0.0005), (BLUE, 0.0005), ("#BCDAEC", 0.004)):
        assert share_of(picture, colour) > least, colour
