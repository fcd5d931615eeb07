"""A section of a page: what it asks, of which part of the view, and how the answer is drawn."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from onex_analytics.dashboard.asking import Asking
from onex_analytics.dashboard.selection import View


def _selection(view: View) -> Hashable:
    return view.selection


@dataclass(frozen=True)
class Slot:
    """One section, before it is asked."""

    anchor: str
    title: str
    html: Callable[[Asking, View], str]
    """Asks and draws, in a thread."""
    of: Callable[[View], Hashable] = _selection
    """The part of the view that the answer depends on."""
    slow: bool = False
    """It reads much of the log, and has time: another version's answer is shown until it is there."""

    def key(self, page: str, view: View) -> tuple[Any, ...]:
        """What is asked, whatever the version of the store."""
        return (page, self.anchor, self.of(view))
