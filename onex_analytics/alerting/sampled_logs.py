"""What rules would still find if only a part of the events were kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting.backtesting import Backtest, backtest
from onex_analytics.alerting.biases import bias
from onex_analytics.alerting.draws import Keep, draws, seeds_of
from onex_analytics.alerting.evaluating import Evaluation
from onex_analytics.alerting.feeding import AsOf, whole_times
from onex_analytics.alerting.notification import wakes
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.alerting.shapes import LABEL_SET
from onex_analytics.alerting.targets import FOUND, OfFirings, OfIncidents, Truth, key_of
from onex_analytics.frames.statistics import t_reach, wilson, z_of
from onex_analytics.model.shapes import UTC_MICROSECONDS
from onex_analytics.progress import working

DETECTIONS = pl.Schema({
    "incident": pl.String(),                 # null without incidents: a firing of the rule on the whole log
    "group": pl.String(),                    # null: all rules together, whichever tells first
    "rule": pl.String(),
    "labels": LABEL_SET,                     # of the incident, or of the firing
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,                 # null while it lasts
    "biased": pl.Boolean(),                  # of the rule (one of all): `RULES.bias` says why
    "full_delay_s": pl.Float64(),            # on the whole log; null where the rule misses it
    "runs": pl.Int64(),
    "detected": pl.Int64(),                  # runs that found it
    "probability": pl.Float64(),             # detected of runs
    "probability_low": pl.Float64(),         # Wilson
    "probability_high": pl.Float64(),
    "delay_s_p10": pl.Float64(),             # over the runs, from `start`; a miss lasts for ever, and null says so
    "delay_s_p50": pl.Float64(),
    "delay_s_p90": pl.Float64(),
})
"""One row an incident and a rule, by start; all rules together first, then as in the rule file."""

DELAYS = pl.Schema({
    "incident": pl.String(),
    "group": pl.String(),
    "rule": pl.String(),
    "labels": LABEL_SET,
    "start": UTC_MICROSECONDS,
    "delay_s": pl.Float64(),                 # negative: before the start
    "detected": pl.Int64(),                  # runs that found it at this delay or sooner
    "runs": pl.Int64(),
    "share": pl.Float64(),                   # detected of runs, above 0, up to 1
})
"""One row a row of `DETECTIONS` and a delay, in that order; what no run found has none."""

RULES = pl.Schema({
    "group": pl.String(),                    # null: all rules together
    "rule": pl.String(),
    "bias": pl.String(),                     # why its values are not those of the whole log, even on average; or null
    "full_firings": pl.Int64(),              # on the whole log
    "firings": pl.Float64(),                 # a run, on average
    "full_recall": pl.Float64(),             # share of incidents (firings) found; null without one
    "recall": pl.Float64(),                  # the same of a run, on average
    "full_pages_per_day": pl.Float64(),      # null where no time was evaluated, as what follows
    "pages_per_day": pl.Float64(),
    "full_false_pages_per_day": pl.Float64(),
    "false_pages_per_day": pl.Float64(),     # of a run, on average
    "false_pages_per_day_low": pl.Float64(), # of that average
    "false_pages_per_day_high": pl.Float64(),
})
"""One row a rule, as in the rule file; the last is of all together."""

RUNS = pl.Schema({
    "seed": pl.Int64(),
    "events": pl.Int64(),                    # kept
    "kept_share": pl.Float64(),              # of the events of the log; null without one
    "stands_for": pl.Float64(),              # sum of adjusted counts over that of the log: about 1 where they are right
    "firings": pl.Int64(),
    "found": pl.Int64(),                     # incidents, or firings of the whole log
    "pages": pl.Int64(),                     # that wake somebody
    "false_pages": pl.Int64(),
})
"""One row a run."""


@dataclass(frozen=True, eq=False)
class WhatIfSampled:
    """What rules come to on a part of the events, over many draws of it, beside the whole log.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> what_if_sampled(rules, log, pl.lit(1.0), seeds=2)
    WhatIfSampled(2 runs with 100.0% of the events, 1 rows of detections)
    """

    full: Backtest
    """The rules on the whole log."""
    detections: pl.DataFrame
    """`DETECTIONS`."""
    delays: pl.DataFrame
    """`DELAYS`."""
    rules: pl.DataFrame
    """`RULES`."""
    runs: pl.DataFrame
    """`RUNS`."""

    def __repr__(self) -> str:
        shares = self.runs["kept_share"].drop_nulls().to_list()
        kept = f"{np.mean(shares):.1%} of the events" if shares else "no events"
        return f"WhatIfSampled({self.runs.height} runs with {kept}, {self.detections.height} rows of detections)"


def what_if_sampled(
    rules: RuleSet,
    events: pl.LazyFrame | pl.DataFrame,
    keep: Keep,
    incidents: Any = None,
    *,
    seeds: int | Iterable[int] = 100,
    level: float = 0.95,
    lead: str | timedelta = "15m",
    as_of: AsOf = "event",
    until: datetime | str | None = None,
    labels: Iterable[str] | None = None,
) -> WhatIfSampled:
    """How likely rules are to find what they find, and how late, if only a part of the events were kept.

    Each seed is a draw of its own, and a backtest of what it kept, with the weights that it gave; all of them up to the
    end of the whole log. What the whole log comes to stands beside it. Weights make counts, rates, shares and averages
    right on average; other kinds are marked (`RULES.bias`). A label set of which nothing was kept is not evaluated.

    Args:
        rules: the rules.
        events: as `backtest` takes them. An `adjusted_count` that they have already goes on to count.
        keep: `keep(events, seed)` gives the events back with a column `keep` (or only those that are kept), and with
            `probability`, or with the `adjusted_count` that they have from now on. It may be called in any order, and
            answers the same for the same seed. Or an expression: the probability of each event; events with one trace
            id (else correlation id, else event id) share one draw. See `draws.draws`.
        incidents: what went wrong, as `backtest` takes it. Without them the firings of the whole log are what is to be
            found, each by its own rule and label set: by a firing that overlaps it.
        seeds: how many draws to make, or their seeds.
        level: of the intervals.
        lead, as_of, until, labels: as `backtest` has them.

    Returns:
        Frames of detections, delays, rules and runs. A page is false where it wakes somebody and none of the alerts
        that it says fire found anything; those in holes of the log and maintenance are not judged. The interval of
        false pages is Student's over the runs, or that of a Poisson count (Garwood) where it is the wider one: that no
        run had any does not say that there are none.

    Raises:
        InvalidOption: a bad option, or what `keep` returns is not enough to go by.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927) 209; Garwood, Biometrika 28 (1936) 437.

    >>> from onex_analytics.alerting import RuleSet
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": [str(i) for i in range(600)],
    ...                     "timestamp": [start + timedelta(seconds=i) for i in range(600)]})
    >>> busy = {"alert": "Busy", "when": {"count": {"window": "1m"}, "threshold": 50}}
    >>> rules = RuleSet.model_validate({"groups": [{"name": "g", "rules": [busy]}]})
    >>> found = what_if_sampled(rules, log, pl.lit(0.5), seeds=20)
    >>> found.detections.select("rule", "runs", "detected", "probability").rows()
    [('Busy', 20, 20, 1.0)]
    """
    log = whole_times(events.lazy())
    options: dict[str, Any] = {"lead": lead, "as_of": as_of, "labels": labels}
    z_of(level)
    chosen = seeds_of(seeds)
    full = backtest(rules, log, incidents, until=until, **options)
    truth: Truth = OfFirings(full) if full.incidents is None else OfIncidents(full)
    by = {(group.name, rule.alert): frozenset(rule.by) for group, rule in rules.rules}
    whole = _Run.of(full, truth, by)
    weight = pl.col("adjusted_count").fill_null(1.0).sum() if "adjusted_count" in log.collect_schema() else pl.len()
    total, stood_for = log.select(pl.len(), weight.cast(pl.Float64).alias("weight")).collect().row(0)
    found, rows = [], []
    read = Evaluation(rules, log.collect_schema()).columns
    with working("drawing and following the log", "draws") as tell:
        for seed, kept in zip(chosen, draws(keep, log, read, chosen), strict=True):
            result = backtest(rules, kept, full.incidents, until=full.end, **options)
            run = _Run.of(result, truth, by)
            found.append(run)
            rows.append((
                seed, kept.height, kept.height / total if total else None,
                kept["adjusted_count"].sum() / stood_for if stood_for else None, run.firings[None],
                run.found.join(truth.targets.filter(truth.whole), on="_target", how="semi").height, run.pages[None],
                run.false_pages[None],
            ))  # fmt: skip
            tell(len(rows), len(chosen))
    marks = {(group.name, rule.alert): bias(rule) for group, rule in rules.rules}
    return WhatIfSampled(
        full, _detections(truth, whole, found, marks, level), _delays(truth, found),
        _rules(full, truth, whole, found, marks, level), pl.DataFrame(rows, schema=RUNS, orient="row"),
    )  # fmt: skip


# ---------------------------------------------------------------------- what a run comes to


@dataclass
class _Run:
    """What a backtest comes to: by rule (group and name; None: all together) its firings, pages and false pages."""

    found: pl.DataFrame
    firings: dict[tuple[str, str] | None, int] = field(default_factory=dict)
    pages: dict[tuple[str, str] | None, int] = field(default_factory=dict)
    false_pages: dict[tuple[str, str] | None, int] = field(default_factory=dict)

    @classmethod
    def of(cls, result: Backtest, truth: Truth, by: dict[tuple[str, str], frozenset[str]]) -> _Run:
        found, right = truth.found(result)
        made = cls(found.sort("_target"))
        for group, rule, firings, pages in result.summary.select("group", "rule", "firings", "pages").iter_rows():
            made.firings[group, rule], made.pages[group, rule], made.false_pages[group, rule] = firings, pages, 0
        made.firings[None], made.pages[None] = sum(made.firings.values()), result.pages.filter(wakes()).height
        made.false_pages[None] = 0
        for alerts in result.pages.filter(wakes())["firing"].to_list():
            told: dict[tuple[str, str] | None, bool] = {}
            for alert in alerts:
                rule = (alert["group"], alert["rule"])
                is_right = key_of(*rule, alert["starts_at"], alert["labels"], by[rule]) in right
                told[rule] = told.get(rule, False) or is_right
            told[None] = any(told.values())
            for rule_or_all, is_right in told.items():
                made.false_pages[rule_or_all] += not is_right
        return made


def _detections(
    truth: Truth, whole: _Run, runs: list[_Run], marks: dict[tuple[str, str], str | None], level: float
) -> pl.DataFrame:
    n, total = truth.targets.height, len(runs)
    delays = np.full((n, total), np.inf)
    for place, run in enumerate(runs):
        delays[run.found["_target"].to_numpy(), place] = run.found["delay_s"].to_numpy()
    full = np.full(n, np.nan)
    full[whole.found["_target"].to_numpy()] = whole.found["delay_s"].to_numpy()
    detected = np.isfinite(delays).sum(axis=1)
    share = wilson(detected, np.full(n, total), level)
    ordered = np.sort(delays, axis=1)
    biased = {rule for rule, why in marks.items() if why is not None}
    rows = truth.targets.select("group", "rule").iter_rows()
    return truth.targets.with_columns(
        pl.Series("biased", [bool(biased) if rule[1] is None else rule in biased for rule in rows], dtype=pl.Boolean),
        pl.Series("full_delay_s", full), pl.lit(total).alias("runs"), pl.Series("detected", detected),
        pl.Series("probability", share.estimate), pl.Series("probability_low", share.low),
        pl.Series("probability_high", share.high),
        *(
            pl.Series(f"delay_s_p{percent}", ordered[:, -(-percent * total // 100) - 1]) for percent in (10, 50, 90)
        ),
    ).with_columns(
        pl.when(pl.col(pl.Float64).is_finite()).then(pl.col(pl.Float64)).name.keep()
    ).select(*DETECTIONS).cast(DETECTIONS)  # fmt: skip


def _delays(truth: Truth, runs: list[_Run]) -> pl.DataFrame:
    found = pl.concat([pl.DataFrame(schema=FOUND), *(run.found for run in runs)])
    here = found.group_by("_target", "delay_s").agg(pl.len().alias("_at")).sort("_target", "delay_s")
    return (
        here.with_columns(pl.col("_at").cum_sum().over("_target").alias("detected"), pl.lit(len(runs)).alias("runs"))
        .with_columns((pl.col("detected") / pl.col("runs")).alias("share"))
        .join(truth.targets, on="_target", how="left", maintain_order="left")
        .select(*DELAYS).cast(DELAYS)
    )  # fmt: skip


def _rules(
    full: Backtest, truth: Truth, whole: _Run, runs: list[_Run], marks: dict[tuple[str, str], str | None],
    level: float,
) -> pl.DataFrame:  # fmt: skip
    days = (full.end - full.begin) / timedelta(days=1) if full.begin is not None and full.end is not None else 0.0
    any_bias = next((why for why in marks.values() if why is not None), None)
    rows = []
    for key in [*full.summary.select("group", "rule").rows(), None]:
        group, rule = key or (None, None)
        mine = truth.whole if key is None else (pl.col("group") == group) & (pl.col("rule") == rule)
        numbers = truth.targets.filter(mine)["_target"]
        recalls = [_share(run.found.filter(pl.col("_target").is_in(numbers.to_list())).height, numbers.len())
                   for run in [whole, *runs]]  # fmt: skip
        false = np.array([run.false_pages[key] for run in runs], dtype=np.float64)
        low, high = _mean_within(false, level)
        per_day = [whole.pages[key], float(np.mean([run.pages[key] for run in runs])), whole.false_pages[key],
                   float(false.mean()), low, high]  # fmt: skip
        rows.append((
            group, rule, any_bias if key is None else marks[key], whole.firings[key],
            float(np.mean([run.firings[key] for run in runs])), recalls[0],
            None if not numbers.len() else float(np.mean(np.array(recalls[1:], dtype=np.float64))),
            *(pages / days if days > 0 else None for pages in per_day),
        ))  # fmt: skip
    return pl.DataFrame(rows, schema=RULES, orient="row")


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean_within(counts: NDArray[np.float64], level: float) -> tuple[float, float]:
    """The wider one of Student's interval of a mean and Garwood's of a Poisson mean."""
    from scipy.special import gammaincinv

    n, total, out = counts.size, counts.sum(), (1 - level) / 2
    low = float(gammaincinv(total, out)) / n if total else 0.0
    high = float(gammaincinv(total + 1, 1 - out)) / n
    if n > 1:
        reach = float(t_reach(n - 1, level)) * float(counts.std(ddof=1)) / n**0.5
        low, high = min(low, max(float(counts.mean()) - reach, 0.0)), max(high, float(counts.mean()) + reach)
    return low, high
