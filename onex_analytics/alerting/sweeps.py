"""A rule under every threshold at once: firings, time in alert, recall, precision, delay and pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting import level_kernels as kernels
from onex_analytics.alerting.durations import duration_text, parse_duration
from onex_analytics.alerting.feeding import AsOf
from onex_analytics.alerting.incidents import HARMLESS, UNJUDGED, load_incidents
from onex_analytics.alerting.levels import (
    Float64,
    Int64,
    Levels,
    Placed,
    label_texts,
    levels_of,
    pages_of,
    placed,
    require_order,
    runs_of,
)
from onex_analytics.alerting.microseconds import microseconds_of, time_of
from onex_analytics.alerting.rules import Rule, RuleSet
from onex_analytics.alerting.scoring import agree
from onex_analytics.exceptions import InvalidOption

SWEEP = pl.Schema({
    "window": pl.Duration("us"),             # of the cell; null where its kind has none
    "for": pl.Duration("us"),
    "threshold": pl.Float64(),               # one that gives this row
    "low": pl.Float64(),                     # all between low and high give the same; null: no end to that side
    "high": pl.Float64(),
    "firings": pl.Int64(),
    "firing_label_sets": pl.Int64(),         # fired at least once
    "firing_s": pl.Float64(),                # seconds of firing, all label sets together, up to the end of the log
    "judged": pl.Int64(),                    # outside holes and maintenance; null without incidents, as what follows
    "true_firings": pl.Int64(),              # caught an incident
    "precision": pl.Float64(),               # true_firings of judged; null without one
    "incidents": pl.Int64(),
    "caught": pl.Int64(),
    "recall": pl.Float64(),                  # caught of incidents; null without one
    "delay_s_p50": pl.Float64(),             # of the first firing; a miss lasts for ever, and null says so
    "pages": pl.Int64(),                     # that wake somebody; null where they were not asked for
    "pages_per_day": pl.Float64(),
})
"""One row a window, a `for` and a threshold, in that order."""

Durations = str | timedelta | Iterable[str | timedelta] | None
_US = timedelta(microseconds=1)
_CELLS_AT_ONCE = 4_000_000


def sweep(
    rule: Rule | RuleSet | str,
    events: pl.LazyFrame | pl.DataFrame,
    thresholds: Iterable[float] | Literal["all"] = "all",
    for_: Durations = None,
    window: Durations = None,
    incidents: Any = None,
    *,
    rules: RuleSet | None = None,
    pages: Iterable[float] | Literal["all"] | None = None,
    lead: str | timedelta = "15m",
    labels: Iterable[str] | None = None,
    as_of: AsOf = "event",
    until: datetime | str | None = None,
) -> pl.DataFrame:
    """What a rule would have done with every threshold: exactly what as many backtests would say, from one pass.

    Args:
        rule: a rule; or a file with one rule; or the name of a rule in `rules`. Its comparison has an order (not == or
            !=), its group no limit, and it does not reset after a match.
        events: as `backtest` takes them.
        thresholds: "all", or those to try.
        for_: how long the condition must hold, one or several; as the rule has it by default.
        window: the cell's window, one or several; as the rule has it by default.
        incidents: what went wrong, as `backtest` takes it: recall, precision and delay of each row.
        rules: the file in which the rule stands: its grid, lateness and notification. A rule alone is evaluated every
            minute.
        pages: thresholds for which pages are simulated, each in the row that it lies in; "all" for each row.
        lead: a firing so long before an incident's start still catches it.
        labels: labels that a firing and an incident that name them must share; by default all that both name.
        as_of: "event" or "arrival", as `backtest` has it.
        until: move the clock to here at the end.

    Returns:
        `SWEEP`: one row a window, a `for` and a threshold, in that order. With "all", one row for each interval of
        thresholds between which nothing changes; of > and <= these hold their `low` and not their `high`, of >= and <
        their `high` and not their `low`. Thresholds at which every evaluation fires, or none, are rows as well.

    Raises:
        InvalidOption: a rule that cannot be swept, or a bad option.
        MissingColumns: the rule reads a column that is not there.

    Source: firing levels, see `levels`; checked against the state machine of the live engine.

    >>> from onex_analytics.alerting import Rule
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": [str(i) for i in range(6)],
    ...                     "timestamp": [start + timedelta(seconds=s) for s in (10, 130, 140, 310, 320, 610)]})
    >>> busy = Rule.model_validate({"alert": "Busy", "when": {"count": {"window": "1m"}, "threshold": 0}})
    >>> sweep(busy, log).select("threshold", "firings", "firing_s").rows()
    [(-1.0, 1, 550.0), (0.0, 3, 180.0), (1.0, 2, 120.0), (2.0, 0, 0.0)]
    """
    here = placed(rule, rules)
    require_order(here.group, here.rule)
    grid = None if isinstance(thresholds, str) else _thresholds(thresholds)
    if isinstance(thresholds, str) and thresholds != "all":
        raise InvalidOption("thresholds", thresholds, '"all", or numbers')
    told = None if incidents is None else load_incidents(incidents)
    names = None if labels is None else tuple(labels)
    paged = pages if pages is None or isinstance(pages, str) else _thresholds(pages)
    holds = durations_of("for", for_) or [here.rule.for_]
    windowed = [with_window(here.rule, length) for length in durations_of("window", window)] or [here.rule]
    found = [pl.DataFrame(schema=SWEEP)]
    for of_window, runs in zip(windowed, runs_of(here, windowed, events, as_of, until), strict=True):
        for hold in holds:
            levels = levels_of(runs, of_window.model_copy(update={"for_": hold}))
            judge = None
            if told is not None:
                some = to_find(told, time_of(levels.begin), time_of(levels.end))
                judge = Judge(levels, some, _duration("lead", lead), names)
            rows = rows_of(levels, grid, judge)
            rows = rows.with_columns(
                pl.lit(getattr(of_window.when.cell, "window", None), SWEEP["window"]).alias("window"),
                pl.lit(hold, SWEEP["for"]).alias("for"), *_pages(here, levels, rows, paged),
            )  # fmt: skip
            found.append(rows.select(*SWEEP).cast(SWEEP))
    return pl.concat(found)


# ---------------------------------------------------------------------- what is asked for


def _thresholds(given: Iterable[float]) -> Float64:
    found = np.unique(np.asarray(list(given), dtype=np.float64))
    if not np.isfinite(found).all():
        raise InvalidOption("thresholds", found.tolist(), "finite numbers")
    return found


def durations_of(name: str, given: Durations) -> list[timedelta]:
    """The lengths that are meant, the shortest first."""
    if given is None:
        return []
    some = [given] if isinstance(given, str | timedelta) else list(given)
    return sorted({_duration(name, one) for one in some})


def _duration(name: str, given: str | timedelta) -> timedelta:
    found = parse_duration(given) if isinstance(given, str) else given
    if found < timedelta():
        raise InvalidOption(name, str(given), "a length, never negative")
    return found


def with_window(rule: Rule, window: timedelta) -> Rule:
    """The rule with another window of its cell."""
    cell = rule.when.cell
    if "window" not in type(cell).model_fields:
        raise InvalidOption("window", duration_text(window), f"none: {cell.kind} has no window of its own")
    if not window:
        raise InvalidOption("window", duration_text(window), "a length above 0")
    return rule.model_copy(update={"when": rule.when.model_copy(update={
        "cell": cell.model_copy(update={"window": window})
    })})  # fmt: skip


# ---------------------------------------------------------------------- rows


def rows_of(levels: Levels, grid: Float64 | None, judge: Judge | None) -> pl.DataFrame:
    """The rows of one window and `for`, by threshold, without pages."""
    breaks = np.unique(levels.level)
    breaks = breaks[np.isfinite(breaks)] + 0.0
    if grid is None:
        beyond = [_beyond(breaks[:1], -1.0), breaks] if levels.strict else [breaks, _beyond(breaks[-1:], 1.0)]
        scores = np.concatenate(beyond)
    else:
        scores = np.sort(levels.sign * grid)
    size = scores.size
    rises = levels.rises
    low, high = levels.below(scores, levels.before[rises]), levels.below(scores, levels.level[rises])
    fires = levels.below(scores, levels.level)
    microseconds = np.zeros(size + 1, np.int64)
    np.add.at(microseconds, fires, levels.until - levels.at)
    greatest = np.full(len(levels.labels), -np.inf)
    np.maximum.at(greatest, levels.label_set, levels.level)
    begins = np.searchsorted(breaks, scores, "right" if levels.strict else "left") - 1
    edges = np.concatenate([[np.nan], breaks, [np.nan]])
    found = {
        "threshold": levels.sign * scores + 0.0,
        "low": levels.sign * edges[begins + 1] + 0.0, "high": levels.sign * edges[begins + 2] + 0.0,
        "firings": _covering(low, high, size),
        "firing_label_sets": _covering(np.zeros_like(fires, shape=greatest.size), levels.below(scores, greatest), size),
        "firing_s": np.cumsum(microseconds[::-1])[::-1][1:] / 1e6,
        **({} if judge is None else judge.columns(low, high, size)),
    }  # fmt: skip
    if levels.sign < 0:
        found["low"], found["high"] = found["high"], found["low"]
        found = {name: column[::-1] for name, column in found.items()}
    empty = {name: kind for name, kind in SWEEP.items() if name not in ("window", "for", "pages", "pages_per_day")}
    return pl.DataFrame({
        name: pl.Series(name, np.ascontiguousarray(found[name])).cast(kind) if name in found
        else pl.repeat(None, size, dtype=kind, eager=True)
        for name, kind in empty.items()
    }).with_columns(pl.col(pl.Float64).fill_nan(None))  # fmt: skip


def _beyond(edge: Float64, by: float) -> Float64:
    """A threshold beyond all levels."""
    return np.where(edge + by != edge, edge + by, np.nextafter(edge, by * np.inf))


def _covering(low: Int64, high: Int64, size: int) -> Int64:
    """How many of the intervals [low, high) cover each row."""
    steps = np.bincount(low, minlength=size + 1) - np.bincount(high, minlength=size + 1)
    return np.cumsum(steps)[:size]


def to_find(incidents: pl.DataFrame, begin: datetime, end: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The incidents of a stretch of time that can be found, and those in which nothing is judged, as `scoring` says."""
    begins_in = (pl.col("start") >= begin) & (pl.col("start") <= end)
    lasts_into = (pl.col("start") < begin) & (pl.col("end").is_null() | (pl.col("end") > begin))
    unjudged = incidents.filter(pl.col("kind").is_in(list(UNJUDGED)))
    real = incidents.filter(~pl.col("kind").is_in([*HARMLESS, *UNJUDGED]) & (begins_in | lasts_into))
    holes = unjudged.drop_nulls("end").select("start", "end").rows()
    outside = [
        not any(start <= begun and ended is not None and ended <= over for start, over in holes)
        for begun, ended in real.select("start", "end").iter_rows()
    ]
    return real.filter(pl.Series(outside, dtype=pl.Boolean)), unjudged


