"""One browser for all tests of widgets, and a page a widget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.jupyter.widgets.stage import LIGHT, Stage, Staged, browser_of


@pytest.fixture(scope="session")
def browser(require_tool: Callable[..., Path]) -> Iterator[Browser]:
    with browser_of(require_tool("chromium")) as started:
        yield started


@pytest.fixture
def staged(browser: Browser) -> Iterator[Staged]:
    open_stages: list[Stage] = []

    def show(widget: Any, size: tuple[int, int] = (1300, 700), theme: dict[str, str] = LIGHT, **options: Any) -> Stage:
        open_stages.append(Stage(browser, widget, size, theme, **options))
        return open_stages[-1]

    yield show
    for stage in open_stages:
        stage.close()
