"""The store that a dashboard shows, watched as it grows, and what all tabs share."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from onex_analytics.alerting import RuleSet
from onex_analytics.dashboard.answers import Answers
from onex_analytics.dashboard.asking import Asking
from onex_analytics.dashboard.holding import Holding, hold, name_of
from onex_analytics.dashboard.pages import SLOTS
from onex_analytics.dashboard.selection import View
from onex_analytics.exceptions import OnexError
from onex_analytics.store import EventStore

if TYPE_CHECKING:
    from onex_analytics.dashboard.tabs import Tab

_MOST_OLDER = 256


class Library:
    """A store, its newest version in memory, and the answers about it.

    Args:
        store: the store.
        rules: alert rules to try on it; None for none.
        rules_name: what they are called.
        answers: where answers are kept.
    """

    def __init__(
        self, store: EventStore, rules: RuleSet | None = None, rules_name: str = "", answers: Answers | None = None
    ) -> None:
        self.store, self.uri, self.name = store, store.uri, name_of(store.uri)
        self.rules, self.rules_name = rules, rules_name
        self.answers = answers or Answers()
        self._holding: Holding | None = None
        self._tabs: dict[int, Tab] = {}
        self._older: dict[Hashable, tuple[int, str]] = {}
        self._lock, self._growing = Lock(), Lock()

    def asking(self) -> Asking:
        """What a page asks with, of the newest version that is in memory.

        Raises:
            NotAStore: nothing was stored yet.
        """
        held = self._holding
        if held is None:
            self.take_up()
            held = self._holding
        assert held is not None
        return Asking(held, self.answers, self.rules, self.rules_name)

    def take_up(self) -> Holding | None:
        """Take in what was stored since; returns the store as it is now, or None where nothing is new."""
        with self._growing:
            before = self._holding
            if before is not None and self.store.version() == before.version:
                return None
            self._holding = hold(self.store, before)
            return self._holding

    def watch(self) -> None:
        """Look once whether the store has grown, and tell the tabs; a store that cannot be read is looked at again."""
        before = self._holding
        try:
            held = self.take_up()
        except OnexError:
            return
        if held is None or before is None:
            return
        more = held.events - before.events
        text = f"The store has grown: version {held.version:,}, {more:+,} events."
        with self._lock:
            tabs = list(self._tabs.values())
        for tab in tabs:
            tab.grown(text)

    def warm(self) -> None:
        """Ask ahead what the pages show before anybody filters: quick sections first, then the first pages."""
        asking = self.asking()
        views = [(View(page), slot) for page, slots in SLOTS.items() for slot in slots]
        for view, slot in sorted(views, key=lambda one: one[1].slow):
            key = (asking.holding.version, *slot.key(view.page, view))
            self.answers.ask(key, partial(slot.html, asking, view), slow=slot.slow)

    # ------------------------------------------------------------------ tabs

    def join(self, tab: Tab) -> None:
        """A tab was opened."""
        with self._lock:
            self._tabs[tab.who] = tab

    def leave(self, tab: Tab) -> None:
        """A tab was closed."""
        with self._lock:
            self._tabs.pop(tab.who, None)
        self.answers.leave(tab.who)

    # ------------------------------------------------------------------ what was true of older versions

    def older(self, key: Hashable) -> tuple[int, str] | None:
        """A slow answer about an older version, with its number; None where there is none."""
        with self._lock:
            return self._older.get(key)

    def note_older(self, key: Hashable, version: int, html: str) -> None:
        """Keep a slow answer until there is a newer one."""
        with self._lock:
            self._older.pop(key, None)
            self._older[key] = version, html
            while len(self._older) > _MOST_OLDER:
                del self._older[next(iter(self._older))]
