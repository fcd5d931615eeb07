"""A browser for the tests of a file, and a page a widget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.jupyter.widgets.stage import LIGHT, Stage, Staged, Theatre, browser_of


@pytest.fixture(scope="module")
def theatre(require_tool: Callable[..., Path]) -> Iterator[Theatre]:
    """No longer than the file: while Playwright is at work, its thread can run no other loop of asyncio."""
    with browser_of(require_tool("chromium")) as browser:
        yield Theatre(browser)


@pytest.fixture
def staged(theatre: Theatre) -> Iterator[Staged]:
    shown: list[Stage] = []

    def show(widget: Any, size: tuple[int, int] = (1300, 700), theme: dict[str, str] = LIGHT, **options: Any) -> Stage:
        shown.append(Stage(theatre, widget, size, theme, **options))
        return shown[-1]

    yield show
    theatre.stage = None
    assert [problem for stage in shown for problem in stage.problems] == []
