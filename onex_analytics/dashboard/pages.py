"""The pages: which sections each has, and what stands above them: the pages' links, the time range and the filters."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime, timedelta

from onex_analytics.dashboard import alerts, errors, latency, overview, sampling, sizes, traces
from onex_analytics.dashboard.holding import Holding
from onex_analytics.dashboard.sections import Slot
from onex_analytics.dashboard.selection import FILTERS, OUTCOMES, PAGES, Selection, View
from onex_analytics.views.tables import plain

SLOTS: dict[str, Sequence[Slot]] = {
    "overview": overview.SLOTS, "traces": traces.SLOTS, "alerts": alerts.SLOTS, "latency": latency.SLOTS,
    "errors": errors.SLOTS, "sampling": sampling.SLOTS, "size": sizes.SLOTS,
}  # fmt: skip
_MOST_CHOICES = 200
_TITLES = {"node": "Node", "type": "Event type", "outcome": "Outcome", "operation": "Operation"}
_QUICK = (("last hour", timedelta(hours=1)), ("last day", timedelta(days=1)), ("last week", timedelta(days=7)))


def slots_of(view: View) -> Sequence[Slot]:
    """The sections of a view."""
    return SLOTS.get(view.page, ())


def head_of(holding: Holding, view: View) -> str:
    """The pages' links, the version, the time range and the filters, as HTML."""
    links = "".join(
        f'<a href="{html.escape(view.on(page).query())}"{" aria-current=page" if page == view.page else ""}>{name}</a>'
        for page, name in PAGES.items() if page in SLOTS
    )  # fmt: skip
    return (
        f'<p class="dim" id="version">{version_text(holding)}</p>'
        f'<nav class="pages" aria-label="Pages">{links}</nav>'
        + _filters(holding, view)
    )


def version_text(holding: Holding) -> str:
    """Which version of the store is shown."""
    return f"Version {holding.version:,} of the store, {plain(holding.events, 'count')} events. All times are UTC."


def body_of(view: View) -> str:
    """The sections, still empty."""
    slots = slots_of(view)
    inside = "".join(f'<a href="#{slot.anchor}">{html.escape(slot.title)}</a>' for slot in slots)
    empty = "".join(
        f'<section id="{slot.anchor}" class="slot" aria-busy="true" aria-label="{html.escape(slot.title)}">'
        f'<h2>{html.escape(slot.title)}</h2><p class="note" hidden></p><div class="body"></div></section>'
        for slot in slots
    )
    return f'<nav class="inside" aria-label="Sections of this page">{inside}</nav>{empty}'


def problem_html(text: str, view: View | None) -> str:
    """What went wrong, and a way on."""
    back = (view.without_depth() if view is not None else View()).query()
    return (
        f'<div class="problem" role="alert"><p><strong>This cannot be shown.</strong> {html.escape(text)}</p>'
        f'<p><a href="{html.escape(back)}">Back to the page</a> · <a href="{View().query()}">To the overview</a></p>'
        "</div>"
    )


def summary_of(chosen: Selection) -> str:
    """The time range and the filters in a few words."""
    if chosen.is_everything:
        return "The whole store"
    parts = []
    if chosen.since is not None or chosen.until is not None:
        begin, end = (("…" if time is None else plain(time, "time")) for time in (chosen.since, chosen.until))
        parts.append(f"{begin} – {end}")
    for name, column in FILTERS.items():
        values = [value or "(none)" for value in getattr(chosen, column)]
        if values:
            more = f" and {len(values) - 2} more" if len(values) > 2 else ""
            parts.append(f"{_TITLES[name].lower()} {', '.join(values[:2])}{more}")
    return " · ".join(parts)


def _filters(holding: Holding, view: View) -> str:
    chosen = view.selection
    hidden = f'<input type="hidden" name="page" value="{view.page}">'
    hidden += '<input type="hidden" name="of" value="spans">' if view.spans else ""
    times = "".join(
        f'<label>{title}<input type="datetime-local" name="{name}" value="{_local(time)}"></label>'
        for name, title, time in (("from", "From (UTC)", chosen.since), ("to", "Before (UTC)", chosen.until))
    )
    boxes = "".join(_choices(name, *_known(holding, name, getattr(chosen, column))) for name, column in FILTERS.items())
    return (
        f'<details class="filters"><summary>Time and filters: {html.escape(summary_of(chosen))}</summary>'
        f'<form data-view aria-label="Time and filters">{hidden}<div class="times">{times}'
        f'<div class="quick">{_quick(holding, view)}</div></div><div class="choices">{boxes}</div>'
        '<button class="main">Show</button> '
        f'<a class="button" href="{View(view.page).query()}">Clear all</a></form></details>'
    )


def _quick(holding: Holding, view: View) -> str:
    _, last = holding.period
    links = [("whole store", Selection(None, None, **_values(view.selection)))]
    if last is not None:
        end = last.replace(second=0, microsecond=0) + timedelta(minutes=1)
        links += [(name, Selection(end - length, end, **_values(view.selection))) for name, length in _QUICK]
    return "".join(f'<a href="{html.escape(View(view.page, one).query())}">{name}</a>' for name, one in links)


def _values(chosen: Selection) -> dict[str, tuple[str, ...]]:
    return {column: getattr(chosen, column) for column in FILTERS.values()}


def _known(holding: Holding, name: str, wanted: Sequence[str]) -> tuple[list[tuple[str, int, bool]], int]:
    """The values of a filter, the most frequent first: value, events, whether it is chosen; and how many are left out.
    """
    events = holding.values[FILTERS[name]]
    if name == "outcome":
        events = {value: events[value] for value in OUTCOMES if value in events}
    shown = dict.fromkeys([*wanted, *list(events)[:_MOST_CHOICES]])  # what is chosen is seen without scrolling
    return [(value, events.get(value, 0), value in wanted) for value in shown], max(len(events) - _MOST_CHOICES, 0)


def _choices(name: str, values: Sequence[tuple[str, int, bool]], hidden: int) -> str:
    lines = "".join(
        f'<label class="choice"><input type="checkbox" name="{name}" value="{html.escape(value)}"'
        f'{" checked" if is_chosen else ""}><span>{html.escape(value) or "(none)"}</span>'
        f'<span class="n">{events:,}</span></label>'
        for value, events, is_chosen in values
    )
    title = _TITLES[name]
    find = f'<input data-narrow aria-label="Find a value of {title.lower()}" placeholder="find">'
    narrow = find if len(values) > 8 else ""
    more = f'<p class="dim">{hidden:,} rarer values are not listed.</p>' if hidden else ""
    return f'<fieldset><legend>{title}</legend>{narrow}<div class="list">{lines}</div>{more}</fieldset>'


def _local(time: datetime | None) -> str:
    return "" if time is None else f"{time:%Y-%m-%dT%H:%M}"
