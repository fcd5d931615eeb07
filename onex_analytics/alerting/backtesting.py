"""Rules on history: exactly what the live engine would have done, because it is the same fold.

A backtest feeds a log into `Evaluation`, in the order of event time or of arrival, and what becomes known into the
same `Notifier` that pages people live.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from onex_analytics.alerting.durations import parse_duration
from onex_analytics.alerting.evaluating import Evaluation
from onex_analytics.alerting.feeding import Advance, AsOf, advances_of, fed, utc, whole_times
from onex_analytics.alerting.group_evaluation import GroupEvaluation
from onex_analytics.alerting.incidents import load_incidents
from onex_analytics.alerting.microseconds import microseconds_of, time_of
from onex_analytics.alerting.notification import Notifier, Page, pages_frame, wakes
from onex_analytics.alerting.recording import AlertRecord, StretchRecord, label_values
from onex_analytics.alerting.rules import Rule, RuleSet
from onex_analytics.alerting.shapes import ALERTS, STATES, STRETCHES, TRANSITIONS
from onex_analytics.exceptions import InvalidOption
from onex_analytics.progress import working

if TYPE_CHECKING:
    from onex_analytics.alerting.scoring import Load

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class _Feed:
    """The log, and how it is fed."""

    events: pl.LazyFrame
    as_of: AsOf
    advances: Sequence[Advance]
    until: datetime | None

    def run(self, evaluation: Evaluation, observe: Callable[[pl.DataFrame], None]) -> None:
        """Feed it, and show what becomes known after each slice."""
        process = evaluation.process_in_order if self.as_of == "event" else evaluation.process
        with working("following the log", "events") as tell:
            for part in fed(self.events, evaluation.columns, self.as_of, self.advances, tell=tell):
                observe(evaluation.advance(part) if isinstance(part, datetime) else process(part))
        if self.until is not None:
            observe(evaluation.advance(self.until))


@dataclass(frozen=True, eq=False)
class Backtest:
    """What rules did on a log. Frames are collected; `states`, `stretches` and `evidence` read the log again.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> result = backtest(rules, log)
    >>> result
    Backtest(1 rules, 1 firings, 1 pages)
    >>> result.transitions.select("state", pl.col("at").dt.strftime("%H:%M")).rows()
    [('pending', '10:03'), ('firing', '10:04'), ('resolved', '10:07')]
    """

    rules: RuleSet
    transitions: pl.DataFrame
    """`TRANSITIONS`: one row a change of state."""
    alerts: pl.DataFrame
    """`ALERTS`: one row an alert, whether it fired or not."""
    pages: pl.DataFrame
    """`PAGES`: one row a page that a receiver would have had. Counted are those that wake somebody (`wakes`)."""
    summary: pl.DataFrame
    """One row a rule; see `summaries.SUMMARY`."""
    accounts: dict[str, dict[str, int]]
    """By group: `events` seen, `late`, `ahead` of their arrival and `untimed` ones, which it did not count, evaluations
    of label sets, evaluations `over_limit`, and what its cells left out."""
    begin: datetime | None
    """The first evaluation."""
    end: datetime | None
    """The time up to which everything is known."""
    incidents: pl.DataFrame | None
    """`INCIDENTS`: the incidents that the rules are scored against, where they were given."""
    lead: timedelta
    label_names: tuple[str, ...] | None
    tz: str
    _feed: _Feed = field(repr=False)

    def __repr__(self) -> str:
        fired = self.alerts["fired"].count()
        return f"Backtest({self.summary.height} rules, {fired:,} firings, {self.pages.filter(wakes()).height:,} pages)"

    # ------------------------------------------------------------------ every evaluation

    def states(self, rule: str | None = None, group: str | None = None) -> pl.LazyFrame:
        """Every evaluation of every label set, to check cell by cell. The log is evaluated again for it.

        Args:
            rule: only the rules of this name. A week at one minute is 10,080 rows a label set: name one.
            group: only the rules of this group.

        Returns:
            `STATES`, expanded lazily from `stretches`: one row an evaluation, rule by rule, label set by label set, in
            time. Rules of `mode: event` are evaluated at every microsecond; they have one row a stretch that is alike.
        """
        found = self.stretches(rule, group)
        on_grid = {(g.name, r.alert): g.interval for g, r in self.rules.rules if r.mode == "grid"}
        steps = pl.DataFrame(
            [(name, alert, interval // _MICROSECOND) for (name, alert), interval in on_grid.items()],
            schema={"group": pl.String, "rule": pl.String, "_step": pl.Int64}, orient="row",
        )  # fmt: skip
        ticks = pl.when(pl.col("_step").is_null()).then(1).otherwise("evaluations")
        return (
            found.lazy()
            .join(steps.lazy(), on=["group", "rule"], how="left", maintain_order="left")
            .with_columns(pl.int_ranges(0, ticks).alias("_tick"))
            .explode("_tick", empty_as_null=False)
            .with_columns(at=pl.col("first") + pl.duration(microseconds=pl.col("_tick") * pl.col("_step").fill_null(0)))
            .select(*STATES)
        )

    def stretches(self, rule: str | None = None, group: str | None = None) -> pl.DataFrame:
        """Every stretch of evaluations of one value and one state: `states`, before it is expanded.

        Args and the second evaluation: as `states`.

        Returns:
            `STRETCHES`: one row a stretch, rule by rule, label set by label set, in time.
        """
        named = [(g, r) for g, r in self.rules.rules if rule in (None, r.alert) and group in (None, g.name)]
        if not named and (rule, group) != (None, None):
            known = ", ".join(f"{r.alert} of {g.name}" for g, r in self.rules.rules)
            raise InvalidOption("rule", f"{rule} of {group}", known)
        key = (rule, group)
        if key not in self._stretches:
            wanted = {id(r) for _, r in named}
            self._stretches[key] = self._traced(lambda r: id(r) in wanted)
        return self._stretches[key]

    @cached_property
    def _stretches(self) -> dict[tuple[str | None, str | None], pl.DataFrame]:
        return {}

    def _traced(self, wanted: Callable[[Rule], bool]) -> pl.DataFrame:
        groups = tuple(g for g in self.rules.groups if any(wanted(r) for r in g.rules))
        evaluation = Evaluation(self.rules.model_copy(update={"groups": groups}), self._feed.events.collect_schema())
        records = []
        for part in evaluation.groups:
            record = StretchRecord(part, wanted)
            part.listener = record
            records.append(record)
        self._feed.run(evaluation, lambda known: None)
        return pl.concat([pl.DataFrame(schema=STRETCHES), *(record.stretches() for record in records)])

    def again(self, rules: RuleSet) -> Backtest:
        """The same log, options and incidents under other rules."""
        feed = self._feed
        moves = [(advance.after, advance.to, advance.events) for advance in feed.advances]
        return backtest(
            rules, feed.events, self.incidents, lead=self.lead, as_of=feed.as_of, until=feed.until, advances=moves,
            labels=self.label_names, tz=self.tz,
        )  # fmt: skip

    def markdown(self) -> str:
        """What the rules did, as the comment of a pull request."""
        from onex_analytics.alerting.markdown import backtest_text

        return backtest_text(self)

    # ------------------------------------------------------------------ why, and how well

    @cached_property
    def evidence(self) -> pl.DataFrame:
        """`EVIDENCE`: the events in the window of each transition; see `evidence_of` for parts of it."""
        return self.evidence_of(self.transitions)

    def evidence_of(self, transitions: pl.DataFrame) -> pl.DataFrame:
        """The events behind some of the transitions, read from the log.

        Args:
            transitions: rows of `transitions`.

        Returns:
            `EVIDENCE`: one row a transition and an event that its value was reckoned from, in their order.
        """
        from onex_analytics.alerting.evidence import evidence

        return evidence(self.rules, transitions, self._feed.events)

    def scores(self, split: float | datetime | str | None = None) -> pl.DataFrame:
        """How well the rules found the incidents, beside alerts at random times; see `scoring.scores`.

        Raises:
            InvalidOption: there are no incidents.
        """
        from onex_analytics.alerting.scoring import scores

        return scores(self, split)

    @cached_property
    def matches(self) -> pl.DataFrame:
        """Which firing caught which incident; see `scoring.matches`."""
        from onex_analytics.alerting.scoring import matches

        return matches(self)

    @cached_property
    def verdicts(self) -> pl.DataFrame:
        """What became of each incident: caught, missed; see `detections.verdicts`."""
        from onex_analytics.alerting.detections import verdicts

        return verdicts(self)

    @cached_property
    def tellings(self) -> pl.DataFrame:
        """When people heard of each incident, and whether it was still going on; see `detections.tellings`."""
        from onex_analytics.alerting.detections import tellings

        return tellings(self)

    @cached_property
    def lanes(self) -> pl.DataFrame:
        """When the label sets that fired for the longest were pending and firing; see `timelines.lanes`."""
        from onex_analytics.alerting.timelines import lanes

        return lanes(self)

    @cached_property
    def at_once(self) -> pl.DataFrame:
        """How many label sets were pending and firing at once; see `timelines.at_once`."""
        from onex_analytics.alerting.timelines import at_once

        return at_once(self)

    @cached_property
    def load(self) -> Load:
        """How many pages a day people get, and how many of them at night and on weekends."""
        from onex_analytics.alerting.scoring import load_of

        return load_of(self)


def backtest(
    rules: RuleSet,
    events: pl.LazyFrame | pl.DataFrame,
    incidents: pl.DataFrame | pl.LazyFrame | str | Iterable[Any] | None = None,
    *,
    lead: str | timedelta = "15m",
    as_of: AsOf = "event",
    until: datetime | str | None = None,
    advances: pl.DataFrame | Iterable[tuple[datetime, datetime] | tuple[datetime, datetime, int | None]] | None = None,
    labels: Iterable[str] | None = None,
    tz: str = "UTC",
) -> Backtest:
    """What the live engine would have done on a log: the same rules, the same state machine, the same pages.

    Ticks are closed that live would have closed after the last event, and no others: what is still open at the end of
    the log stays open. Memory is bounded by the cells and by a slice of the log.

    Args:
        rules: from `load_rules` or `presets`.
        events: the canonical frame, or any with `timestamp`, `event_id` and the columns that the rules read. Any order.
        incidents: what went wrong, to score against: anything that `load_incidents` takes.
        lead: a firing so long before an incident's start still catches it.
        as_of: "event": as if each event had arrived when it happened. "arrival": in the order of `arrived_at`, late
            events and all: what live truly saw. The difference is the cost of lateness.
        until: move the clock to here at the end, as `AlertEngine.advance` does.
        advances: clocks moved while the log was recorded, as `AlertEngine.advances` gives them: a frame, or tuples, of
            `after_arrival`, `to` and, where several events arrived at one moment, how many `events` had been seen.
        labels: labels that a firing and an incident that name them must share; by default all that both name.
        tz: the time zone of days, nights and weekends, such as "Europe/Berlin".

    Returns:
        Frames of transitions, alerts, pages and a summary by rule, and more that is reckoned when asked for.

    Raises:
        MissingColumns: a rule reads a column that is not there.
        InvalidOption: a bad option, or `as_of="arrival"` where arrivals are not known.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import RuleSet
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": [str(i) for i in range(90)],
    ...                     "timestamp": [start + timedelta(seconds=10 * i) for i in range(90)]})
    >>> busy = {"alert": "Busy", "when": {"count": {"window": "5m"}, "op": ">=", "threshold": 30}, "for": "1m"}
    >>> result = backtest(RuleSet.model_validate({"groups": [{"name": "g", "rules": [busy]}]}), log)
    >>> result.transitions.select("state", pl.col("at").dt.strftime("%H:%M")).rows()
    [('pending', '10:05'), ('firing', '10:06')]
    """
    from onex_analytics.alerting.scoring import zone
    from onex_analytics.alerting.summaries import summary

    zone(tz)
    log = whole_times(events.lazy())
    feed = _Feed(log, as_of, advances_of(advances), None if until is None else utc(until, "until"))
    evaluation, notifier = Evaluation(rules, log.collect_schema()), Notifier(rules)
    records = {}
    for part in evaluation.groups:
        part.listener = records[part] = AlertRecord(part)
    known: list[pl.DataFrame] = [pl.DataFrame(schema=TRANSITIONS)]
    pages: list[Page] = []

    def observe(transitions: pl.DataFrame) -> None:
        known.append(transitions)
        notifier.observe_all(transitions)
        if evaluation.clock is not None:
            pages.extend(notifier.advance(evaluation.clock))

    feed.run(evaluation, observe)
    end = evaluation.clock
    alerts = _alerts(records, end)
    told = pages_frame(pages)
    begin = _first_evaluation(evaluation.groups)
    return Backtest(
        rules=rules, transitions=pl.concat(known), alerts=alerts, pages=told,
        summary=summary(evaluation.groups, records, alerts, told, begin, end), accounts=evaluation.counts,
        begin=begin, end=end, incidents=None if incidents is None else load_incidents(incidents),
        lead=parse_duration(lead) if isinstance(lead, str) else lead,
        label_names=None if labels is None else tuple(labels), tz=tz, _feed=feed,
    )  # fmt: skip


def _alerts(records: dict[GroupEvaluation, AlertRecord], end: datetime | None) -> pl.DataFrame:
    known = -(2**62) if end is None else microseconds_of(end)
    parts = [
        record.alerts(known).with_columns(pl.lit(part.number).alias("_group"), label_values())
        for part, record in records.items()
    ]
    if not parts:
        return pl.DataFrame(schema=ALERTS)
    return pl.concat(parts).sort("pending", "_group", "_rule", "_key").select(*ALERTS)


def _first_evaluation(groups: Sequence[GroupEvaluation]) -> datetime | None:
    firsts = [part.fold.grid.time(part.fold.first_tick) for part in groups if part.fold.first_tick is not None]
    return time_of(min(firsts)) if firsts else None
