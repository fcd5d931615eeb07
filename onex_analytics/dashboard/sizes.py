"""Size: what events weigh, which field costs what, and how it grows."""

from __future__ import annotations

from onex_analytics.dashboard.asking import Asking
from onex_analytics.dashboard.overview import counts
from onex_analytics.dashboard.sections import Slot
from onex_analytics.dashboard.selection import View
from onex_analytics.looks.sizes import size_look
from onex_analytics.views.report_of_sizes import size_sections


def _sizes(asking: Asking, view: View) -> str:
    events, _, period, _ = counts(asking, view)
    if events.is_empty():
        return '<p class="empty">No events pass the filters.</p>'
    return size_sections(size_look(asking.holding.scan(view.selection), period=period))[0].body


SLOTS = (Slot("sizes", "What events weigh", _sizes, slow=True),)