class Judge:
    """The firings of every threshold, judged against incidents as `scoring` judges those of one."""

    def __init__(
        self, levels: Levels, incidents: tuple[pl.DataFrame, pl.DataFrame], lead: timedelta,
        names: Sequence[str] | None,
    ) -> None:  # fmt: skip
        rises = levels.rises
        at, label_set = levels.at[rises], levels.label_set[rises]
        self._of_set = [{**labels, **levels.about} for labels in label_texts(levels.labels)]
        self._levels, self._names, self._label_set, self._at = levels, names, label_set, at
        self.incidents, unjudged = incidents
        self._true, self._in_hole = np.zeros(at.size, np.bool_), np.zeros(at.size, np.bool_)
        pairs = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
        for number, (start, caught) in enumerate(self._within(self.incidents, lead)):
            self._true[caught] = True
            delay = (at[caught] + levels.lateness - start) / 1e6
            pairs.append((np.full(caught.size, number), caught, delay))
        for _, inside in self._within(unjudged, timedelta()):
            self._in_hole[inside] = True
        self._incident, self._firing, self._delay = (np.concatenate(column) for column in zip(*pairs, strict=True))

    def agreeing(self, labels: dict[str, str]) -> NDArray[np.bool_]:
        """Of each label set, whether it can be about an incident with these labels."""
        return np.array([agree(ours, labels, self._names) for ours in self._of_set], dtype=np.bool_)

    def _within(self, incidents: pl.DataFrame, lead: timedelta) -> Iterator[tuple[int, Int64]]:
        """Of each incident its start, and the firings in its time whose labels agree."""
        agreed: dict[tuple[tuple[str, str], ...], NDArray[np.bool_]] = {}
        texts = label_texts(incidents["labels"])
        for start, end, labels in zip(incidents["start"], incidents["end"], texts, strict=True):
            begin = microseconds_of(start)
            over = np.iinfo(np.int64).max if end is None else microseconds_of(end)
            here = np.flatnonzero((self._at >= begin - lead // _US) & (self._at <= over))
            key = tuple(labels.items())
            if key not in agreed:
                agreed[key] = self.agreeing(labels)
            yield begin, here[agreed[key][self._label_set[here]]]

    def delays(self, low: Int64, high: Int64, rows: slice) -> Float64:
        """Of each incident and row, seconds until the first firing was known; infinite where it was missed."""
        found = np.full((self.incidents.height, rows.stop - rows.start), np.inf)
        clipped = (np.clip(edge[self._firing] - rows.start, 0, rows.stop - rows.start) for edge in (low, high))
        kernels.earliest(self._incident, *clipped, self._delay, found)
        return found

    def caught(self, thresholds: Float64) -> NDArray[np.bool_]:
        """Whether each incident (a row) is caught with each of the thresholds."""
        levels = self._levels
        order = np.argsort(levels.sign * thresholds, kind="stable")
        scores, rises = (levels.sign * thresholds)[order], levels.rises
        low, high = levels.below(scores, levels.before[rises]), levels.below(scores, levels.level[rises])
        found = np.empty((self.incidents.height, scores.size), np.bool_)
        found[:, order] = np.isfinite(self.delays(low, high, slice(0, scores.size)))
        return found

    def columns(self, low: Int64, high: Int64, size: int) -> dict[str, NDArray[Any]]:
        """Of each row, what the firings that cover it come to: firing k is in the rows `low[k]` to `high[k]`."""
        total = self.incidents.height
        judged = self._true | ~self._in_hole
        n_judged = _covering(low[judged], high[judged], size)
        n_true = _covering(low[self._true], high[self._true], size)
        caught, delay = np.zeros(size, np.int64), np.full(size, np.nan)
        rows_at_once = max(1, _CELLS_AT_ONCE // max(total, 1))
        for begin in range(0, size if total else 0, rows_at_once):
            rows = slice(begin, min(begin + rows_at_once, size))
            first = self.delays(low, high, rows)
            caught[rows] = np.isfinite(first).sum(axis=0)
            rank = -(-total // 2) - 1
            delay[rows] = np.partition(first, rank, axis=0)[rank]
        delay[np.isinf(delay)] = np.nan
        with np.errstate(invalid="ignore"):
            return {
                "judged": n_judged, "true_firings": n_true, "precision": n_true / np.where(n_judged, n_judged, np.nan),
                "incidents": np.full(size, total), "caught": caught, "delay_s_p50": delay,
                "recall": caught / total if total else np.full(size, np.nan),
            }  # fmt: skip


def _pages(
    here: Placed, levels: Levels, rows: pl.DataFrame, wanted: Float64 | Literal["all"] | str | None
) -> list[pl.Series]:
    """Pages of the rows in which the wanted thresholds lie."""
    days = (levels.end - levels.begin) / 86_400e6
    counts: list[int | None] = [None] * rows.height
    if isinstance(wanted, str):
        chosen: Iterable[int] = range(rows.height)
    elif wanted is None:
        chosen = ()
    else:
        chosen = _rows_with(rows, levels, wanted)
    for row in chosen:
        told = levels.transitions(here.group.name, here.rule.alert, rows["threshold"][row])
        counts[row] = sum(page.wakes for page in pages_of(here.alone(), told, levels.end)) if told.height else 0
    pages = pl.Series("pages", counts, dtype=pl.Int64)
    per_day = pages / days if days > 0 else pl.Series([None] * len(counts), dtype=pl.Float64)
    return [pages, per_day.alias("pages_per_day")]


def _rows_with(rows: pl.DataFrame, levels: Levels, wanted: Float64) -> list[int]:
    """The rows whose interval of thresholds holds one of the wanted."""
    threshold, low, high = (rows[name].to_numpy() for name in ("threshold", "low", "high"))
    low, high = np.nan_to_num(low, nan=-np.inf), np.nan_to_num(high, nan=np.inf)
    holds_low = levels.strict == (levels.sign > 0)
    found = set()
    for one in wanted.tolist():
        inside = (threshold == one) | (((low <= one) & (one < high)) if holds_low else ((low < one) & (one <= high)))
        found.update(np.flatnonzero(inside).tolist())
    return sorted(found)
