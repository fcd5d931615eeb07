"""Rules tuned on the first part of a log, and what they are worth on the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from onex_analytics.alerting.backtesting import Backtest, backtest
from onex_analytics.alerting.calm import calm_events, calm_share, disturbed, quiet_score, reach
from onex_analytics.alerting.catalogue import INHIBITIONS, catalogue, group_of, meaning
from onex_analytics.alerting.durations import parse_duration
from onex_analytics.alerting.feeding import utc, whole_times
from onex_analytics.alerting.incidents import load_incidents
from onex_analytics.alerting.levels import Levels, Placed, Runs, levels_of, pages_of, placed, require_order, runs_of
from onex_analytics.alerting.microseconds import microseconds_of
from onex_analytics.alerting.recording import label_values
from onex_analytics.alerting.routing import Notification, Route
from onex_analytics.alerting.rule_choices import Candidate, Place, choices, place_of, rounded_up
from onex_analytics.alerting.rules import Group, Rule, RuleSet
from onex_analytics.alerting.shapes import TRANSITIONS
from onex_analytics.alerting.sweeps import Durations, Judge, durations_of, to_find, with_window
from onex_analytics.exceptions import InvalidOption

CHOICES = pl.Schema({
    "group": pl.String(),
    "rule": pl.String(),
    "kept": pl.Boolean(),                    # false: no threshold of it was worth its pages
    "threshold_before": pl.Float64(),        # null of a general rule, which was not there before
    "threshold": pl.Float64(),               # null where it is not kept, as what follows
    "window": pl.Duration("us"),
    "for": pl.Duration("us"),
    "low": pl.Float64(),                     # every threshold between low and high did the same on the first part
    "high": pl.Float64(),
    "firings": pl.Int64(),                   # on the first part, as what follows
    "true_firings": pl.Int64(),
    "caught": pl.Int64(),                    # incidents
})
"""One row a rule, in the order of the file."""

_FOR_MISTAKES = 0.05
"""The share of the pages that may be spent on nothing."""
_ROUTINGS = tuple(
    Notification(
        route=Route(
            receiver="default", group_by=(), group_wait=timedelta(minutes=5), group_interval=timedelta(minutes=minutes),
            repeat_interval=timedelta(days=1),
        ),
        inhibit_rules=INHIBITIONS,
    )
    for minutes in (30, 240)
)
"""Ways to tell all alerts together: the first with which the first part is within the budget."""


@dataclass(frozen=True, eq=False)
class Suggestion:
    """Tuned rules, and how they did on both parts. `met` is about the second part, which they had not seen."""

    rules: RuleSet
    """The rules that are worth it, with their new thresholds, windows and `for`."""
    choices: pl.DataFrame
    """`CHOICES`."""
    scores: pl.DataFrame
    """`scoring.SCORES` of the rules: the parts "tune" and "report", beside alerts at random times."""
    backtest: Backtest
    """The rules on the whole log."""
    met: bool
    """Whether the second part has the recall and no more pages a day than allowed."""
    verdict: str
    """That, as a sentence with the numbers."""

    def __repr__(self) -> str:
        return f"Suggestion({self.verdict})"


@dataclass(frozen=True)
class _Tuning:
    """What is looked at while tuning, and how."""

    first: pl.LazyFrame
    begin: datetime
    at: datetime
    incidents: pl.DataFrame
    before: tuple[pl.DataFrame, pl.DataFrame]
    lead: timedelta
    names: tuple[str, ...] | None
    budget: float

    @property
    def pages(self) -> float:
        """The budget of the first part."""
        return self.budget * ((self.at - self.begin) / timedelta(days=1))

    def judge(self, levels: Levels) -> Judge:
        return Judge(levels, self.before, self.lead, self.names)


def suggest(
    rule: Rule | RuleSet | str | None,
    events: pl.LazyFrame | pl.DataFrame,
    incidents: Any,
    *,
    max_pages_per_day: float = 2.0,
    min_recall: float = 0.9,
    for_: Durations = None,
    window: Durations = None,
    split: float | datetime | str = 0.5,
    general: bool = True,
    rules: RuleSet | None = None,
    lead: str | timedelta = "15m",
    labels: Iterable[str] | None = None,
    tz: str = "UTC",
) -> Suggestion:
    """Rules and thresholds that find the most incidents of the first part of a log with so many pages a day.

    A rule alone is tuned alone: of every threshold that finds something, those that do the same on the first part are
    one choice, and the one in the middle of them is taken, for it is farthest from where anything changes. Which
    choices to take is searched for several prices of a firing, and what each comes to is simulated, pages and all.

    The rules of a file (or none) get company: general rules from what the log holds (see `catalogue`). The first part
    shows few of the things that can go wrong, so that rules which are silent while nothing is wrong are kept as well,
    though they found nothing there. Their thresholds are those that calm times hardly reach (see `calm.quiet_score`);
    a tenth of the pages is theirs to spend on mistakes. Where the file does not say how alerts are told, they are
    told in one group, at most every half hour, or every four hours where the first part has too many pages otherwise;
    and failures with codes that never were before keep other failures quiet.

    What was chosen is then run on the whole log, and the rest of it says what it is worth.

    Args:
        rule: a rule; or a file whose rules are tuned together; or a rule's name, with its file as `rules`; or None for
            general rules only.
        events: as `backtest` takes them.
        incidents: what went wrong, as `backtest` takes it.
        max_pages_per_day: the budget, of all rules together.
        min_recall: the least share of incidents that should be caught, 0 to 1.
        for_: further values of `for` to try, for every rule that is given.
        window: further windows to try, for every rule that is given and whose kind has one.
        split: where the first part ends: a share of the log's time, or a time.
        general: whether a file's rules get company; a general rule that asks what one of the file asks is left out.
        rules: the file in which the rule stands: its grid and its notification.
        lead: a firing so long before an incident's start still catches it.
        labels: labels that a firing and an incident that name them must share; by default all that both name.
        tz: the time zone of days and nights.

    Returns:
        The tuned rules, what was chosen, and the scores of both parts. Where no choice meets both wishes the nearest
        is returned, and its verdict says what it falls short of.

    Raises:
        InvalidOption: a bad option, a rule that cannot be swept (see `sweep`), or no incident in the first part.

    >>> start = datetime(2026, 11, 1)
    >>> rush = [{"id": f"rush-{hour}", "start": start + timedelta(hours=hour),
    ...          "end": start + timedelta(hours=hour, minutes=10)} for hour in (3, 9, 15, 21)]
    >>> times = [start + timedelta(minutes=minute) for minute in range(24 * 60)]
    >>> times += [one["start"] + timedelta(seconds=second) for one in rush for second in range(300)]
    >>> log = pl.DataFrame({"event_id": [str(number) for number in range(len(times))], "timestamp": times})
    >>> busy = Rule.model_validate({"alert": "Busy", "when": {"count": {"window": "5m"}, "threshold": 3}})
    >>> found = suggest(busy, log, rush, max_pages_per_day=5)
    >>> found.choices.select("threshold_before", "threshold", "low", "high").rows()
    [(3.0, 150.0, 5.0, 304.0)]
    >>> found.met, found.verdict
    (True, 'on the second part recall 1.00 at 4.00 pages a day (on the first, 1.00 at 4.00)')
    """
    if not 0 <= min_recall <= 1:
        raise InvalidOption("min_recall", min_recall, "a share from 0 to 1")
    if not max_pages_per_day >= 0:
        raise InvalidOption("max_pages_per_day", max_pages_per_day, "a number of pages, such as 2")
    held = [] if rule is None else _placed_all(rule, rules)
    log, told = whole_times(events.lazy()), load_incidents(incidents)
    begin, at = _split(log, split)
    early = told.filter(pl.col("start") < at)
    before, names = to_find(early, begin, at), None if labels is None else tuple(labels)
    if not before[0].height:
        wanted = "some in the first part, to tune the rules on"
        raise InvalidOption("incidents", f"none to find before {at:%Y-%m-%d %H:%M}", wanted)
    allowed = parse_duration(lead) if isinstance(lead, str) else lead
    first = log.filter(pl.col("timestamp") < at)
    tuning = _Tuning(first, begin, at, early, before, allowed, names, max_pages_per_day)
    holds, lengths = durations_of("for", for_), durations_of("window", window)
    company = _company(tuning, held) if rule is None or (general and isinstance(rule, RuleSet)) else []
    ways = [*_given(tuning, held, holds, lengths), *_general(tuning, company)]
    file = RuleSet() if rule is None else _file_of(held)
    if company:
        file = file.model_copy(update={"groups": (*file.groups, company[0][0].group)})
    places = _places(tuning, ways, _FOR_MISTAKES if company else None)
    chosen, notification = _best(file, places, tuning, min_recall, company=bool(company))
    tuned = _tuned(file.model_copy(update={"notification": notification}), places, chosen)
    result = backtest(tuned, log, told, lead=allowed, labels=names, tz=tz)
    scores = result.scores(at)
    met, verdict = _verdict(scores, max_pages_per_day, min_recall)
    return Suggestion(tuned, _choices(places, chosen, len(held)), scores, result, met, verdict)


def _placed_all(rule: Rule | RuleSet | str, rules: RuleSet | None) -> list[Placed]:
    held = [Placed(rule, *one) for one in rule.rules] if isinstance(rule, RuleSet) else [placed(rule, rules)]
    if not held:
        raise InvalidOption("rules", "none", "a file with a rule in it")
    for here in held:
        require_order(here.group, here.rule)
    return held


def _split(log: pl.LazyFrame, split: float | datetime | str) -> tuple[datetime, datetime]:
    """When the log begins, and when its second part does."""
    first, last = log.select(least=pl.col("timestamp").min(), most=pl.col("timestamp").max()).collect().row(0)
    if first is None:
        raise InvalidOption("events", "none", "a log to tune the rules on")
    at = first + (last - first) * split if isinstance(split, int | float) else utc(split, "split")
    if not first < at < last:
        raise InvalidOption("split", str(split), f"a share between 0 and 1, or a time between {first} and {last}")
    return first, at


def _company(tuning: _Tuning, held: Sequence[Placed]) -> list[list[Placed]]:
    """The general rules, family by family, in one group."""
    begin, at = microseconds_of(tuning.begin), microseconds_of(tuning.at)
    calm = calm_share(begin, at, disturbed(tuning.incidents, tuning.lead, timedelta()))
    hours = calm * (at - begin) / 3_600e6
    families = catalogue(calm_events(tuning.first, tuning.incidents, tuning.lead), hours)
    given = {meaning(here.rule) for here in held}
    families = tuple(family for family in families if not given >= {meaning(rule) for rule in family.rules})
    taken = {here.group.name for here in held}
    group = group_of([rule for family in families for rule in family.rules])
    while group.name in taken:
        group = group.model_copy(update={"name": group.name + "_"})
    file = RuleSet(groups=(group,))
    return [[Placed(file, group, rule) for rule in family.rules] for family in families]


@dataclass(frozen=True)
class _Ways:
    """Rules that share a threshold, and the values of their variants on the first part."""

    rules: Sequence[Placed]
    variants: Sequence[Sequence[Rule]]
    runs: Sequence[Sequence[Runs]]
    holds: Sequence[timedelta]


def _given(
    tuning: _Tuning, held: Sequence[Placed], holds: Sequence[timedelta], lengths: Sequence[timedelta]
) -> Iterator[_Ways]:
    for here in held:
        own = getattr(here.rule.when.cell, "window", None)
        further = [with_window(here.rule, length) for length in lengths if own is not None and length != own]
        variants = [here.rule, *further]
        yield _Ways([here], [variants], [runs_of(here, variants, tuning.first, "event", tuning.at)], holds)


def _general(tuning: _Tuning, families: Sequence[Sequence[Placed]]) -> Iterator[_Ways]:
    """All of them from one pass over the first part."""
    every = [here for family in families for here in family]
    found = iter(runs_of(every[0], [here.rule for here in every], tuning.first, "event", tuning.at) if every else ())
    for family in families:
        yield _Ways(family, [[here.rule] for here in family], [[next(found)] for _ in family], ())


def _places(tuning: _Tuning, ways: Sequence[_Ways], share: float | None) -> list[Place]:
    """The ways to set each rule; with a share of the pages for mistakes, silence is a reason to keep one as well."""
    places = []
    for some in ways:
        score = None
        if share is not None:
            first = [runs[0] for runs in some.runs]
            score = _score(tuning, [here.rule for here in some.rules], first, share * tuning.pages / len(ways))
        places += [
            place_of(here, runs, variants, some.holds, score, tuning.judge)
            for here, variants, runs in zip(some.rules, some.variants, some.runs, strict=True)
        ]
    return places


def _score(tuning: _Tuning, rules: Sequence[Rule], runs: Sequence[Runs], allowed: float) -> float | None:
    """The score above which rules are silent in calm times, but for so many mistakes.

    It is never below that of their own threshold: silence is no reason to make a rule more eager than it was written.
    """
    busy = disturbed(tuning.incidents, tuning.lead, max(map(reach, rules)))
    levels = [levels_of(some, rule) for rule, some in zip(rules, runs, strict=True)]
    found = quiet_score(levels, microseconds_of(tuning.begin), microseconds_of(tuning.at), busy, allowed)
    return None if found is None else max(rounded_up(found), levels[0].sign * rules[0].when.threshold)


def _best(
    file: RuleSet, places: Sequence[Place], tuning: _Tuning, wanted: float, *, company: bool
) -> tuple[list[Candidate | None], Notification]:
    """The choice with the highest recall within the budget, then with the fewest pages; else that with the fewest.

    With general rules in it, alerts are told together as far as that takes.
    """
    routings = _ROUTINGS if company and file.notification == Notification() else (file.notification,)
    best: tuple[tuple[bool, float, float], list[Candidate | None], Notification] | None = None
    for chosen in choices(places, tuning.before[0].height):
        for notification in routings:
            routed = file.model_copy(update={"notification": notification})
            pages, recall = _worth(routed, places, chosen, tuning.before[0].height)
            within = pages <= tuning.budget
            worth = (within, min(recall, wanted) if within else 0.0, -pages)
            if best is None or worth >= best[0]:  # of two that come to the same, the one that tells more together
                best = worth, chosen, notification
            if within:
                break
    assert best is not None
    return best[1], best[2]


def _worth(
    file: RuleSet, places: Sequence[Place], chosen: Sequence[Candidate | None], n_incidents: int
) -> tuple[float, float]:
    """Pages a day and recall on the first part."""
    parts, caught, end, days = [pl.DataFrame(schema=TRANSITIONS)], np.zeros(n_incidents, np.bool_), 0, 0.0
    for place, one in zip(places, chosen, strict=True):
        if one is not None:
            here = place.here
            parts.append(one.levels.transitions(here.group.name, here.rule.alert, one.rule.when.threshold))
            caught |= one.caught
            end, days = max(end, one.levels.end), max(days, (one.levels.end - one.levels.begin) / 86_400e6)
    order = ("known_at", "group", "rule", "_key")
    told = pl.concat(parts).with_columns(label_values()).sort(order, maintain_order=True).drop("_key")
    pages = sum(page.wakes for page in pages_of(_tuned(file, places, chosen), told, end))
    return (pages / days if days else 0.0), float(caught.sum()) / n_incidents


def _file_of(held: Sequence[Placed]) -> RuleSet:
    return held[0].rules if len(held) > 1 or len(list(held[0].rules.rules)) == 1 else held[0].alone()


def _tuned(file: RuleSet, places: Sequence[Place], chosen: Sequence[Candidate | None]) -> RuleSet:
    by_place = {
        (place.here.group.name, place.here.rule.alert): one.rule
        for place, one in zip(places, chosen, strict=True) if one is not None
    }  # fmt: skip
    groups: list[Group] = []
    for group in file.groups:
        kept = tuple(by_place[group.name, rule.alert] for rule in group.rules if (group.name, rule.alert) in by_place)
        if kept:
            groups.append(group.model_copy(update={"rules": kept}))
    return file.model_copy(update={"groups": tuple(groups)})


def _choices(places: Sequence[Place], chosen: Sequence[Candidate | None], given: int) -> pl.DataFrame:
    rows = []
    for number, (place, one) in enumerate(zip(places, chosen, strict=True)):
        here = place.here
        row: dict[str, Any] = {"group": here.group.name, "rule": here.rule.alert, "kept": one is not None}
        if number < given:
            row["threshold_before"] = here.rule.when.threshold
        if one is not None:
            row |= {
                "threshold": one.rule.when.threshold, "window": getattr(one.rule.when.cell, "window", None),
                "for": one.rule.for_, "low": one.low, "high": one.high, "firings": one.firings,
                "true_firings": one.true_firings, "caught": int(one.caught.sum()),
            }  # fmt: skip
        rows.append(row)
    return pl.DataFrame(rows, schema=CHOICES)


def _verdict(scores: pl.DataFrame, budget: float, wanted: float) -> tuple[bool, str]:
    total = {row["part"]: row for row in scores.filter(pl.col("rule").is_null()).iter_rows(named=True)}
    told, tuned = total.get("report"), total.get("tune")
    if told is None or tuned is None:
        return False, "nothing was kept: no threshold catches an incident of the first part within the budget"
    recall, pages = told["recall"], told["pages_per_day"]
    found = "no incident to find" if recall is None else f"recall {recall:.2f}"
    tuning = f"{tuned['recall']:.2f} at {tuned['pages_per_day']:.2f}"
    seen = f"on the second part {found} at {pages:.2f} pages a day (on the first, {tuning})"
    short = [] if recall is not None and recall >= wanted else [f"the recall of {wanted:g} is not reached"]
    short += [] if pages <= budget else [f"there are more than {budget:g} pages a day"]
    return not short, seen + ("" if not short else "; " + ", and ".join(short))
