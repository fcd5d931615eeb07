"""Rules tuned on the first part of a log, and what they are worth on the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting.backtesting import Backtest, backtest
from onex_analytics.alerting.durations import parse_duration
from onex_analytics.alerting.feeding import utc, whole_times
from onex_analytics.alerting.incidents import load_incidents
from onex_analytics.alerting.levels import Levels, Placed, levels_of, pages_of, placed, require_order, runs_of
from onex_analytics.alerting.recording import label_values
from onex_analytics.alerting.rules import Group, Rule, RuleSet
from onex_analytics.alerting.shapes import TRANSITIONS
from onex_analytics.alerting.sweeps import Durations, Judge, durations_of, rows_of, to_find, with_window
from onex_analytics.exceptions import InvalidOption

CHOICES = pl.Schema({
    "group": pl.String(),
    "rule": pl.String(),
    "kept": pl.Boolean(),                    # false: no threshold of it was worth its pages
    "threshold_before": pl.Float64(),
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

_PRICES = (0.0, *np.geomspace(1e-3, 0.5, 14).tolist())
"""What a firing costs, in incidents: for each of them the best rules are looked for."""


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


@dataclass(frozen=True, eq=False)
class _Candidate:
    """One way to set a rule: a threshold in the middle of those that do the same on the first part."""

    rule: Rule
    levels: Levels
    caught: NDArray[np.bool_]
    firings: int
    true_firings: int
    low: float | None
    high: float | None

    @property
    def cost(self) -> float:
        """Firings, false ones twice."""
        return self.firings + (self.firings - self.true_firings)


def suggest(
    rule: Rule | RuleSet | str,
    events: pl.LazyFrame | pl.DataFrame,
    incidents: Any,
    *,
    max_pages_per_day: float = 2.0,
    min_recall: float = 0.9,
    for_: Durations = None,
    window: Durations = None,
    split: float | datetime | str = 0.5,
    rules: RuleSet | None = None,
    lead: str | timedelta = "15m",
    labels: Iterable[str] | None = None,
    tz: str = "UTC",
) -> Suggestion:
    """Thresholds (and windows, and `for`) that find the most incidents of the first part with so many pages a day.

    Every threshold of every rule is swept on the events before the split. Of those that do the same there, the one in
    the middle is taken: it is farthest from where anything changes. Which rules to keep, and with which threshold, is
    searched for several prices of a firing; what each comes to is simulated, pages and all. The rules that catch the
    most within the budget are then run on the whole log, and the rest of it says what they are worth.

    Args:
        rule: a rule, or a file whose rules are tuned together; or a rule's name, with its file as `rules`.
        events: as `backtest` takes them.
        incidents: what went wrong, as `backtest` takes it.
        max_pages_per_day: the budget, of all rules together.
        min_recall: the least share of incidents that should be caught, 0 to 1.
        for_: further values of `for` to try, for every rule.
        window: further windows to try, for every rule whose kind has one.
        split: where the first part ends: a share of the log's time, or a time.
        rules: the file in which the rule stands: its grid and its notification.
        lead: a firing so long before an incident's start still catches it.
        labels: labels that a firing and an incident that name them must share; by default all that both name.
        tz: the time zone of days and nights.

    Returns:
        The tuned rules, what was chosen, and the scores of both parts. Where no choice meets both wishes the nearest
        is returned, and its verdict says what it falls short of.

    Raises:
        InvalidOption: a bad option, a rule that cannot be swept (see `sweep`), or no incident in the first part.
    """
    if not 0 <= min_recall <= 1:
        raise InvalidOption("min_recall", min_recall, "a share from 0 to 1")
    if not max_pages_per_day >= 0:
        raise InvalidOption("max_pages_per_day", max_pages_per_day, "a number of pages, such as 2")
    held = _placed_all(rule, rules)
    log, told = whole_times(events.lazy()), load_incidents(incidents)
    begin, at = _split(log, split)
    before, names = to_find(told.filter(pl.col("start") < at), begin, at), None if labels is None else tuple(labels)
    if not before[0].height:
        wanted = "some in the first part, to tune the rules on"
        raise InvalidOption("incidents", f"none to find before {at:%Y-%m-%d %H:%M}", wanted)
    allowed = parse_duration(lead) if isinstance(lead, str) else lead
    first = log.filter(pl.col("timestamp") < at)
    holds, lengths = durations_of("for", for_), durations_of("window", window)
    candidates = [_candidates(here, first, before, at, holds, lengths, allowed, names) for here in held]
    file = _file_of(held)
    chosen = _best(file, held, candidates, before[0].height, max_pages_per_day, min_recall)
    tuned = _tuned(file, held, chosen)
    result = backtest(tuned, log, told, lead=allowed, labels=names, tz=tz)
    scores = result.scores(at)
    met, verdict = _verdict(scores, max_pages_per_day, min_recall)
    return Suggestion(tuned, _choices(held, chosen), scores, result, met, verdict)


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


def _candidates(
    here: Placed, first: pl.LazyFrame, incidents: tuple[pl.DataFrame, pl.DataFrame], at: datetime,
    holds: Sequence[timedelta], lengths: Sequence[timedelta], lead: timedelta, names: Sequence[str] | None,
) -> list[_Candidate]:  # fmt: skip
    """Of each set of incidents that some threshold catches, the one with the least firings."""
    rule = here.rule
    own = getattr(rule.when.cell, "window", None)
    variants = [rule, *(with_window(rule, length) for length in lengths if own is not None and length != own)]
    found: dict[bytes, _Candidate] = {}
    for variant, runs in zip(variants, runs_of(here, variants, first, "event", at), strict=True):
        for hold in sorted({rule.for_, *holds}):
            held = variant.model_copy(update={"for_": hold})
            levels = levels_of(runs, held)
            for one in _of_levels(held, levels, Judge(levels, incidents, lead, names)):
                key = one.caught.tobytes()
                if key not in found or one.cost < found[key].cost:
                    found[key] = one
    return list(found.values())


def _of_levels(rule: Rule, levels: Levels, judge: Judge) -> list[_Candidate]:
    rows = rows_of(levels, None, judge)
    if not rows.height:
        return []
    caught = judge.caught(rows["threshold"].to_numpy())
    firings, true, judged = (rows[name].to_numpy() for name in ("firings", "true_firings", "judged"))
    alike = np.concatenate([caught, judged[None, :] - true[None, :]])
    edges = np.flatnonzero(np.any(alike[:, 1:] != alike[:, :-1], axis=0)) + 1
    found: dict[bytes, _Candidate] = {}
    for begin, end in zip([0, *edges.tolist()], [*edges.tolist(), rows.height], strict=True):
        low, high = rows["low"][begin], rows["high"][end - 1]
        set_of = caught[:, begin]
        if low is None or high is None or not set_of.any():
            continue
        threshold = _round_between(low, high)
        place = begin + int(np.argmin(firings[begin:end]))
        when = rule.when.model_copy(update={"threshold": threshold})
        one = _Candidate(rule.model_copy(update={"when": when}), levels, set_of, int(firings[place]), int(true[place]),
                         low, high)  # fmt: skip
        key = set_of.tobytes()
        if key not in found or one.cost < found[key].cost:
            found[key] = one
    return list(found.values())


def _round_between(low: float, high: float) -> float:
    """A number with few digits near the middle of the two."""
    middle, width = low + (high - low) / 2, high - low
    for digits in range(-12, 17):
        if low < (found := round(middle, digits)) < high and abs(found - middle) <= width / 8:
            return found
    return middle


def _best(
    file: RuleSet, held: Sequence[Placed], candidates: Sequence[Sequence[_Candidate]], n_incidents: int, budget: float,
    wanted: float,
) -> list[_Candidate | None]:  # fmt: skip
    """The choice with the highest recall within the budget, then with the fewest pages; else that with the fewest."""
    known: dict[tuple[int, ...], tuple[tuple[bool, float, float], list[_Candidate | None]]] = {}
    for price in _PRICES:
        chosen = _descended(candidates, n_incidents, price)
        key = tuple(id(one) for one in chosen)
        if key not in known:
            pages, recall = _worth(file, held, chosen, n_incidents)
            within = pages <= budget
            known[key] = ((within, min(recall, wanted) if within else 0.0, -pages), chosen)
    return max(known.values(), key=lambda found: found[0])[1]


def _descended(
    candidates: Sequence[Sequence[_Candidate]], n_incidents: int, price: float
) -> list[_Candidate | None]:
    """One rule after the other takes what is best beside the others, until none changes."""
    chosen: list[_Candidate | None] = [None] * len(candidates)
    for _ in range(20):
        changed = False
        for place, some in enumerate(candidates):
            others = np.zeros(n_incidents, np.bool_)
            for other, one in enumerate(chosen):
                if one is not None and other != place:
                    others |= one.caught
            best: _Candidate | None = None
            most = 0.0
            for one in some:
                gain = float((one.caught & ~others).sum()) - price * one.cost
                if gain > most or (gain == most and best is not None and one.cost < best.cost):
                    best, most = one, gain
            changed |= best is not chosen[place]
            chosen[place] = best
        if not changed:
            break
    return chosen


def _worth(
    file: RuleSet, held: Sequence[Placed], chosen: Sequence[_Candidate | None], n_incidents: int
) -> tuple[float, float]:
    """Pages a day and recall on the first part."""
    parts, caught, end, days = [pl.DataFrame(schema=TRANSITIONS)], np.zeros(n_incidents, np.bool_), 0, 0.0
    for here, one in zip(held, chosen, strict=True):
        if one is not None:
            parts.append(one.levels.transitions(here.group.name, here.rule.alert, one.rule.when.threshold))
            caught |= one.caught
            end, days = max(end, one.levels.end), max(days, (one.levels.end - one.levels.begin) / 86_400e6)
    order = ("known_at", "group", "rule", "_key")
    told = pl.concat(parts).with_columns(label_values()).sort(order, maintain_order=True).drop("_key")
    pages = pages_of(_tuned(file, held, chosen), told, end)
    return (len(pages) / days if days else 0.0), float(caught.sum()) / n_incidents


def _file_of(held: Sequence[Placed]) -> RuleSet:
    return held[0].rules if len(held) > 1 or len(list(held[0].rules.rules)) == 1 else held[0].alone()


def _tuned(file: RuleSet, held: Sequence[Placed], chosen: Sequence[_Candidate | None]) -> RuleSet:
    by_place = {
        (here.group.name, here.rule.alert): one.rule for here, one in zip(held, chosen, strict=True) if one is not None
    }
    groups: list[Group] = []
    for group in file.groups:
        kept = tuple(by_place[group.name, rule.alert] for rule in group.rules if (group.name, rule.alert) in by_place)
        if kept:
            groups.append(group.model_copy(update={"rules": kept}))
    return file.model_copy(update={"groups": tuple(groups)})


def _choices(held: Sequence[Placed], chosen: Sequence[_Candidate | None]) -> pl.DataFrame:
    rows = []
    for here, one in zip(held, chosen, strict=True):
        row: dict[str, Any] = {"group": here.group.name, "rule": here.rule.alert, "kept": one is not None,
                               "threshold_before": here.rule.when.threshold}  # fmt: skip
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
