"""One tab of a browser: it says which view it wants, and is told section by section."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from typing import Any

from onex_analytics.dashboard.answers import Answer
from onex_analytics.dashboard.asking import Asking
from onex_analytics.dashboard.library import Library
from onex_analytics.dashboard.pages import body_of, head_of, problem_html, slots_of, version_text
from onex_analytics.dashboard.sections import Slot
from onex_analytics.dashboard.selection import PAGES, View, view_of
from onex_analytics.exceptions import InputError, OnexError

Tell = Callable[[Mapping[str, Any]], None]
_NUMBERS = count(1)
_ASKING = '<p class="dim">Asking the log…</p>'


class Tab:
    """What one tab shows.

    Args:
        library: the store, which all tabs share.
        tell: sends a message to the browser; called by any thread.
    """

    def __init__(self, library: Library, tell: Tell) -> None:
        self.library, self._tell = library, tell
        self.who = next(_NUMBERS)
        self.shown: int | None = None
        """The version of the store that is shown."""
        self._number = 0
        self._left = 0

    def hear(self, told: object) -> None:
        """What the browser says: the query string of the view that it wants."""
        if not isinstance(told, Mapping):
            return
        if told.get("alive"):
            self._tell({"kind": "alive"})
        elif isinstance(told.get("ask"), str) and isinstance(told.get("number"), int):
            self.show(told["ask"], told["number"], str(told.get("how", "go")))

    def show(self, query: str, number: int, how: str) -> None:
        """Show a view: first its frame, then its sections as their answers come."""
        self._number = number
        self.library.answers.leave(self.who)
        try:
            view = view_of(query)
            asking = self.library.asking()
        except OnexError as problem:
            self._problem(problem, number, None)
            return
        slots = slots_of(view)
        self.shown, self._left = asking.holding.version, len(slots)
        name = PAGES[view.page]
        target = "exemplars" if view.cell is not None else "firings" if view.rule is not None else ""
        target = "waterfall" if view.trace is not None else target
        if how == "again":  # nobody loses the place: the sections are exchanged where they stand
            self._tell({"kind": "version", "number": number, "text": version_text(asking.holding)})
        else:
            self._tell({
                "kind": "page", "number": number, "how": how, "name": name, "target": target,
                "title": f"{name} – {asking.holding.name}", "head": head_of(asking.holding, view),
                "html": body_of(view),
            })  # fmt: skip
        for slot in slots:
            self._ask(asking, slot, view, number, placeholder=how != "again")

    def leave(self) -> None:
        """The tab was closed."""
        self._number = -1
        self.library.leave(self)

    def grown(self, text: str) -> None:
        """The store has grown: the user is told, and decides."""
        self._tell({"kind": "grown", "text": text})

    # ------------------------------------------------------------------ inside

    def _ask(self, asking: Asking, slot: Slot, view: View, number: int, *, placeholder: bool) -> None:
        answers, version = self.library.answers, asking.holding.version
        key = slot.key(view.page, view)
        done = partial(self._answered, slot, view, number, version)
        if answers.ready((version, *key)) is None:
            older = self.library.older(key) if slot.slow else None
            if older is not None:
                note = f"As of version {older[0]:,}; version {version:,} is being asked."
                self._slot(slot, number, older[1], note, busy=True)
            elif placeholder:
                self._slot(slot, number, _ASKING, "", busy=True)
        answers.ask((version, *key), partial(slot.html, asking, view), done, who=self.who * 100 + _place(slot, view),
                    slow=slot.slow)  # fmt: skip

    def _answered(self, slot: Slot, view: View, number: int, version: int, answer: Answer) -> None:
        if number != self._number:
            return
        if answer.problem is not None:
            html = problem_html(said(answer.problem, self.library), view)
        else:
            html = answer.value
            if slot.slow:
                self.library.note_older(slot.key(view.page, view), version, html)
        self._slot(slot, number, html, "", busy=False)
        self._left -= 1
        if self._left <= 0:
            self._tell({"kind": "done", "number": number, "version": version, "text": f"{PAGES[view.page]} is shown"})

    def _slot(self, slot: Slot, number: int, html: str, note: str, *, busy: bool) -> None:
        self._tell({"kind": "slot", "number": number, "anchor": slot.anchor, "html": html, "note": note, "busy": busy})

    def _problem(self, problem: BaseException, number: int, view: View | None) -> None:
        told = {"kind": "page", "number": number, "how": "go", "name": "a problem", "target": "",
                "title": f"Problem – {self.library.name}", "head": self._plain_head(view),
                "html": problem_html(said(problem, self.library), view)}  # fmt: skip
        self._tell(told)
        self._tell({"kind": "done", "number": number, "version": -1, "text": "The view cannot be shown"})

    def _plain_head(self, view: View | None) -> str:
        try:
            return head_of(self.library.asking().holding, view or View())
        except OnexError:
            return ""


def _place(slot: Slot, view: View) -> int:
    return list(slots_of(view)).index(slot)


def said(problem: BaseException, library: Library) -> str:
    """What went wrong, for people in a browser: where the store lies stays here, and so does all of a fault of ours."""
    if isinstance(problem, OnexError):
        text = " ".join(str(problem).split()).replace(library.uri, library.name)
        if isinstance(problem, InputError) or "/" not in text:
            return text
    sys.stderr.write("".join(traceback.format_exception(problem)))
    name = type(problem).__name__
    if isinstance(problem, OnexError):
        return f"The store {library.name} could not be read ({name}). The terminal of the dashboard has the details."
    return f"An unexpected {name}: a fault of ours. The dashboard goes on; its terminal has the details."
