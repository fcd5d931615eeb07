"""Size: what events weigh, which field costs what, and how it grows."""

from __future__ import annotations

import polars as pl

from onex_analytics.dashboard.asking import Asking
from onex_analytics.dashboard.overview import counts
from onex_analytics.dashboard.sections import Slot
from onex_analytics.dashboard.selection import View
from onex_analytics.looks.sizes import size_look
from onex_analytics.views.report_of_sizes import size_sections

_MOST_EVENTS = 1_000_000
"""So many events are weighed at most: every n-th by its id where there are more."""


def _sizes(asking: Asking, view: View) -> str:
    chosen, _, period, _ = counts(asking, view)
    if chosen.is_empty():
        return '<p class="empty">No events pass the filters.</p>'
    events, nth = asking.holding.scan(view.selection), -(-int(chosen["events"].sum()) // _MOST_EVENTS)
    note = ""
    if nth > 1:
        events = events.filter(pl.col("event_id").hash(0) % nth == 0)
        note = (f'<p class="dim">Weighed is one event in {nth:,}, chosen by a hash of its id: shares and means are '
                "those of the log, counts and sums are not.</p>")  # fmt: skip
    return note + size_sections(size_look(events, period=period))[0].body


SLOTS = (Slot("sizes", "What events weigh", _sizes, slow=True),)
