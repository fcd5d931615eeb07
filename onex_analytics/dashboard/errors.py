"""Errors: groups, what is new, bursts, what comes together, and what is different about failed work.

Errors are found once a version, in the whole log; the time range and the filters choose among them.
"""

from __future__ import annotations

import polars as pl

from onex_analytics.dashboard import tallies
from onex_analytics.dashboard.asking import Asking
from onex_analytics.dashboard.sections import Slot
from onex_analytics.dashboard.selection import Selection, View
from onex_analytics.looks.errors import error_frames, errors_found, grouped
from onex_analytics.views import ErrorFrames
from onex_analytics.views.report_of_errors import error_sections, groups_section

_BY = ("node", "operation")
_TITLES = {
    "errors-changes": "What is new, and what comes more often", "errors-bursts": "When errors come in bursts",
    "errors-together": "Which errors come together", "errors-contrast": "What is different about failed work",
    "errors-example": "A trace with errors",
}  # fmt: skip


def found(asking: Asking, view: View) -> pl.DataFrame:
    """The errors that were chosen, by time, node and operation."""

    def reckon() -> pl.DataFrame:
        everything = Selection()
        return errors_found(asking.holding.scan(everything), asking.holding.spans(everything))

    errors = asking.kept("errors", reckon=reckon)
    return errors if view.selection.is_everything else errors.filter(view.selection.rows("timestamp", *_BY))


def _groups(asking: Asking, view: View) -> str:
    note = _unused(view)
    return note + groups_section(grouped(found(asking, view))).body


def frames(asking: Asking, view: View) -> ErrorFrames:
    """What the other sections show."""

    def reckon() -> ErrorFrames:
        chosen = Selection(view.selection.since, view.selection.until, node=view.selection.node,
                           operation=view.selection.operation)  # fmt: skip
        period = tallies.main_period(asking.holding.chosen_counts(chosen))
        return error_frames(found(asking, view), asking.holding.spans(chosen), period=period)

    return asking.kept("error frames", view.selection, reckon=reckon)


def _unused(view: View) -> str:
    used = [name for name in ("event_type", "outcome") if getattr(view.selection, name)]
    if not used:
        return ""
    return ('<p class="dim">The filters of event type and outcome do not narrow errors: several events may tell of one.'
            "</p>")  # fmt: skip


def _of(anchor: str) -> Slot:
    def drawn(asking: Asking, view: View) -> str:
        sections = {one.anchor: one.body for one in error_sections(frames(asking, view))}
        return sections.get(anchor, '<p class="empty">There is nothing to tell: no error was found, or no time.</p>')

    return Slot(anchor, _TITLES[anchor], drawn, slow=True)


SLOTS = (Slot("errors-groups", "What goes wrong", _groups, slow=True), *map(_of, _TITLES))
