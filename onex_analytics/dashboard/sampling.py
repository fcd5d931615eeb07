"""Sampling: what a share of the events would tell, for a share that the user chooses."""

from __future__ import annotations

import html
from urllib.parse import parse_qsl

import polars as pl

from onex_analytics.dashboard.asking import Asking
from onex_analytics.dashboard.overview import counts
from onex_analytics.dashboard.sections import Slot
from onex_analytics.dashboard.selection import View
from onex_analytics.looks.sampling import columns_read, share_frames
from onex_analytics.views import SamplingFrames
from onex_analytics.views.report_of_sampling import sampling_sections

_MOST_EVENTS = 1_000_000
"""Policies are tried on so many events at most: on every n-th trace where there are more."""


def frames(asking: Asking, view: View) -> tuple[SamplingFrames, int]:
    """What the sections show, and of one trace in how many."""

    def reckon() -> tuple[SamplingFrames, int]:
        chosen, _, period, _ = counts(asking, view)
        start, end, _ = period.row(0)
        events = asking.holding.scan(view.selection).filter(pl.col("timestamp").is_between(start, end))
        nth = -(-int(chosen["events"].sum()) // _MOST_EVENTS)
        log = events.select(columns_read(events.collect_schema()))
        if nth > 1:
            whose = pl.coalesce("trace_id", "correlation_id", "event_id")
            log = log.filter(whose.hash(0) % nth == 0)
        return share_frames(log.collect().lazy(), view.share)[0], nth

    return asking.kept("sampling", view.selection, view.share, reckon=reckon)


def _of(place: int, asking: Asking, view: View) -> str:
    if counts(asking, view)[0].is_empty():
        return '<p class="empty">No events pass the filters.</p>'
    found, nth = frames(asking, view)
    part = "" if nth <= 1 else (
        f'<p class="dim">Tried on one trace in {nth:,} of the log, chosen by a hash of its id: shares are those of '
        "the log, counts are not.</p>"
    )  # fmt: skip
    return (_form(view) if place == 0 else "") + part + sampling_sections(found)[place].body


def _form(view: View) -> str:
    pairs = [pair for pair in parse_qsl(view.query().removeprefix("?"), keep_blank_values=True) if pair[0] != "share"]
    hidden = "".join(f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in pairs)
    return (
        f'<form class="inline" data-view aria-label="The share that is kept">{hidden}<label>Share of the events that '
        f'is kept, above 0, up to 1<input name="share" inputmode="decimal" size="8" value="{view.share:g}"></label>'
        "<button>Try it</button></form>"
    )


def _answers(asking: Asking, view: View) -> str:
    return _of(0, asking, view)


def _lost(asking: Asking, view: View) -> str:
    return _of(1, asking, view)


SLOTS = (
    Slot("sampling", "What a part of the events would tell", _answers, slow=True,
         of=lambda view: (view.selection, view.share)),
    Slot("sampling-lost", "What would be lost", _lost, slow=True, of=lambda view: (view.selection, view.share)),
)  # fmt: skip
