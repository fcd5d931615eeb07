"""Long work as a bar: tqdm's in a notebook, rich's in a terminal. What takes less than a second shows nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from onex_analytics.progress import Show, Tell

PATIENCE_S = 1.0
INSTALL = "pip install 'onex-analytics[jupyter]'"


class Bar(Protocol):
    """A bar that is drawn already."""

    def move(self, done: int, in_all: int | None) -> None:
        """Show that so much is done."""

    def close(self) -> None:
        """Take it away."""


def shows(draw: Callable[[str, str], Bar], clock: Callable[[], float] = time.monotonic) -> Show:
    """What shows work by bars that `draw(what, unit)` makes, each once its work has taken a second.

    Args:
        draw: makes a bar and shows it.
        clock: seconds.
    """

    @contextmanager
    def show(what: str, unit: str) -> Iterator[Tell]:
        began = clock()
        bar: Bar | None = None

        def tell(done: int, in_all: int | None) -> None:
            nonlocal bar
            if bar is None and clock() - began >= PATIENCE_S and done != in_all:
                bar = draw(what, unit)
            if bar is not None:
                bar.move(done, in_all)

        try:
            yield tell
        finally:
            if bar is not None:
                bar.close()

    return show


def for_shell(shell: Any) -> Show | None:
    """What shows work in this shell: a kernel's notebook by tqdm, where that is installed, a terminal by rich."""
    if hasattr(shell, "kernel"):
        return shows(NotebookBar) if find_spec("tqdm") is not None else None
    return shows(TerminalBar)


class NotebookBar:
    """tqdm's bar: a widget where ipywidgets is installed, else text."""

    def __init__(self, what: str, unit: str) -> None:
        options = {"desc": what, "unit": f" {unit}", "unit_scale": True, "leave": False}
        self._shown: Any = None
        if find_spec("ipywidgets") is None:
            self._bar = import_module("tqdm.std").tqdm(**options)
            return
        self._bar = import_module("tqdm.notebook").tqdm(display=False, **options)
        self._shown = import_module("IPython.display").display(self._bar.container, display_id=True)

    def move(self, done: int, in_all: int | None) -> None:
        if self._bar.total != in_all:
            self._bar.reset(in_all)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        self._bar.close()
        if self._shown is not None:  # else the notebook would keep a widget that is gone, and say so when it is opened
            self._shown.update({"text/plain": ""}, raw=True)


class TerminalBar:
    """rich's bar, on standard error."""

    def __init__(self, what: str, unit: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"), TextColumn(unit),
            TimeRemainingColumn(), console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._task = self._bar.add_task(what, total=None)
        self._bar.start()

    def move(self, done: int, in_all: int | None) -> None:
        self._bar.update(self._task, completed=done, total=in_all)

    def close(self) -> None:
        self._bar.stop()
