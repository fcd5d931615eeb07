"""What a page shows, as a link says it: the page, the shared time range and filters, and how deep the user has gone.

A view and its query string are one: a link reproduces what its sender saw, and the browser's back button works.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import polars as pl

from onex_analytics.exceptions import InvalidOption

PAGES = {
    "overview": "Overview", "traces": "Traces", "alerts": "Alerts", "latency": "Latency", "errors": "Errors",
    "sampling": "Sampling", "size": "Size",
}  # fmt: skip
"""The pages and what they are called, in their order."""

FILTERS = {"node": "node", "type": "event_type", "outcome": "outcome", "operation": "operation"}
"""Names in a link, and the columns that they choose by."""

OUTCOMES = ("start", "success", "soft_failure", "failure", "other")
_MINUTE = timedelta(minutes=1)
_MOST_LETTERS = 8_000
_TIME = "a time such as 2026-11-01T12:00"


@dataclass(frozen=True)
class Selection:
    """Which part of the log: the events of [since, until), whole minutes, that pass every filter.

    A filter is the values that pass, null among them as ""; an empty one lets everything pass.
    """

    since: datetime | None = None
    until: datetime | None = None
    node: tuple[str, ...] = ()
    event_type: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    operation: tuple[str, ...] = ()

    def rows(self, time: str, *columns: str) -> pl.Expr:
        """True for a row that was chosen, by its column of time and those of `columns` that have a filter."""
        parts = [pl.lit(True)]
        if self.since is not None:
            parts.append(pl.col(time) >= self.since)
        if self.until is not None:
            parts.append(pl.col(time) < self.until)
        for name in columns:
            if values := getattr(self, name):
                parts.append(pl.col(name).cast(pl.String).fill_null("").is_in(list(values)))
        return pl.all_horizontal(parts)

    @property
    def is_everything(self) -> bool:
        return self == Selection()


@dataclass(frozen=True)
class Cell:
    """A cell of the heat map of durations: what began in [start, end) and took above `above_ms`, up to `up_to_ms`.

    Both are 0 for durations of zero.
    """

    start: datetime
    end: datetime
    above_ms: float
    up_to_ms: float

    def rows(self) -> pl.Expr:
        """True for a span in the cell."""
        took = pl.col("duration_ms")
        long = took == 0 if self.up_to_ms == 0 else (took > self.above_ms) & (took <= self.up_to_ms)
        return (pl.col("start") >= self.start) & (pl.col("start") < self.end) & long


@dataclass(frozen=True)
class View:
    """What one browser shows."""

    page: str = "overview"
    selection: Selection = Selection()
    spans: bool = False
    """Of the traces: every span, instead of requests (the roots of traces)."""
    cell: Cell | None = None
    trace: str | None = None
    rule: str | None = None
    """Of the alerts: the one that is looked at closely."""
    share: float = 0.1
    """Of the sampling: what is kept of the events, above 0, up to 1."""

    def on(self, page: str) -> View:
        """Another page with the same time range and filters."""
        return View(page=page, selection=self.selection)

    def without_depth(self) -> View:
        """The page as it is before one goes into it."""
        return replace(self, cell=None, trace=None, rule=None)

    def query(self) -> str:
        """The view as a query string, with its question mark.

        >>> View("traces", Selection(node=("a b", "c")), trace="4f").query()
        '?page=traces&node=a+b&node=c&trace=4f'
        """
        chosen = self.selection
        pairs: list[tuple[str, str]] = [("page", self.page)]
        pairs += [("from", _minute(chosen.since))] if chosen.since is not None else []
        pairs += [("to", _minute(chosen.until))] if chosen.until is not None else []
        pairs += [(name, value) for name, column in FILTERS.items() for value in getattr(chosen, column)]
        pairs += [("of", "spans")] if self.spans else []
        if self.cell is not None:
            one = self.cell
            times = f"{_moment(one.start)}/{_moment(one.end)}"
            pairs += [("at", times), ("ms", f"{one.above_ms!r}/{one.up_to_ms!r}")]
        pairs += [("trace", self.trace)] if self.trace is not None else []
        pairs += [("rule", self.rule)] if self.rule is not None else []
        pairs += [("share", repr(self.share))] if self.share != View.share else []
        return "?" + urlencode(pairs)


def view_of(query: str) -> View:
    """The view that a query string names; parameters that are not ours are left alone.

    Args:
        query: with or without its question mark. A time that is no whole minute widens the range to one.

    Raises:
        InvalidOption: a value that cannot be; it says which, and what would do.

    >>> view_of("?page=alerts&from=2026-11-01T12:00:30").selection.since
    datetime.datetime(2026, 11, 1, 12, 0, tzinfo=datetime.timezone.utc)
    """
    if len(query) > _MOST_LETTERS:
        raise InvalidOption("the link", f"{len(query):,} letters", f"at most {_MOST_LETTERS:,}")
    pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True)
    said = dict(pairs)
    page = said.get("page") or "overview"
    if page not in PAGES:
        raise InvalidOption("page", page, "one of " + ", ".join(PAGES))
    since = _time("from", said["from"]) if said.get("from") else None
    until = _time("to", said["to"]) if said.get("to") else None
    if since is not None:
        since -= timedelta(seconds=since.second, microseconds=since.microsecond)
    if until is not None and (until.second or until.microsecond):
        until += _MINUTE - timedelta(seconds=until.second, microseconds=until.microsecond)
    if since is not None and until is not None and since >= until:
        raise InvalidOption("from", said["from"], f"a time before {said['to']}, which `to` is")
    filters = {
        column: tuple(dict.fromkeys(value for key, value in pairs if key == name)) for name, column in FILTERS.items()
    }
    return View(
        page=page, selection=Selection(since, until, **filters), spans=said.get("of") == "spans",
        cell=_cell(said["at"], said.get("ms", "")) if said.get("at") else None,
        trace=said.get("trace") or None, rule=said.get("rule") or None,
        share=_share(said["share"]) if said.get("share") else View.share,
    )  # fmt: skip


def _share(text: str) -> float:
    wanted = "a share of the events, from 0.00001 to 1, such as 0.1"
    try:
        found = float(text)
    except ValueError as problem:
        raise InvalidOption("share", text, wanted) from problem
    if not 1e-5 <= found <= 1:
        raise InvalidOption("share", text, wanted)
    return found


def _cell(times: str, lengths: str) -> Cell:
    wanted = "two times with a stroke between, and two lengths in milliseconds, as a click on a cell gives them"
    begin, _, end = times.partition("/")
    above, _, up_to = lengths.partition("/")
    try:
        above_ms, up_to_ms = float(above), float(up_to)
    except ValueError as problem:
        raise InvalidOption("ms", lengths, wanted) from problem
    found = Cell(_time("at", begin), _time("at", end), above_ms, up_to_ms)
    finite = math.isfinite(above_ms) and math.isfinite(up_to_ms)
    if not finite or not 0 <= above_ms <= up_to_ms or found.start >= found.end:
        raise InvalidOption("at and ms", f"{times} and {lengths}", wanted)
    return found


def _time(name: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.replace(" ", "+") if text[-6:-5] == " " else text)
    except ValueError as problem:
        raise InvalidOption(name, text, _TIME) from problem
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if not 1970 <= found.year <= 9000:
        raise InvalidOption(name, text, _TIME)
    return found


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M}"


def _moment(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat()


def names_of(values: Sequence[str | None]) -> tuple[str, ...]:
    """Values of a column as a filter has them: null is "".

    >>> names_of(["a", None])
    ('a', '')
    """
    return tuple("" if value is None else value for value in values)
